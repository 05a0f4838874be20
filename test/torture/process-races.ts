/** Two processes work on one secret: a second run comes in at every call of the first, before and after its effect. */
import { type CallPoint, nameOf, watchFor } from "./call-point.ts";
import { pointsOf } from "./kill-matrix.ts";
import { type CaseResult, endOf, runCases, settle } from "./process-cases.ts";
import { type Bundles, buildBundles, createWorld, SCHEDULE } from "./process-world.ts";

const FIRST_RUNS = ["driven", "managed"] as const;
/** The second run ends while the first one's call is held, or both go on side by side. */
const MANNERS = ["held", "side by side"] as const;

export interface Race {
  readonly first: (typeof FIRST_RUNS)[number];
  readonly manner: (typeof MANNERS)[number];
  /** The call of the first run at which the second, a scheduled one, begins. */
  readonly point: CallPoint;
}

export async function race(bundles: Bundles, { first, manner, point }: Race): Promise<CaseResult> {
  let stranded = false;
  let secondRun: Promise<unknown> = Promise.resolve();
  const watcher = watchFor(point, async () => {
    secondRun = second.invoke(SCHEDULE).catch(() => {});
    if (manner === "held") {
      await secondRun;
      stranded = !(await world.isOpenerReadable());
    }
    return true;
  });
  const world = await createWorld(bundles, { onCall: watcher.onCall });
  const second = await world.start();
  try {
    const result = first === "managed" ? await world.rotateManaged() : await endOf(world, SCHEDULE);
    await secondRun;
    const settled = await settle(
      () => world.flaws({ passwordsSent: 1 }),
      () => endOf(world, SCHEDULE),
    );
    const flaws = first === "managed" && result !== "complete" ? [`managed run ${result}`] : [];
    return {
      name: `${first} run ${manner} ${nameOf(point)}`,
      reached: watcher.reached,
      stranded: stranded || !(await world.isOpenerReadable()),
      runsAfter: settled.runsAfter,
      flaws: [...settled.flaws, ...flaws],
    };
  } finally {
    await world.close();
  }
}

/**
 * A scheduled run that meets a driven or a managed one at each of its calls.
 * @param tell is given a line now and then; default: the console
 */
export async function runProcessRaces(tell: (line: string) => void = console.log) {
  const bundles = await buildBundles();
  try {
    const races = FIRST_RUNS.map(async (first) => {
      const points = await pointsOf(bundles, first);
      return MANNERS.flatMap((manner) =>
        points
          // Where no call is held, its effect makes no difference to when the second run begins.
          .filter(({ when }) => manner === "held" || when === "before")
          .map((point) => ({ first, manner, point })),
      );
    });
    const cases = (await Promise.all(races)).flat().map((each) => () => race(bundles, each));
    return await runCases("processes racing", cases, tell);
  } finally {
    await bundles.remove();
  }
}
