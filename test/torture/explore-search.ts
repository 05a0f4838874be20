import type { Moment, Program } from "./explore-program.ts";
import { brokenAtEnd, brokenRules, converge } from "./explore-rules.ts";
import { createRows, createTable } from "./explore-table.ts";
import type { Call, Laws, World } from "./explore-world.ts";
import { createWorlds, type Way } from "./explore-worlds.ts";

/** What is out of the runs' hands, and how often it may happen in one history. */
export interface Disturbances {
  /** Processes killed. */
  readonly crashes: number;
  /** Calls that end without an answer; each is explored both carried out and not. */
  readonly lostReplies: number;
  /** Times that the operator sets a password of their own. */
  readonly handChanges: number;
  readonly failedTasks: number;
  /** Passwords that the API refuses for good. */
  readonly refusals: number;
  /** All of these together. */
  readonly total: number;
}

export interface Exploration {
  readonly laws: Laws;
  readonly start: World;
  readonly programs: readonly Program[];
  /** Programs that run undisturbed, one after the other, from every world that is reached. */
  readonly rescuers: readonly Program[];
  readonly disturbances: Disturbances;
  /** Where to leave off. */
  readonly maxStates: number;
}

export interface Explored {
  readonly states: number;
  readonly transitions: number;
  /** Steps of the longest of the shortest ways to a state. */
  readonly depth: number;
  /** What the secret manager, Redis and its control plane can hold together. */
  readonly worlds: number;
  /** Worlds from which the rescuers reached current = live with nothing pending. */
  readonly converged: number;
  /** Worlds for which the first rescuer was not enough. */
  readonly neededTwo: number;
  /** Different moments of the code. */
  readonly moments: number;
  readonly isComplete: boolean;
  /** Rules that do not hold, how often, and the shortest history that breaks each. */
  readonly violations: readonly { rule: string; times: number; history: readonly string[] }[];
}

const KINDS = ["crashes", "lostReplies", "handChanges", "failedTasks", "refusals", "total"] as const;
type Kind = (typeof KINDS)[number];
const SHIFTS = Object.fromEntries(KINDS.map((kind, i) => [kind, 3 * i])) as Readonly<Record<Kind, number>>;

/** How many of each are left, in one number: three bits for each. */
export const pack = (left: Disturbances) =>
  KINDS.reduce((bits, kind) => bits | (left[kind] << SHIFTS[kind]), 0);

function countLeft(left: number, kind: Kind): number {
  return Math.min((left >> SHIFTS[kind]) & 7, (left >> SHIFTS.total) & 7);
}

/** Negative where none is left. */
export function spend(left: number, kind: Kind): number {
  return countLeft(left, kind) > 0 ? left - (1 << SHIFTS[kind]) - (1 << SHIFTS.total) : -1;
}

const EVENTS = ["the task goes on", "the task fails", "the operator sets a password by hand"] as const;

/** Breadth first over every interleaving: the first history that breaks a rule is a shortest one. */
export async function explore(exploration: Exploration): Promise<Explored> {
  const { laws, programs, rescuers, disturbances } = exploration;
  const width = 2 + programs.length;
  const worlds = createWorlds(laws);
  const states = createTable(width);
  /** How each state was reached first: from which, by which program or event, in which way. */
  const origins = createRows(3);
  const moments: Moment[] = [];
  const isChecked: boolean[] = [];
  const violations = new Map<string, { times: number; history: readonly string[] }>();
  let transitions = 0;
  let checked = 0;
  let converged = 0;
  let neededTwo = 0;

  const momentAt = (state: number, i: number) => moments[states.at(state, 2 + i)] as Moment;

  function violate(rule: string, state: number): void {
    const known = violations.get(rule);
    if (known === undefined) violations.set(rule, { times: 1, history: historyOf(state) });
    else known.times += 1;
  }

  function historyOf(state: number): string[] {
    const history: string[] = [];
    for (let at = state; at > 0; at = origins.at(at, 0)) {
      const from = origins.at(at, 0);
      const program = programs[origins.at(at, 1)];
      const way = origins.at(at, 2);
      history.unshift(
        program ? stepOf(program, momentAt(from, origins.at(at, 1)), from, way) : (EVENTS[way] ?? ""),
      );
    }
    return history;
  }

  function stepOf(program: Program, { call, callKey }: Moment, from: number, way: number): string {
    if (call === undefined) return "";
    const worldId = states.at(from, 0);
    const { name = "" } = worlds.waysOf(worldId, call, callKey)[way] ?? {};
    return `${program.name}: ${tell(call, worlds.at(worldId))} ${name}`.trim();
  }

  const row = new Int32Array(width);
  const origin = new Int32Array(3);

  /** Takes up the state in `row`, if it is new. */
  function reach(actor: number, way: number): Promise<void> | undefined {
    transitions += 1;
    if (!states.add(row)) return undefined;
    origin[1] = actor;
    origin[2] = way;
    origins.push(origin);
    const state = states.size - 1;
    const [worldId = 0] = row;
    const isEnd = programs.every((_, i) => momentAt(state, i).call === undefined);
    return isChecked[worldId] && !isEnd ? undefined : check(state, worldId, isEnd);
  }

  async function check(state: number, worldId: number, isEnd: boolean): Promise<void> {
    const world = worlds.at(worldId);
    if (!isChecked[worldId]) {
      isChecked[worldId] = true;
      checked += 1;
      for (const rule of brokenRules(world)) violate(rule, state);
      const took = await converge(world, rescuers, laws);
      if (took === undefined)
        violate("two undisturbed runs reach current = live with nothing pending", state);
      else converged += 1;
      if (took !== undefined && took > 1) neededTwo += 1;
    }
    const isUntouched = ((states.at(state, 1) >> SHIFTS.handChanges) & 7) === disturbances.handChanges;
    if (!isEnd || !isUntouched) return;
    const ends = programs.map((_, i) => momentAt(state, i).outcome ?? "");
    const isDisturbed = states.at(state, 1) !== pack(disturbances);
    for (const rule of brokenAtEnd(world, ends, isDisturbed)) violate(rule, state);
  }

  function become(state: number, worldId: number, left: number): void {
    origin[0] = state;
    row[0] = worldId;
    row[1] = left;
    for (let column = 2; column < width; column += 1) row[column] = states.at(state, column);
  }

  async function expand(state: number): Promise<void> {
    const worldId = states.at(state, 0);
    const left = states.at(state, 1);
    for (let i = 0; i < programs.length; i += 1) {
      const moment = momentAt(state, i);
      if (moment.call === undefined) continue;
      const ways = worlds.waysOf(worldId, moment.call, moment.callKey);
      for (let way = 0; way < ways.length; way += 1) {
        const { kind, worldId: next, reply, key } = ways[way] as Way;
        const nextLeft = kind === undefined ? left : spend(left, kind);
        if (nextLeft < 0) continue;
        const after = moment.children.get(key) ?? (await programs[i]?.after(moment, reply, key));
        if (after === undefined) continue;
        moments[after.id] = after;
        become(state, next, nextLeft);
        row[2 + i] = after.id;
        const check = reach(i, way);
        if (check !== undefined) await check;
      }
    }
    const { taskGoesOn, taskFails, setByHand } = worlds.eventsIn(worldId);
    await happen(state, 0, taskGoesOn, left);
    await happen(state, 1, taskFails, spend(left, "failedTasks"));
    await happen(state, 2, setByHand, spend(left, "handChanges"));
  }

  function happen(state: number, event: number, next: number | undefined, nextLeft: number) {
    if (next === undefined || nextLeft < 0) return undefined;
    become(state, next, nextLeft);
    return reach(programs.length, event);
  }

  for (const { first } of programs) moments[first.id] = first;
  row.set([worlds.idOf(exploration.start), pack(disturbances), ...programs.map(({ first }) => first.id)]);
  await reach(programs.length, 0);
  let state = 0;
  for (; state < states.size && states.size < exploration.maxStates; state += 1) await expand(state);
  return {
    states: states.size,
    transitions,
    depth: historyOf(states.size - 1).length,
    worlds: checked,
    converged,
    neededTwo,
    moments: programs.reduce((sum, { size }) => sum + size, 0),
    isComplete: state === states.size,
    violations: [...violations].map(([rule, found]) => ({ rule, ...found })),
  };
}

/** A call without its password: the version that it is about. */
function tell(call: Call, world: World): string {
  const isIt = (version: World["versions"][number]) =>
    "versionId" in call
      ? version.id === call.versionId
      : "password" in call && version.password === call.password;
  if (!("versionId" in call || "password" in call)) return call.op;
  const index = world.versions.findIndex(isIt);
  return `${call.op} ${index < 0 ? "of no version yet" : `of version ${index}`}`;
}
