import { abandonSecret } from "../../lib/rotation/abandon.ts";
import { runStep } from "../../lib/rotation/managed.ts";
import { rotateSecret } from "../../lib/rotation/rotate.ts";
import { DAY_MS, NAME } from "../rotation/rig.ts";
import {
  begin,
  converge,
  driven,
  type Ending,
  type Flow,
  type FlowOptions,
  FORCED,
  hasRotated,
  managed,
  rollback,
  rotatedBefore,
  startedBySecretsManager,
} from "./flows.ts";
import { createTally, type Report } from "./report.ts";
import type { Call, Passing, World } from "./world.ts";

type Run = Flow["run"];

/** Two runs on one secret. */
export interface Race {
  readonly name: string;
  begin(): Promise<World>;
  readonly first: Run;
  /** Begins when the first is at one of its calls. */
  readonly second: Run;
  readonly next: Run;
  /** Different passwords that may be sent; more than one where two rotations compete. */
  readonly passwords: number;
  outcome(world: World): string | undefined;
}

const forced: Run = async (_world, { context }) => rotateSecret(context, NAME, FORCED);
const abandon: Run = async (_world, { context }) => abandonSecret(context, NAME, true);

/** RotateSecret, and the steps of the version that it made or took up again. */
const rotateSecretNow: Run = async (world, life) => {
  const token = world.rig.at("AWSPENDING") ?? world.rig.startManaged();
  return managed(world, life, token);
};

/** Of two runs that begin together, the one that finds the next day on its clock. */
const afterMidnight: Run = async (world, life) => {
  await world.rig.clock.sleep(1);
  return driven(world, life);
};

const races = (options: FlowOptions, suffix: string): readonly Race[] => {
  const strict = waysToBegin(options);
  const loose = waysToBegin({ ...options, isContest: true });
  const rotation = { next: driven, passwords: 1, outcome: hasRotated };
  // Each may win, or both may have their turn.
  const contest = { next: driven, passwords: 3, outcome: () => undefined };
  const all: readonly Race[] = [
    { name: "driven, driven", begin: strict.due, first: driven, second: driven, ...rotation },
    {
      name: "driven, driven at midnight",
      begin: strict.late,
      first: driven,
      second: afterMidnight,
      ...rotation,
    },
    {
      name: "managed, driven",
      begin: strict.started,
      first: managed,
      second: driven,
      ...rotation,
      next: managed,
    },
    {
      name: "managed, managed",
      begin: strict.started,
      first: managed,
      second: managed,
      ...rotation,
      next: managed,
    },
    {
      name: "driven on a placeholder, managed",
      begin: strict.started,
      first: driven,
      second: managed,
      ...rotation,
    },
    { name: "driven, RotateSecret", begin: loose.due, first: driven, second: rotateSecretNow, ...contest },
    { name: "driven, abandon", begin: loose.due, first: driven, second: abandon, ...contest },
    { name: "managed, abandon", begin: loose.started, first: managed, second: abandon, ...contest },
    { name: "rollback, rollback", begin: strict.rotated, first: rollback, second: rollback, ...contest },
    { name: "rollback, forced rotation", begin: strict.rotated, first: rollback, second: forced, ...contest },
    { name: "forced rotation, rollback", begin: strict.rotated, first: forced, second: rollback, ...contest },
    {
      name: "rollback, RotateSecret",
      begin: loose.rotated,
      first: rollback,
      second: rotateSecretNow,
      ...contest,
    },
    { name: "abandon, driven", begin: loose.staged, first: abandon, second: driven, ...contest },
    { name: "abandon, managed", begin: loose.staged, first: abandon, second: managed, ...contest },
    { name: "forced rotation, abandon", begin: loose.rotated, first: forced, second: abandon, ...contest },
    {
      name: "rollback, abandon",
      begin: loose.rotated,
      first: rollback,
      second: abandon,
      ...contest,
    },
  ];
  return all.map((race) => ({ ...race, name: `${race.name}${suffix}` }));
};

const waysToBegin = (options: FlowOptions) => ({
  due: () => begin(options),
  /** The last millisecond of a day. */
  async late() {
    const world = await begin(options);
    await world.rig.clock.sleep(DAY_MS - 1);
    return world;
  },
  started: () => startedBySecretsManager(options),
  /** Secrets Manager has called createSecret, and nothing else. */
  async staged() {
    const world = await startedBySecretsManager(options);
    const { context } = world.life();
    const token = world.rig.at("AWSPENDING") ?? "";
    await runStep(context, { step: "createSecret", secretId: NAME, token });
    return world;
  },
  rotated: () => rotatedBefore(options),
});

export const RACES: readonly Race[] = [...races({}, ""), ...races({ blind: true }, ", VERIFY=task")];

export interface RacesOptions {
  /** Of all interleavings, each how manyeth. Default 1: all. */
  readonly each?: number;
  readonly races?: readonly Race[];
}

/** How two runs are interleaved. */
export interface Interleaving {
  /** The first run's call at which the second one begins. */
  readonly call: number;
  readonly phase: "before" | "after";
  /** `none`: both go on. A number: the first waits until the second is at that call, which then waits for the first's end. */
  readonly second: "none" | number;
}

/** Two runs at once: each moment for the second to begin, each moment to change over, and change over again. */
export async function raceAll({ each = 1, races: chosen = RACES }: RacesOptions = {}): Promise<Report> {
  const tally = createTally();
  let cases = 0;
  for (const race of chosen) {
    for (const how of await interleavings(race)) {
      tally.point();
      cases += 1;
      if (cases % each !== 0) continue;
      const what = `${race.name}: second begins ${how.phase} call ${how.call}, first waits: ${how.second}`;
      tally.ran(what, await runRace(race, how));
    }
  }
  return tally.report("races");
}

async function interleavings(race: Race): Promise<readonly Interleaving[]> {
  const first = await solo(race, race.first);
  const second = await solo(race, race.second);
  const moments = [...second.map(({ index }) => index), Number.POSITIVE_INFINITY];
  return first.flatMap(({ index: call, action }) => {
    const phases = /^(Put|Update|Reset)/.test(action)
      ? (["before", "after"] as const)
      : (["before"] as const);
    return phases.flatMap((phase) => [
      { call, phase, second: "none" as const },
      ...moments.map((moment) => ({ call, phase, second: moment })),
    ]);
  });
}

export async function solo(race: Race, run: Run): Promise<readonly Call[]> {
  const world = await race.begin();
  const life = world.life();
  await run(world, life);
  return life.calls;
}

export async function runRace(
  race: Race,
  { call, phase, second }: Interleaving,
): Promise<string | undefined> {
  const world = await race.begin();
  const known = [world.rig.passwordAt("AWSCURRENT"), world.rig.passwordAt("AWSPREVIOUS")];
  let firstEnded = () => {};
  const theFirstEnds = new Promise<void>((resolve) => {
    firstEnded = resolve;
  });
  let secondRuns: Promise<Ending> | undefined;

  const startSecond = (): Promise<unknown> => {
    let stalls = () => {};
    const stalled = new Promise<void>((resolve) => {
      stalls = resolve;
    });
    const passing: Passing = async ({ index }, effect) => {
      if (index === second) {
        stalls();
        await theFirstEnds;
      }
      return effect();
    };
    secondRuns = race.second(world, world.life({ passing }));
    return second === "none" ? Promise.resolve() : Promise.race([stalled, secondRuns]);
  };
  const passing: Passing = async ({ index }, effect) => {
    if (index !== call) return effect();
    if (phase === "before") await startSecond();
    try {
      return await effect();
    } finally {
      if (phase === "after") await startSecond();
    }
  };
  const first = await race.first(world, world.life({ passing }));
  firstEnded();
  const endings = [first, await (secondRuns ?? Promise.resolve(first))];
  return (
    endings
      .map(({ error }) => (error?.code === "Internal" ? "it ended with a defect" : undefined))
      .find(Boolean) ??
    dishonest(race, world, known, endings) ??
    (await converge(race, world))
  );
}

/** A rollback that says that it is done has put a password back that was there before the race. */
function dishonest(
  race: Race,
  world: World,
  known: readonly unknown[],
  endings: readonly Ending[],
): string | undefined {
  const runs = [race.first, race.second];
  const lies = endings.some(
    ({ status, versionId }, index) =>
      runs[index] === rollback && status === "rotated" && !known.includes(world.passwordOf(versionId)),
  );
  return lies ? "a rollback says that it is done and is not" : undefined;
}
