import { asRotationError, ERRORS, RotationError } from "../errors.ts";
import type { HandOver, SecretResult } from "../ports.ts";
import { describeError } from "./answer.ts";
import { Breaker, type BreakerOptions } from "./breaker.ts";
import type { Context } from "./context.ts";
import { surveySecret } from "./inspect.ts";
import { isHalfDone, withoutRivals } from "./rivals.ts";
import { type RotateOptions, rotateSecret } from "./rotate.ts";

/** After a look that failed for a passing reason. */
const LOOK_AGAIN_MS = 2_000;
/** A rotation takes about ten seconds as a rule; with less time than this none begins. */
export const ROTATION_MS = 40_000;
/** A canary that takes longer is not waited for: another begins beside it. */
const SLOW_MS = 120_000;
const GLANCE_MS = 5_000;
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
    apart(async () => {
      const result = await surveySecret(context, secretId, options, seen);
      if (result.error === undefined || ERRORS[result.error.code].retry === "never") return result;
      // One that could not be looked at may be for the same account as another.
      await context.clock.sleep(LOOK_AGAIN_MS);
      return surveySecret(context, secretId, options, seen);
    }),
  );
  const isOver = ({ status }: SecretResult) => status === "failed" || status === "not-due";
  for (const { dueAt: _, ...result } of found.filter(isOver)) settle(result);
  return found
    .filter((result) => !isOver(result))
    .sort((a, b) => rank(a) - rank(b) || Date.parse(a.dueAt ?? "") - Date.parse(b.dueAt ?? ""));
}

const rank = (secret: SecretResult): number => (isHalfDone(secret) ? 0 : 1);

async function work(
  context: Context,
  due: readonly SecretResult[],
  options: FleetOptions,
  settle: (result: SecretResult) => void,
): Promise<void> {
  const { clock, deadline } = context;
  const probePauseMs = PROBE_MS * Math.min(due.length, options.concurrency);
  const breaker = new Breaker(options);
  const left = [...due];
  let nextAtMs = clock.now();
  let open = 0;
  /** Since when those are under way that were begun to see whether they succeed, by secret. */
  const onTrust = new Map<string, number>();
  const slow = () => [...onTrust.values()].filter((sinceMs) => clock.now() - sinceMs > SLOW_MS).length;
  let wake = () => {};

  const begin = async (secret: SecretResult): Promise<void> => {
    const { secretId } = secret;
    // What is half done has to be carried on whatever becomes of others, and its end says little about them.
    const ended = isHalfDone(secret) ? () => {} : breaker.begin();
    if (!isHalfDone(secret)) onTrust.set(secretId, clock.now());
    open += 1;
    const result = await options.apart(async () => {
      const rotated = await rotateSecret({ ...context, probePauseMs }, secretId, options);
      settle(rotated);
      return rotated;
    });
    open -= 1;
    onTrust.delete(secretId);
    ended(result);
    wake();
  };
  /** Until one of those under way has ended. */
  const oneEnded = () =>
    new Promise<void>((resolve) => {
      wake = resolve;
    });

  const begun: Promise<void>[] = [];
  const mayBegin = () => clock.now() + ROTATION_MS < deadline();
  const isOthers = (next: SecretResult) => options.handOver && breaker.hasPassed && !isHalfDone(next);
  for (let [next] = left; next && mayBegin() && !isOthers(next); [next] = left) {
    const isFirst = isHalfDone(next);
    if (open < options.concurrency && (isFirst || onTrust.size - slow() < breaker.allowed)) {
      await clock.sleep(Math.max(0, nextAtMs - clock.now()));
      nextAtMs = Math.max(nextAtMs, clock.now()) + 1_000 / options.perSecond;
      begun.push(...left.splice(isFirst ? 0 : breaker.pick(left.length), 1).map(begin));
    } else if (open > 0) await Promise.race([oneEnded(), clock.sleep(GLANCE_MS)]);
    else break;
  }
  await settleLeft();
  await Promise.all(begun);

  async function settleLeft(): Promise<void> {
    if (left.length === 0) return;
    if (options.handOver && breaker.hasPassed && !left.some(isHalfDone)) {
      const outcome = await handedOver(options.handOver, left);
      return settleAll(() => outcome);
    }
    if (mayBegin()) return settleAll(() => ({ status: "planned", error: describeError(breaker.stopped) }));
    settleAll((secret) => ({ status: "in-progress", error: describeError(outOfTime(secret)) }));
  }

  function settleAll(outcomeOf: (secret: SecretResult) => Pick<SecretResult, "status" | "error">): void {
    for (const { dueAt: _, ...secret } of left) settle({ ...secret, ...outcomeOf(secret) });
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

function outOfTime(secret: SecretResult): RotationError {
  return new RotationError("InProgress", "The time of this run ended before this secret's turn", {
    effect: isHalfDone(secret) ? "unknown" : "none",
  });
}
