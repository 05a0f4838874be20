import { converge, FLOWS, type Flow } from "./flows.ts";
import { createTally, type Report, type Tally } from "./report.ts";
import type { Call, Life, Passing, World } from "./world.ts";

/** `before`: the call is never made. `after`: it has its effect, and nobody hears the answer. */
type Phase = "before" | "after";

interface Point {
  readonly call: number;
  readonly phase: Phase;
}

export interface CrashMatrixOptions {
  /** Of all single crashes, each how manyeth. Default 1: all. */
  readonly each?: number;
  /** Of the first and of the second crash of a pair, each how manyeth. Default 1: all. */
  readonly eachPair?: number;
  readonly flows?: readonly Flow[];
}

/** How soon the next run comes: while the task is still on its way, and after. */
const PAUSES_MS = [0, 60_000] as const;
/** How many calls of the next run come before a request of the dead one arrives. */
const GHOST_DELAYS = [0, 1, 2, 3, 5, 8, 13, 21, 34];

/** Every crash and every two crashes of every flow, each followed by runs that nothing disturbs. */
export async function crashMatrix(options: CrashMatrixOptions = {}): Promise<Report> {
  const { each = 1, eachPair = 1, flows = FLOWS } = options;
  const tally = createTally();
  const isChosen = everyNth(each);
  const isChosenFirst = everyNth(eachPair);
  const isChosenSecond = everyNth(eachPair);
  for (const flow of flows) {
    const calls = await record(flow, await flow.begin());
    for (const point of pointsOf(calls)) {
      tally.point();
      for (const pauseMs of PAUSES_MS) {
        if (isChosen()) await crashOnce(flow, { calls, point, pauseMs, tally });
      }
      if (isChosenFirst()) await crashTwice(flow, { calls, point, isChosenSecond, tally });
    }
    for (const { index, action } of calls.filter(isChange)) {
      for (const delay of GHOST_DELAYS) {
        if (!isChosen()) continue;
        const complaint = await haunt(flow, index, delay);
        tally.ran(
          `${flow.name}: ${action} of the dead run arrives before call ${delay} of the next`,
          complaint,
        );
      }
    }
  }
  return tally.report("crash matrix");
}

/** The calls of a run that nothing disturbs. */
export async function record(flow: Flow, world: World, run = flow.run): Promise<readonly Call[]> {
  const life = world.life();
  await run(world, life);
  return life.calls;
}

function everyNth(n: number): () => boolean {
  let seen = 0;
  return () => {
    seen += 1;
    return seen % n === 0;
  };
}

function isChange({ action }: Call): boolean {
  return /^(Put|Update|Delete|Reset|Modify|Modfiy|Create)/.test(action);
}

function pointsOf(calls: readonly Call[]): readonly Point[] {
  return calls.flatMap(({ index }) => [
    { call: index, phase: "before" },
    { call: index, phase: "after" },
  ]);
}

async function crashOnce(
  flow: Flow,
  given: {
    readonly calls: readonly Call[];
    readonly point: Point;
    readonly pauseMs: number;
    readonly tally: Tally;
  },
): Promise<void> {
  const { calls, point, pauseMs, tally } = given;
  const world = await flow.begin();
  await die(flow, world, point);
  await world.rig.clock.sleep(pauseMs);
  tally.ran(`${flow.name}: ${tell(calls, point)}, next run after ${pauseMs} ms`, await converge(flow, world));
}

async function crashTwice(
  flow: Flow,
  given: {
    readonly calls: readonly Call[];
    readonly point: Point;
    readonly isChosenSecond: () => boolean;
    readonly tally: Tally;
  },
): Promise<void> {
  const { calls, point, isChosenSecond, tally } = given;
  const onceDead = async () => {
    const world = await flow.begin();
    await die(flow, world, point);
    return world;
  };
  const next = await record(flow, await onceDead(), flow.next);
  // Dying after a read leaves what dying before the next call leaves.
  const seconds = pointsOf(next).filter(
    ({ call, phase }) => phase === "before" || next.slice(call, call + 1).some(isChange),
  );
  for (const [index, second] of seconds.entries()) {
    if (!isChosenSecond()) continue;
    const world = await onceDead();
    await die(flow, world, second, flow.next);
    await world.rig.clock.sleep(PAUSES_MS[index % 2] ?? 0);
    tally.ran(`${flow.name}: ${tell(calls, point)}, then ${tell(next, second)}`, await converge(flow, world));
  }
}

/** A process dies while its request is on the way, and the request arrives when another run is at work already. */
async function haunt(flow: Flow, call: number, delay: number): Promise<string | undefined> {
  const world = await flow.begin();
  let arrive = async (): Promise<unknown> => undefined;
  await untilDeath(
    world,
    (dies) =>
      ({ index }, effect) => {
        if (index < call) return effect();
        if (index === call) arrive = effect;
        dies();
        return never();
      },
    (life) => flow.run(world, life),
  );
  const passing: Passing = async ({ index }, effect) => {
    if (index === delay) await arrive().catch(() => {});
    return effect();
  };
  await flow.next(world, world.life({ passing }));
  return converge(flow, world);
}

async function die(flow: Flow, world: World, { call, phase }: Point, run = flow.run): Promise<void> {
  await untilDeath(
    world,
    (dies) => {
      let isDead = false;
      return async ({ index }, effect) => {
        if (isDead) return never();
        if (index !== call) return effect();
        isDead = true;
        if (phase === "after") await effect().catch(() => {});
        dies();
        return never();
      };
    },
    (life) => run(world, life),
  );
}

/** A run whose process dies: its promise is left alone, and so is everything that it had under way. */
async function untilDeath(
  world: World,
  passing: (dies: () => void) => Passing,
  run: (life: Life) => Promise<unknown>,
): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const life = world.life({ passing: passing(resolve) });
    run(life).then(() => reject(new Error("The run outlived its death")), reject);
  });
}

/** A new one each time: whoever waits for it is forgotten with it. */
function never(): Promise<never> {
  return new Promise(() => {});
}

function tell(calls: readonly Call[], { call, phase }: Point): string {
  return `died ${phase} ${calls[call]?.action} (call ${call})`;
}

/** What a port must never throw. Nobody may take it for an error that was to be expected, and carry on. */
class Crash extends Error {
  override readonly name = "Crash";
}

/** For each port call of the flow: whether anything was still asked of a cloud after the call had crashed. */
export async function survivals(flow: Flow): Promise<readonly string[]> {
  const survived: string[] = [];
  for (let call = 0; ; call += 1) {
    const world = await flow.begin();
    const asked: string[] = [];
    const life = world.life();
    const crashing = crashAt(life, call, asked);
    await flow.run(world, crashing).catch((error: unknown) => {
      if (!(error instanceof Crash)) throw error;
    });
    await world.rig.clock.sleep(600_000);
    if (asked.length <= call) return survived;
    const later = asked.slice(call + 1).filter((name) => name !== "probe");
    if (later.length > 0)
      survived.push(`${flow.name}: ${asked[call]} (call ${call}) crashed, then ${later.join(", ")}`);
  }
}

function crashAt(life: Life, call: number, asked: string[]): Life {
  const pass =
    <P extends readonly unknown[], T>(name: string, ask: (...given: P) => Promise<T>) =>
    async (...given: P): Promise<T> => {
      asked.push(name);
      if (asked.length === call + 1) throw new Crash();
      return ask(...given);
    };
  const { store, controlPlane, probe } = life.context;
  return {
    ...life,
    context: {
      ...life.context,
      probe: pass("probe", probe),
      store: {
        describe: pass("describe", store.describe),
        read: pass("read", store.read),
        stage: pass("stage", store.stage),
        promote: pass("promote", store.promote),
        release: pass("release", store.release),
      },
      controlPlane: {
        describeInstance: pass("describeInstance", controlPlane.describeInstance),
        describePasswordPolicy: pass("describePasswordPolicy", controlPlane.describePasswordPolicy),
        describeAccount: pass("describeAccount", controlPlane.describeAccount),
        createAccount: pass("createAccount", controlPlane.createAccount),
        changePassword: pass("changePassword", controlPlane.changePassword),
        describeTask: pass("describeTask", controlPlane.describeTask),
        newestPasswordTask: pass("newestPasswordTask", controlPlane.newestPasswordTask),
      },
    },
  };
}
