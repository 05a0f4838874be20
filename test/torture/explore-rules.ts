import { toKey } from "./explore-knowledge.ts";
import type { Program } from "./explore-program.ts";
import { isBusy, taskSteps } from "./explore-tasks.ts";
import { carryOut, type Laws, versionAt, type World } from "./explore-world.ts";

/** The password that the operator sets, which no version holds. */
export const HAND = "By-hand-password-1";

/** What must hold in each world, in words; those that do not. */
export function brokenRules(world: World): string[] {
  const rules: string[] = [];
  const readable = world.versions.map(({ password }) => password);
  if (world.live !== HAND && !readable.includes(world.live)) rules.push("the live password can be read");
  if (!world.accepted.includes(versionAt(world, "current")?.password ?? "")) {
    rules.push("current names a password that Redis has accepted once");
  }
  if (world.tasks.some(({ password }) => password !== HAND && !readable.includes(password))) {
    rules.push("a password is stored before it is sent");
  }
  return rules;
}

/** Broken only after a disturbance: found by verify and healed by a forced run, while the schedule sees nothing to do. */
export const DRIFT = "where the runs end, current is live or something is pending for the next scheduled run";

/** The same where nothing was disturbed. */
const UNDISTURBED = "where nothing disturbs the runs, they end with current live or something pending";

/** The same where no run has failed either. */
const UNTOLD = "where every run says that all is well, current is live and nothing is pending";

/** What must hold once every run has ended and no task is left, where the operator has kept off; what does not. */
export function brokenAtEnd(world: World, outcomes: readonly string[], isDisturbed: boolean): string[] {
  if (outcomes.some((outcome) => /broken|Internal/.test(outcome))) return ["no run ends in a defect"];
  if (isBusy(world) || isSettled(world)) return [];
  if (outcomes.every((outcome) => outcome === "rotated" || outcome === "ok")) return [UNTOLD];
  if (versionAt(world, "pending") !== undefined) return [];
  return [isDisturbed ? DRIFT : UNDISTURBED];
}

function isSettled(world: World): boolean {
  return versionAt(world, "current")?.password === world.live && versionAt(world, "pending") === undefined;
}

/**
 * Lets the programs run one after the other, undisturbed, until current is live and nothing is pending.
 * Returns how many it took; undefined where all of them did not reach it.
 */
export async function converge(
  start: World,
  programs: readonly Program[],
  laws: Laws,
): Promise<number | undefined> {
  let world = start;
  for (const [i, program] of programs.entries()) {
    let moment = program.first;
    while (moment.call !== undefined) {
      const [next, reply] = carryOut(world, moment.call, laws);
      // Tasks go on while a run sleeps.
      world = moment.call.op === "sleep" ? (taskSteps(next)[0] ?? next) : next;
      moment = await program.after(moment, reply, toKey(reply));
    }
    if (isSettled(world)) return i + 1;
  }
  return undefined;
}
