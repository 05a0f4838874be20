import fc from "fast-check";
import { type Action, type Event, play, STEPS, type Start, TASKS } from "./history.ts";
import type { Report } from "./report.ts";
import { TROUBLES } from "./troubles.ts";

export interface HistoriesOptions {
  /** The same seed makes the same histories. Default: another one each time; the report tells it. */
  readonly seed?: number;
  /** Default 4 000. */
  readonly histories?: number;
  /** Events in one history, at most. Default 25. */
  readonly length?: number;
}

export interface HistoriesReport extends Report {
  readonly seed: number;
  readonly events: number;
}

const ACTIONS: readonly Action[] = [
  "rotate",
  "rotate, forced",
  "rollback",
  "abandon",
  "abandon, forced",
  "verify",
];

const dies = fc.record({
  call: fc.integer({ min: 0, max: 60 }),
  when: fc.constantFrom("before" as const, "after" as const),
});
const start: fc.Arbitrary<Start> = fc
  .tuple(fc.constantFrom(900_000, 60_000, 35_000, 4_000), fc.option(dies, { nil: undefined, freq: 2 }))
  .map(([remainingMs, dead]) => ({ remainingMs, ...(dead && { dies: dead }) }));

const event: fc.Arbitrary<Event> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .tuple(fc.constantFrom(...ACTIONS, "rotate" as const, "rotate, forced" as const), start)
      .map(([action, how]) => ({ type: "run", action, ...how }) as const),
  },
  { weight: 3, arbitrary: start.map((how) => ({ type: "managed rotation", ...how }) as const) },
  {
    weight: 3,
    arbitrary: fc
      .tuple(fc.constantFrom(...STEPS), fc.integer({ min: 0, max: 3 }), start)
      .map(([step, ago, how]) => ({ type: "managed step", step, ago, ...how }) as const),
  },
  {
    weight: 8,
    arbitrary: fc
      .constantFrom(1, 50, 400, 2_500, 9_000, 30_000, 120_000, 86_400_000)
      .map((ms) => ({ type: "time", ms }) as const),
  },
  {
    weight: 3,
    arbitrary: fc
      .tuple(fc.nat(TROUBLES.length - 1), fc.constantFrom(1, 1, 2, 4, 20))
      .map(([trouble, times]) => ({ type: "trouble", trouble, times }) as const),
  },
  { weight: 2, arbitrary: fc.nat(TASKS.length - 1).map((plan) => ({ type: "task", plan }) as const) },
  {
    weight: 1,
    arbitrary: fc.boolean().map((inConsole) => ({ type: "password by hand", inConsole }) as const),
  },
  { weight: 1, arbitrary: fc.boolean().map((opens) => ({ type: "value by hand", opens }) as const) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      { type: "label taken off by hand" } as const,
      { type: "rotation cancelled" } as const,
    ),
  },
);

/** Random histories of runs, troubles, deaths and an operator's doings, each ending with runs that nothing disturbs. */
export async function runHistories(options: HistoriesOptions = {}): Promise<HistoriesReport> {
  const { histories = 4_000, length = 25, seed = Math.floor(Math.random() * 2 ** 31) } = options;
  let events = 0;
  const property = fc.asyncProperty(
    fc.array(event, { minLength: 1, maxLength: length, size: "max" }),
    async (history) => {
      events += history.length;
      const complaint = await play(history);
      if (complaint !== undefined) throw new Error(complaint);
    },
  );
  const checked = await fc.check(property, { seed, numRuns: histories });
  const failures = checked.failed
    ? [
        `seed ${seed}, path ${checked.counterexamplePath}: ${String(checked.errorInstance)}: ` +
          JSON.stringify(checked.counterexample?.[0]),
      ]
    : [];
  return {
    name: "random histories",
    points: events,
    runs: checked.numRuns,
    converged: checked.numRuns - failures.length,
    stranded: failures.length,
    failures,
    seed,
    events,
  };
}
