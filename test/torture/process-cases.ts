import pLimit from "p-limit";
import type { World } from "./process-world.ts";

/** What came of one case. */
export interface CaseResult {
  readonly name: string;
  /** False where the run ended before it came to its point. */
  readonly reached: boolean;
  /** At some moment no version in the secret manager had the password that opened Redis. */
  readonly stranded: boolean;
  /** Undisturbed runs that followed. */
  readonly runsAfter: number;
  /** What was not right even after them. Empty: converged. */
  readonly flaws: readonly string[];
}

interface Row {
  readonly name: string;
  /** Points that were reached. */
  readonly points: number;
  readonly runs: number;
  readonly converged: number;
  readonly stranded: number;
}

/** Runs after the disturbance within which everything must be right. */
const MAX_RUNS_AFTER = 2;
/** Two processes a case, most of whose time is waiting. */
const CASES_AT_ONCE = 6;
const TELL_EVERY = 40;

/**
 * Lets undisturbed runs follow until nothing is wrong.
 * @param again one more run; false where there is nothing left to do
 */
export async function settle(
  flawsNow: () => Promise<readonly string[]>,
  again: () => Promise<boolean>,
): Promise<Pick<CaseResult, "runsAfter" | "flaws">> {
  let runsAfter = 0;
  let flaws = await flawsNow();
  while (flaws.length > 0 && runsAfter < MAX_RUNS_AFTER && (await again())) {
    runsAfter += 1;
    flaws = await flawsNow();
  }
  return { runsAfter, flaws };
}

/** Runs the cases, several at a time, and tells of every one that went wrong. */
export async function runCases(
  name: string,
  cases: readonly (() => Promise<CaseResult>)[],
  tell: (line: string) => void,
): Promise<Row> {
  const limit = pLimit(CASES_AT_ONCE);
  const results: CaseResult[] = [];
  await Promise.all(
    cases.map((run) =>
      limit(async () => {
        const result = await run();
        results.push(result);
        if (result.stranded) tell(`${name}: ${result.name}: stranded`);
        if (result.flaws.length > 0) tell(`${name}: ${result.name}: ${result.flaws.join("; ")}`);
        if (results.length % TELL_EVERY === 0) tell(`${name}: ${results.length} of ${cases.length}`);
      }),
    ),
  );
  return {
    name,
    points: results.filter(({ reached }) => reached).length,
    runs: results.length,
    converged: results.filter(({ flaws }) => flaws.length === 0).length,
    stranded: results.filter(({ stranded }) => stranded).length,
  };
}

/** A run that may be killed, or fail because of another: what comes of it shows in the end state. */
export async function endOf(world: World, event: unknown): Promise<true> {
  await world.invoke(event).catch(() => {});
  return true;
}
