import { RotationError } from "../errors.ts";
import type { Digest, SecretDescription, SecretResult, Status } from "../ports.ts";
import { attempt, type Findings, noteInstance } from "./answer.ts";
import type { Context } from "./context.ts";
import { Run } from "./run.ts";
import { createSecret, finishSecret, testSecret } from "./steps.ts";
import { readCurrent, readVersion, requireSameAccount, type Version, versionAt } from "./versions.ts";

const DAY_MS = 86_400_000;
/** Released versions keep their ids for ever, so the next rotation from the same current version takes another. */
const MAX_RELEASED = 20;

export interface RotateOptions {
  /** A secret whose current version is younger, in days, is skipped. */
  readonly intervalDays: number;
  /** Rotate whatever the age. */
  readonly force: boolean;
}

/** Rotates one secret, or carries on with the rotation that is pending. */
export function rotateSecret(context: Context, name: string, options: RotateOptions): Promise<SecretResult> {
  return attempt(context, name, async (findings) => {
    const description = await context.store.describe(name);
    const current = await readCurrent(context.store, description);
    noteInstance(findings, current);
    const pending = await readPending(context, description, current);
    if (pending === undefined && !options.force && !isDue(context, current, options.intervalDays)) {
      findings.versionId = current.versionId;
      return "not-due";
    }
    return drive(context, { description, current, pending }, findings);
  });
}

/** Puts the previous password back into Redis and the secret manager: a rotation to a known password. */
export function rollbackSecret(context: Context, name: string): Promise<SecretResult> {
  return attempt(context, name, async (findings) => {
    const description = await context.store.describe(name);
    const current = await readCurrent(context.store, description);
    noteInstance(findings, current);
    const previousId = versionAt(description, "previous");
    const previous = previousId && (await readVersion(context.store, description.secretId, previousId));
    const pending = await readPending(context, description, current);
    const { password } = previous ? previous.value : current.value;
    if (!previous || (pending !== undefined && pending.value.password !== password)) {
      const why = previous ? "a rotation is pending" : "it has no previous version";
      throw new RotationError(
        previous ? "RotationPending" : "SecretInvalid",
        `Secret ${name} cannot be rolled back: ${why}`,
        { effect: "none" },
      );
    }
    requireSameAccount(current, previous, name);
    return drive(context, { description, current, pending, password }, findings);
  });
}

interface Start {
  readonly description: SecretDescription;
  readonly current: Version;
  readonly pending: Version | undefined;
  readonly password?: string;
}

/** The loop: observe, plan, act, until the pending version is current. */
async function drive(context: Context, start: Start, findings: Findings): Promise<Status> {
  const { description, current, password } = start;
  const { secretId } = description;
  const run = new Run(context, secretId);
  run.currentId = current.versionId;
  if (start.pending !== undefined) run.follow({ pending: start.pending });

  try {
    let move = await run.next();
    for (;;) {
      switch (move) {
        case "done": {
          const { pending } = run.requirePending();
          await context.store.release(secretId, pending.versionId);
          return "rotated";
        }
        case "createSecret": {
          const placeholder = versionAt(description, "pending");
          const versionIds = placeholder
            ? [placeholder]
            : tokens(context.digest, secretId, current.versionId);
          await run.step("createSecret", async () =>
            run.follow(
              await createSecret(context, {
                secretId,
                current,
                versionIds,
                ...(password !== undefined && { password }),
              }),
            ),
          );
          move = await run.next();
          break;
        }
        case "testSecret":
        case "finishSecret": {
          const { pending, watch } = run.requirePending();
          if (move === "testSecret") {
            await run.step("testSecret", () => testSecret(context, { secretId, current, pending }));
          }
          await run.step("finishSecret", () =>
            finishSecret(context, { secretId, pendingId: pending.versionId, currentId: current.versionId }),
          );
          const exposureMs = watch.exposureMs();
          if (exposureMs !== undefined) findings.exposureMs = exposureMs;
          await run.settle();
          return "rotated";
        }
        default: {
          const onTheWay = move;
          move = await run.step("setSecret", () => run.bringIntoForce(onTheWay));
        }
      }
    }
  } finally {
    if (run.pending !== undefined) findings.versionId = run.pending.versionId;
    const taskId = run.watch?.tasks.taskId;
    if (taskId !== undefined) findings.taskId = taskId;
  }
}

/** Two runs that start from the same current version derive the same ids, and so stage the same version. */
function* tokens(digest: Digest, secretId: string, currentId: string): Generator<string> {
  for (let released = 0; released < MAX_RELEASED; released += 1) {
    yield digest(`${secretId}\n${currentId}\n${released}`);
  }
}

export function isDue(context: Context, current: Version, intervalDays: number): boolean {
  return context.clock.now() - current.createdAt.getTime() >= intervalDays * DAY_MS;
}

async function readPending(
  context: Context,
  description: SecretDescription,
  current: Version,
): Promise<Version | undefined> {
  const versionId = versionAt(description, "pending");
  if (versionId === undefined) return undefined;
  if (versionId === current.versionId) return current;
  const pending = await readVersion(context.store, description.secretId, versionId);
  if (pending !== undefined) requireSameAccount(current, pending, description.secretId);
  return pending;
}
