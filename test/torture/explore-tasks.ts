import { type Laws, nowIn, type World, type WorldTask } from "./explore-world.ts";

/**
 * What a running task does next, where all goes well and where it fails: it changes the password, then it ends.
 * Nothing where no task runs.
 */
export function taskSteps(world: World): readonly [onward: World, failing: World] | readonly [] {
  const index = world.tasks.findIndex(({ state }) => state === "running" || state === "changed");
  const task = world.tasks[index];
  if (task === undefined) return [];
  const become = (state: WorldTask["state"]): World => {
    const ended = state === "succeeded" || state === "failed";
    const tasks = world.tasks.map((other, i): WorldTask => {
      if (i === index) return { ...other, state };
      return ended && i === index + 1 ? { ...other, state: "running" } : other;
    });
    return { ...world, tasks };
  };
  const onward = task.state === "changed" ? become("succeeded") : opened(become("changed"), task.password);
  return [onward, become("failed")];
}

/** The operator sets a password in the console, which is a task of its own. */
export function setByHand(world: World, password: string, laws: Laws): World {
  const task: WorldTask = { password, state: "succeeded", startedAtMs: nowIn(world, laws) };
  return opened({ ...world, tasks: [...world.tasks, task] }, password);
}

export function isBusy(world: World): boolean {
  return world.tasks.some(({ state }) => state === "running" || state === "changed");
}

/** What the control plane says of a task. */
export function taskAnswer(world: World, taskId: number) {
  const state = world.tasks[taskId]?.state;
  return { taskId, state: state === "succeeded" || state === "failed" ? state : "running" };
}

function opened(world: World, password: string): World {
  return { ...world, live: password, accepted: [...new Set([...world.accepted, password])].sort() };
}
