/** Kills the function's process at every call that leaves it, lets it run again, and asks both clouds what came of it. */
import { type CallPoint, nameOf, recordPoints, watchFor } from "./call-point.ts";
import { type CaseResult, endOf, runCases, settle } from "./process-cases.ts";
import { type Bundles, buildBundles, createWorld, SCHEDULE, SECRET, type World } from "./process-world.ts";

/** A run as it begins, and the runs that follow when it died. */
interface Flow {
  prepare?(world: World): Promise<void>;
  /** Resolves when the run is over, whether it ended or was killed. */
  begin(world: World): Promise<unknown>;
  /** What comes next by itself, or what the operator does next. Returns false where there is nothing left to do. */
  again(world: World): Promise<boolean>;
  /** Different passwords that must have been sent by the end. */
  passwordsSent(): number;
  /** What is wrong besides the flaws of any run. */
  flaw?(world: World): string | undefined;
}

export type FlowName = keyof typeof FLOWS;
const FLOWS = { driven: drivenFlow, managed: managedFlow, rollback: rollbackFlow };

export async function killAt(bundles: Bundles, flowName: FlowName, point: CallPoint): Promise<CaseResult> {
  let strandedWhenDead = false;
  const watcher = watchFor(point, async () => {
    await world.kill();
    strandedWhenDead = !(await world.isOpenerReadable());
    return false;
  });
  const world = await createWorld(bundles, { onCall: watcher.onCall });
  try {
    const flow = FLOWS[flowName]();
    await flow.prepare?.(world);
    await flow.begin(world);
    const { runsAfter, flaws } = await settle(
      () => flawsOf(flow, world),
      () => flow.again(world),
    );
    const stranded = strandedWhenDead || !(await world.isOpenerReadable());
    return {
      name: `${flowName}, killed ${nameOf(point)}`,
      reached: watcher.reached,
      stranded,
      runsAfter,
      flaws,
    };
  } finally {
    await world.close();
  }
}

/**
 * Every flow, killed at every call, before and after its effect: about a hundred and fifty cases.
 * @param tell is given a line now and then; default: the console
 */
export async function runKillMatrix(tell: (line: string) => void = console.log) {
  const bundles = await buildBundles();
  try {
    const flowNames = Object.keys(FLOWS) as FlowName[];
    const cases = flowNames.map(async (flowName) =>
      (await pointsOf(bundles, flowName)).map((point) => () => killAt(bundles, flowName, point)),
    );
    return await runCases("processes killed", (await Promise.all(cases)).flat(), tell);
  } finally {
    await bundles.remove();
  }
}

/** Both moments of every call of an undisturbed run. */
export async function pointsOf(bundles: Bundles, flowName: FlowName): Promise<readonly CallPoint[]> {
  const record = recordPoints();
  const world = await createWorld(bundles, { onCall: record.onCall });
  try {
    const flow = FLOWS[flowName]();
    await flow.prepare?.(world);
    await flow.begin(world);
    const flaws = await flawsOf(flow, world);
    if (flaws.length > 0) throw new Error(`Undisturbed, and yet: ${flaws.join("; ")}`);
    return record.points();
  } finally {
    await world.close();
  }
}

async function flawsOf(flow: Flow, world: World): Promise<readonly string[]> {
  const flaws = await world.flaws({ passwordsSent: flow.passwordsSent() });
  const own = flow.flaw?.(world);
  return own === undefined ? flaws : [...flaws, own];
}

/** The next schedule carries on. */
function drivenFlow(): Flow {
  return {
    begin: (world) => endOf(world, SCHEDULE),
    again: (world) => endOf(world, SCHEDULE),
    passwordsSent: () => 1,
  };
}

/** Secrets Manager tries again with the same token. What is left when it calls that complete, the next rotation clears. */
function managedFlow(): Flow {
  let rotations = 0;
  let result: string | undefined;
  const rotate = async (world: World) => {
    rotations += 1;
    result = await world.rotateManaged();
  };
  return {
    begin: rotate,
    async again(world) {
      if (result !== "complete") return false;
      await rotate(world);
      return true;
    },
    passwordsSent: () => rotations,
    flaw: () => (result === "complete" ? undefined : `Secrets Manager calls the rotation ${result}`),
  };
}

/** The next schedule carries on; where the rollback had not begun, the operator begins it again. */
function rollbackFlow(): Flow {
  const rollback = { action: "rollback", secrets: [SECRET] };
  let target: string | undefined;
  let scheduled = false;
  return {
    async prepare(world) {
      target = world.passwordAt("AWSCURRENT");
      await world.addVersion();
    },
    begin: (world) => endOf(world, rollback),
    again(world) {
      const event = scheduled ? rollback : SCHEDULE;
      scheduled = true;
      return endOf(world, event);
    },
    passwordsSent: () => 1,
    flaw: (world) =>
      world.passwordAt("AWSCURRENT") === target ? undefined : "the previous password is not current again",
  };
}
