import { RotationError } from "../errors.ts";
import type { SecretDescription, SecretResult, Status } from "../ports.ts";
import type { Credentials } from "../secret-value.ts";
import { isAlternation } from "./account.ts";
import { attempt, type Findings, noteInstance } from "./answer.ts";
import type { Context } from "./context.ts";
import { unlessEdited } from "./edited.ts";
import { testSecret } from "./proof.ts";
import { Run } from "./run.ts";
import { isDue, type Schedule } from "./schedule.ts";
import { createSecret, type VersionIds } from "./staging.ts";
import { finishSecret } from "./steps.ts";
import { readCurrent, readVersion, requireSameAccount, type Version, versionAt } from "./versions.ts";

const DAY_MS = 86_400_000;
/** Released versions keep their ids, so the next rotation from the same current version takes another: so many a day. */
const MAX_RELEASED = 50;

export interface RotateOptions extends Schedule {
  /** Rotate whatever the schedule says. */
  readonly force: boolean;
}

/** Rotates one secret, or carries on with the rotation that is pending. */
export function rotateSecret(
  context: Context,
  secretId: string,
  options: RotateOptions,
): Promise<SecretResult> {
  return attempt(context, secretId, async (findings) => {
    const { force } = options;
    const { description, current, pending } = await readSecret(context, secretId, findings);
    if (pending === undefined && !force && !isDue(context, description, current, options)) {
      findings.versionId = current.versionId;
      return "not-due";
    }
    return drive(context, { secretId, description, current, pending, force }, findings);
  });
}

/** Puts the previous password back into Redis and the secret manager: a rotation to a known password. */
export function rollbackSecret(context: Context, secretId: string): Promise<SecretResult> {
  return attempt(context, secretId, async (findings) => {
    const { description, current, pending } = await readSecret(context, secretId, findings);
    const previousId = versionAt(description, "previous");
    const previous = previousId && (await readVersion(context.store, secretId, previousId));
    if (!previous) throw cannotRollBack("SecretInvalid", secretId, "it has no previous version");
    requireSameAccount(current, previous, secretId, "previous");
    const { username, password } = previous.value;
    const credentials = { username, password };
    if (opensTheSame(current, credentials))
      throw cannotRollBack("SecretInvalid", secretId, "the previous password is the current");
    if (pending !== undefined && !opensTheSame(pending, credentials)) {
      throw cannotRollBack("RotationPending", secretId, "a rotation is pending");
    }
    return drive(context, { secretId, description, current, pending, credentials, force: true }, findings);
  });
}

function opensTheSame({ value }: Version, { username, password }: Credentials): boolean {
  return value.username === username && value.password === password;
}

function cannotRollBack(code: "SecretInvalid" | "RotationPending", secretId: string, why: string) {
  return new RotationError(code, `Secret ${secretId} cannot be rolled back: ${why}`, { effect: "none" });
}

interface Start {
  readonly secretId: string;
  readonly description: SecretDescription;
  readonly current: Version;
  readonly pending: Version | undefined;
  readonly credentials?: Credentials;
  readonly force: boolean;
}

/** The loop: observe, plan, act, until the pending version is current. */
async function drive(context: Context, start: Start, findings: Findings): Promise<Status> {
  const { secretId, description, current, credentials, force } = start;
  const run = new Run(context, secretId, description);
  if (start.pending !== undefined) run.follow({ pending: start.pending });

  try {
    let move = await run.next();
    for (;;) {
      switch (move) {
        case "createSecret":
          await run.step("createSecret", async () => {
            const versionIds = () => freeVersions(context, secretId, current);
            const request = { secretId, description, current, versionIds, force };
            const staged = await createSecret(context, {
              ...request,
              ...(credentials && { credentials }),
            });
            if (credentials && !opensTheSame(staged.pending, credentials)) {
              throw cannotRollBack("RotationPending", secretId, "another rotation came first");
            }
            run.follow(staged);
          });
          move = await run.next();
          break;
        case "testSecret":
        case "finishSecret": {
          const { pending, watch } = run.requirePending();
          // Read before the proof: whoever becomes current after this look is seen at the promotion.
          const seen = await context.store.describe(secretId);
          if (move === "testSecret") {
            await run.step("testSecret", () => testSecret(context, { secretId, current, pending, watch }));
          }
          await run.step("finishSecret", () =>
            finishSecret(context, { secretId, pending, watch, description: seen }).catch(leftApart),
          );
          const exposureMs = isAlternation(current.value, pending.value) ? 0 : watch.exposureMs();
          if (exposureMs !== undefined) findings.exposureMs = exposureMs;
          await run.settle();
          return "rotated";
        }
        case "done":
          await context.store.release(secretId, run.requirePending().pending.versionId);
          return "rotated";
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

/** Whatever the call did that failed: Redis has the new password, and clients read the old one. */
function leftApart(error: unknown): never {
  const isUntold =
    error instanceof RotationError && error.effect === "none" && error.code !== "StoreConflict";
  if (!isUntold) throw error;
  throw new RotationError(error.code, error.message, { effect: "applied", requestId: error.requestId });
}

/**
 * The ids that a new version may have. One that is pending by now is joined. Otherwise they follow from the current
 * version: two runs that start from it derive the same ids, and so stage the same version.
 */
async function freeVersions(context: Context, secretId: string, current: Version): Promise<VersionIds> {
  const description = await context.store.describe(secretId);
  const pendingId = versionAt(description, "pending");
  if (pendingId !== undefined) return { ids: [pendingId], arePending: true };
  const ids = derivedIds(context, `${description.secretId}\n${current.versionId}`);
  const currentId = versionAt(description, "current");
  // Where an operator has moved the label current back, the version that came after it was staged from here before.
  const previousId = versionAt(description, "previous");
  if (currentId === current.versionId)
    return { ids: ids.filter((id) => id !== previousId), arePending: false };
  if (currentId !== undefined && ids.includes(currentId)) return { ids, arePending: false };
  throw new RotationError("StoreConflict", `Secret ${secretId} was rotated while this run looked away`, {
    effect: "none",
  });
}

/** The day comes into them last: two runs at midnight would not agree on it. */
function derivedIds({ clock, digest }: Context, seed: string): readonly string[] {
  const day = Math.floor(clock.now() / DAY_MS);
  return [seed, `${seed}\n${day}`].flatMap((prefix) =>
    Array.from({ length: MAX_RELEASED }, (_, released) => digest(`${prefix}\n${released}`)),
  );
}

async function readSecret(context: Context, secretId: string, findings: Findings) {
  const { store } = context;
  const description = await store.describe(secretId);
  const current = await readCurrent(store, description);
  noteInstance(findings, current);
  const pendingId = versionAt(description, "pending");
  if (pendingId === current.versionId) {
    // A run ended between the two halves of its promotion, or a rotation function that never takes the label off.
    await store.release(secretId, current.versionId);
    return { description, current, pending: undefined };
  }
  const pending = pendingId && (await readVersion(store, secretId, pendingId));
  if (!pending) return { description, current, pending: undefined };
  findings.pendingSince = pending.createdAt.toISOString();
  const kept = await unlessEdited(context, secretId, description, current, pending);
  if (kept === undefined) delete findings.pendingSince;
  return { description, current, pending: kept };
}
