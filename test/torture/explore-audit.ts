import type { Moment } from "./explore-program.ts";
import { type Exploration, pack, spend } from "./explore-search.ts";
import { createWorlds } from "./explore-worlds.ts";

/**
 * The exploration takes moments for one that differ in nothing that the code could know. This holds it against the code:
 * random histories in which every run is the code itself, from its start to its end, and never a moment reached before.
 * Returns how many steps agreed. Throws where a run asks something else than the exploration takes it to ask.
 */
export async function audit(
  exploration: Omit<Exploration, "maxStates">,
  histories: number,
  random: () => number,
): Promise<number> {
  const { laws, programs, start, disturbances } = exploration;
  const worlds = createWorlds(laws);
  let steps = 0;
  for (let history = 0; history < histories; history += 1) {
    const runs = await Promise.all(programs.map((program) => program.start()));
    const moments: Moment[] = programs.map(({ first }) => first);
    let worldId = worlds.idOf(start);
    let left = pack(disturbances);
    for (;;) {
      const choices: (() => Promise<void>)[] = [];
      for (const [i, program] of programs.entries()) {
        const moment = moments[i] as Moment;
        const { call, callKey } = moment;
        if (call === undefined) continue;
        for (const { kind, worldId: next, reply, key } of worlds.waysOf(worldId, call, callKey)) {
          const nextLeft = kind === undefined ? left : spend(left, kind);
          // Disturbances are rare, so that most histories see several things happen before the last of them.
          if (nextLeft < 0 || (kind !== undefined && random() > 0.1)) continue;
          choices.push(async () => {
            [worldId, left] = [next, nextLeft];
            const after = await program.after(moment, reply, key);
            moments[i] = after;
            await runs[i]?.go(reply);
            const seen = runs[i]?.seen;
            if (seen !== after.seen) {
              throw new Error(`${program.name} asks ${seen}, and was taken to ask ${after.seen}`);
            }
          });
        }
      }
      const { taskGoesOn, taskFails, setByHand } = worlds.eventsIn(worldId);
      const events = [
        [taskGoesOn, left],
        [taskFails, spend(left, "failedTasks")],
        [setByHand, spend(left, "handChanges")],
      ] as const;
      for (const [next, nextLeft] of events) {
        if (next === undefined || nextLeft < 0) continue;
        choices.push(async () => {
          [worldId, left] = [next, nextLeft];
        });
      }
      if (choices.length === 0) break;
      await choices[Math.floor(random() * choices.length)]?.();
      steps += 1;
    }
  }
  return steps;
}
