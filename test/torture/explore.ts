import { audit } from "./explore-audit.ts";
import { createProgram } from "./explore-program.ts";
import { DRIFT } from "./explore-rules.ts";
import { bodyOf, driven, type Kind } from "./explore-runs.ts";
import { type Disturbances, type Exploration, type Explored, explore } from "./explore-search.ts";
import { firstWorld, type Laws } from "./explore-world.ts";
import type { Report } from "./report.ts";

export interface ExplorationOptions {
  /** Runs at once. Default 2. */
  readonly runs?: number;
  /** Processes killed in one history. Default 2. */
  readonly crashes?: number;
  /** Lost replies, passwords set by hand, failed tasks, refused passwords in one history: so many of each. Default 1. */
  readonly others?: number;
  /** Disturbances of any kind in one history, besides histories with crashes alone. Default 1. */
  readonly together?: number;
  /** Explores only the sets of runs whose name contains this. */
  readonly only?: string;
  /** Random histories in which the code itself is held against what was explored, for each set. Default 300. */
  readonly audits?: number;
  /** Default 1. */
  readonly seed?: number;
  readonly maxStates?: number;
  readonly tell?: (line: string) => void;
}

export interface ExplorationReport extends Report {
  readonly states: number;
  readonly transitions: number;
  readonly depth: number;
  /** Ends of histories that only `verify` or a forced run sees to, which the documentation names. */
  readonly drifted: number;
  /** False where one of them was left off at `maxStates`. */
  readonly isComplete: boolean;
  readonly parts: readonly Part[];
}

const SECRET = JSON.stringify({
  engine: "tencentdb-redis",
  region: "ap-guangzhou",
  instanceId: "crs-5a4py64p",
  host: "10.0.0.5",
  port: 6379,
  password: "First-password-0",
  team: "orders",
});

const REFUSING: Laws = { whileBusy: "refuse", stepMs: 3_600_000 };
const QUEUEING: Laws = { whileBusy: "queue", stepMs: 0 };

interface RunSet {
  readonly kinds: readonly Kind[];
  readonly laws: Laws;
  /** What a disturbance is known to leave, and the documentation tells: readable, but only a forced run sees to it. */
  readonly known: readonly string[];
}

const PAIRS: readonly RunSet[] = [
  { kinds: ["driven", "driven"], laws: REFUSING, known: [] },
  { kinds: ["driven", "managed"], laws: REFUSING, known: [] },
  { kinds: ["driven", "driven"], laws: QUEUEING, known: [] },
  { kinds: ["driven", "managed"], laws: QUEUEING, known: [] },
  { kinds: ["driven", "abandon"], laws: REFUSING, known: [DRIFT] },
  { kinds: ["managed", "abandon"], laws: REFUSING, known: [DRIFT] },
  { kinds: ["driven", "rollback"], laws: REFUSING, known: [] },
];

interface Part {
  readonly name: string;
  readonly explored: Explored;
  /** Steps of the code itself that went as explored. */
  readonly audited: number;
  readonly known: readonly string[];
}

/** Every interleaving of several runs of the code with what may disturb them, within bounds. */
export async function runExploration(options: ExplorationOptions = {}): Promise<ExplorationReport> {
  const { runs = 2, crashes = 2, others = 1, together = 1, only = "", tell = () => {} } = options;
  const none = { crashes: 0, lostReplies: 0, handChanges: 0, failedTasks: 0, refusals: 0, total: crashes };
  const dying: Disturbances = { ...none, crashes };
  const anything: Disturbances = {
    crashes: Math.min(crashes, together),
    lostReplies: others,
    handChanges: others,
    failedTasks: others,
    refusals: others,
    total: together,
  };
  const parts: Part[] = [];
  for (const { kinds, laws, known } of PAIRS) {
    const all: Kind[] = [...kinds, ...Array.from({ length: runs - 2 }, (): Kind => "driven")].slice(0, runs);
    for (const disturbances of together > 0 ? [dying, anything] : [dying]) {
      const name = nameOf(
        all,
        laws,
        disturbances === dying ? `${crashes} deaths` : `${together} of anything`,
      );
      if (!name.includes(only)) continue;
      const { maxStates = 60_000_000 } = options;
      const exploration = { ...(await assemble(all, laws)), disturbances, maxStates };
      const explored = await explore(exploration);
      const audited = await audit(exploration, options.audits ?? 300, randomFrom(options.seed ?? 1));
      parts.push({ name, explored, audited, known });
      for (const line of describePart(name, explored, audited)) tell(line);
    }
  }
  return summarize(parts);
}

function nameOf(kinds: readonly Kind[], laws: Laws, disturbed: string): string {
  const queue = laws.whileBusy === "queue" ? ", tasks queue" : "";
  return `${kinds.join(" + ")}${queue}, ${disturbed}`;
}

export async function assemble(
  kinds: readonly Kind[],
  laws: Laws,
): Promise<Omit<Exploration, "disturbances" | "maxStates">> {
  const named = kinds.map((kind, i) => [`${kind} ${i + 1}`, bodyOf(kind, `${kind}-${i + 1}`)] as const);
  const [programs, rescuers] = await Promise.all([
    Promise.all(named.map(([name, body]) => createProgram(name, body))),
    Promise.all(["first rescue", "second rescue"].map((name) => createProgram(name, driven))),
  ]);
  return { laws, start: firstWorld(SECRET, kinds.includes("rollback")), programs, rescuers };
}

function summarize(parts: readonly Part[]): ExplorationReport {
  const sum = (count: (explored: Explored) => number) =>
    parts.reduce((total, { explored }) => total + count(explored), 0);
  const violations = parts.flatMap(({ name, explored, known }) =>
    explored.violations.map((violation) => ({ ...violation, name, isKnown: known.includes(violation.rule) })),
  );
  const times = (isKnown: boolean) =>
    violations.reduce((total, violation) => total + (violation.isKnown === isKnown ? violation.times : 0), 0);
  return {
    name: "every interleaving",
    points: sum(({ transitions }) => transitions),
    runs: sum(({ worlds }) => worlds),
    converged: sum(({ converged }) => converged),
    stranded: times(false),
    failures: violations
      .filter(({ isKnown }) => !isKnown)
      .map(({ name, rule, history }) => `${name}: not so: ${rule}: ${history.join("; ")}`),
    states: sum(({ states }) => states),
    transitions: sum(({ transitions }) => transitions),
    depth: Math.max(...parts.map(({ explored }) => explored.depth)),
    drifted: times(true),
    isComplete: parts.every(({ explored }) => explored.isComplete),
    parts,
  };
}

function describePart(name: string, explored: Explored, audited: number): string[] {
  const { states, transitions, depth, worlds, converged, violations, moments, isComplete } = explored;
  return [
    `${name}: ${states} states, ${transitions} transitions, depth ${depth}${isComplete ? "" : " (left off)"}; ` +
      `${worlds} worlds, ${converged} converge; ${moments} moments of the code, ${audited} steps audited`,
    ...violations.flatMap(({ rule, times, history }) => [
      `  not so, ${times} times: ${rule}`,
      ...history.map((step) => `    ${step}`),
    ]),
  ];
}

/** Numbers from 0 to 1, the same for the same seed. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return state / 0x80000000;
  };
}
