import { readdirSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { BUNDLES_NODE } from "../cloud/function-process.ts";
import type { Places } from "./places.ts";
import type { Processes } from "./processes.ts";

/** How often at those that were given credentials, whose children may not live long; and at all the others. */
const EVERY_MS = 25;
const OTHERS_EVERY_MS = 1_000;
const NODE = basename(BUNDLES_NODE);

export interface ProcessTable {
  /** Processes that functions and commands have started themselves, by their arguments. */
  readonly strangers: readonly string[];
  /** The last look. What was seen becomes places. */
  close(): void;
}

/**
 * Looks again and again at all descendants of this process, as everybody on a machine may with `ps`: at their arguments, and
 * at the environments of those that were not given credentials by the test in a platform's place.
 */
export function watchProcessTable(places: Places, { given }: Pick<Processes, "given">): ProcessTable {
  const seen = new Map<string, string>();
  const strangers = new Set<string>();

  const look = (pid: number, isGiven: boolean) => {
    const args = read(`/proc/${pid}/cmdline`);
    const key = `${pid} ${args}`;
    if (args !== "" && !seen.has(key)) {
      seen.set(key, args);
      places.add("process arguments", programOf(args), args);
      if (!isGiven) places.add("environments of children", programOf(args), read(`/proc/${pid}/environ`));
    }
    return args;
  };
  const descend = (pid: number, isGiven: boolean) => {
    const parent = programOf(read(`/proc/${pid}/cmdline`));
    for (const child of childrenOf(pid)) {
      // A pseudo terminal has a shell, which becomes the command.
      const isOfTerminal = isGiven && parent !== NODE;
      const args = look(child, given.has(child) || isOfTerminal);
      if (isGiven && !isOfTerminal && args !== "") strangers.add(args.replaceAll("\0", " "));
      descend(child, given.has(child) || isOfTerminal);
    }
  };
  const lookAtAll = () => descend(process.pid, false);
  const lookAtGiven = () => {
    for (const pid of given) {
      if (look(pid, true) !== "") descend(pid, true);
    }
  };
  const timers = [setInterval(lookAtAll, OTHERS_EVERY_MS), setInterval(lookAtGiven, EVERY_MS)];
  return {
    get strangers() {
      return [...strangers];
    },
    close() {
      for (const timer of timers) clearInterval(timer);
      lookAtAll();
    },
  };
}

function childrenOf(pid: number): number[] {
  return list(`/proc/${pid}/task`)
    .flatMap((thread) => read(`/proc/${pid}/task/${thread}/children`).split(" "))
    .map(Number)
    .filter((child) => child > 0);
}

function programOf(args: string): string {
  return basename(args.split("\0")[0] ?? "");
}

/** A process may have ended meanwhile. */
function read(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}

function list(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}
