import pLimit from "p-limit";
import { asRotationError, RotationError } from "../errors.ts";
import type { HandOver, SecretResult, SecretValue } from "../ports.ts";
import { describeError } from "./answer.ts";
import { Breaker, type BreakerOptions } from "./breaker.ts";
import type { Context } from "./context.ts";
import { surveySecret } from "./inspect.ts";
import { type RotateOptions, rotateSecret } from "./rotate.ts";

/** Secrets that one run looks at, at the same time. */
const LOOKS = 50;
/** A rotation takes about ten seconds as a rule; with less time than this none begins. */
export const ROTATION_MS = 40_000;
/** All rotations under way together probe so often; the fewer there are, the more often each may. */
const PROBE_MS = 5;

export interface FleetOptions extends RotateOptions, BreakerOptions {
  /** How many rotations may be under way at once. */
  readonly concurrency: number;
  /** How many rotations may begin in a second. */
  readonly perSecond: number;
  /** Where given, it gets all that is due once the canaries have succeeded. */
  readonly handOver?: HandOver | undefined;
  /** Does the work on one secret. Its lines of the log belong together. */
  readonly apart: <T>(act: () => Promise<T>) => Promise<T>;
  /** Told of each secret's result as soon as there is one. */
  readonly onResult: (result: SecretResult) => void;
}

/**
 * Rotates what is due of a fleet: first what an earlier run has left half done, then the oldest. Looks at all secrets before it
 * touches one. What there is no time for is left to the next run.
 */
export async function rotateFleet(
  context: Context,
  secretIds: readonly string[],
  options: FleetOptions,
): Promise<SecretResult[]> {
  const results = new Map<string, SecretResult>();
  const settle = (result: SecretResult) => {
    results.set(result.secretId, result);
    options.onResult(result);
  };
  const due = await survey(context, secretIds, options, settle);
  await work(context, due, options, settle);
  return secretIds.flatMap((secretId) => results.get(secretId) ?? []);
}

/** The secrets that are due, in the order in which they are to be rotated. All others have their result. */
async function survey(
  context: Context,
  secretIds: readonly string[],
  options: FleetOptions,
  settle: (result: SecretResult) => void,
): Promise<SecretResult[]> {
  const { apart } = options;
  const found = await withoutRivals(secretIds, (secretId, seen) =>
    apart(() => surveySecret(context, secretId, options, seen)),
  );
  const isOver = ({ status }: SecretResult) => status === "failed" || status === "not-due";
  for (const { dueAt: _, ...result } of found.filter(isOver)) settle(result);
  return found
    .filter((result) => !isOver(result))
    .sort((a, b) => rank(a) - rank(b) || Date.parse(a.dueAt ?? "") - Date.parse(b.dueAt ?? ""));
}

const rank = (secret: SecretResult): number => (isHalfDone(secret) ? 0 : 1);

function isHalfDone({ status }: SecretResult): boolean {
  return status === "in-progress";
}

/**
 * Looks at all secrets of a fleet and returns the results in their order; one that fails stops no other. Those that are for the same account fail: each rotation of one would make the others'
 * passwords wrong.
 */
export async function withoutRivals(
  secretIds: readonly string[],
  look: (secretId: string, seen: (value: SecretValue) => void) => Promise<SecretResult>,
): Promise<SecretResult[]> {
  const owners = new Map<string, string[]>();
  const note = (secretId: string, value: SecretValue) => {
    const { region, instanceId, username, usernames = [username] } = value;
    for (const each of usernames) {
      const account = `${each} of instance ${instanceId} in ${region}`;
      owners.set(account, [...(owners.get(account) ?? []), secretId]);
    }
  };
  const places = pLimit(LOOKS);
  const found = await Promise.all(
    secretIds.map((secretId) => places(() => look(secretId, (value) => note(secretId, value)))),
  );
  const rivals = new Map<string, RotationError>();
  for (const [account, names] of owners) {
    if (names.length < 2) continue;
    const message = `Secrets ${names.join(" and ")} are for the same account, ${account}: take all but one out of the fleet`;
    for (const name of names)
      rivals.set(name, new RotationError("SecretInvalid", message, { effect: "none" }));
  }
  return found.map((result) => {
    const error = rivals.get(result.secretId);
    return error ? { ...result, status: "failed", error: describeError(error) } : result;
  });
}

async function work(
  context: Context,
  due: readonly SecretResult[],
  options: FleetOptions,
  settle: (result: SecretResult) => void,
): Promise<void> {
  const { clock, deadlineAt } = context;
  const probePauseMs = PROBE_MS * Math.min(due.length, options.concurrency);
  const breaker = new Breaker(options);
  const left = [...due];
  let nextAtMs = clock.now();
  let open = 0;
  let openOnTrust = 0;
  let wake = () => {};

  const begin = async (secret: SecretResult): Promise<void> => {
    const { secretId } = secret;
    // What is half done has to be carried on whatever becomes of others, and its end says little about them.
    const onTrust = !isHalfDone(secret);
    const ended = onTrust ? breaker.begin() : () => {};
    open += 1;
    if (onTrust) openOnTrust += 1;
    const result = await options.apart(async () => {
      const rotated = await rotateSecret({ ...context, probePauseMs }, secretId, options);
      settle(rotated);
      return rotated;
    });
    open -= 1;
    if (onTrust) openOnTrust -= 1;
    ended(result);
    wake();
  };
  /** Until one of those under way has ended. */
  const oneEnded = () =>
    new Promise<void>((resolve) => {
      wake = resolve;
    });

  const begun: Promise<void>[] = [];
  const mayBegin = () => clock.now() + ROTATION_MS < deadlineAt;
  for (let [next] = left; next && mayBegin() && !(options.handOver && breaker.hasPassed); [next] = left) {
    const isFirst = isHalfDone(next);
    if (open < options.concurrency && (isFirst || openOnTrust < breaker.allowed)) {
      await clock.sleep(Math.max(0, nextAtMs - clock.now()));
      nextAtMs = Math.max(nextAtMs, clock.now()) + 1_000 / options.perSecond;
      begun.push(...left.splice(isFirst ? 0 : breaker.pick(left.length), 1).map(begin));
    } else if (open > 0) await oneEnded();
    else break;
  }
  await settleLeft();
  await Promise.all(begun);

  async function settleLeft(): Promise<void> {
    if (left.length === 0) return;
    if (options.handOver && breaker.hasPassed) return settleAll(await handedOver(options.handOver, left));
    if (mayBegin()) settleAll({ status: "planned", error: describeError(breaker.stopped) });
    else settleAll({ status: "in-progress", error: describeError(outOfTime()) });
  }

  function settleAll(outcome: Pick<SecretResult, "status" | "error">): void {
    for (const { dueAt: _, ...secret } of left) settle({ ...secret, ...outcome });
  }
}

async function handedOver(
  handOver: HandOver,
  secrets: readonly SecretResult[],
): Promise<Pick<SecretResult, "status" | "error">> {
  try {
    await handOver(secrets.map(({ secretId }) => secretId));
    return { status: "planned" };
  } catch (error) {
    return { status: "failed", error: describeError(asRotationError(error)) };
  }
}

function outOfTime(): RotationError {
  return new RotationError("InProgress", "The time of this run ended before this secret's turn", {
    effect: "none",
  });
}
