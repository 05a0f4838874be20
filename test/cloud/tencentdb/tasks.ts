import type { Clock } from "../../../lib/ports.ts";

/** How a task goes. Whatever is left out goes as the database's options say. */
export interface TaskPlan {
  /** From the call to the final status. `Infinity`: it never ends. */
  readonly durationMs?: number;
  /** From the change of the password to the final status. */
  readonly tailMs?: number;
  /** Default `succeed`. */
  readonly ending?: "succeed" | "failed" | "error";
  /** Whether the password changes. Default: only where the ending is `succeed`. */
  readonly changes?: boolean;
  /** A status of its own that DescribeTaskInfo tells until the end, such as one that no document names. */
  readonly statusUntilEnd?: string;
}

export interface Task {
  readonly taskId: number;
  readonly taskType: string;
  readonly instanceId: string;
  readonly region: string;
  readonly account?: string;
  readonly startedAtMs: number;
  readonly durationMs: number;
  readonly statusUntilEnd?: string;
  endedAtMs?: number;
  ending?: "succeed" | "failed" | "error";
}

export interface TaskListOptions {
  readonly clock: Clock;
  readonly firstTaskId: number;
  readonly plan: () => Required<Pick<TaskPlan, "durationMs" | "tailMs">>;
}

export interface TaskStart {
  readonly instanceId: string;
  readonly region: string;
  readonly taskType: string;
  /** The account that it is for, where it is for one. */
  readonly account?: string;
  /** What the task does to the instance. */
  readonly change?: () => Promise<void>;
}

export interface TaskList {
  /** The next tasks of the instance (of any, where it is undefined) go as planned. */
  planNext(plan: TaskPlan, instanceId?: string): void;
  start(start: TaskStart, plan?: TaskPlan): Task;
  find(taskId: number): Task | undefined;
  /** Whether a task runs on the instance, or on that account of it. */
  isBusy(instanceId: string, account?: string): boolean;
  newestOf(instanceId: string): Task | undefined;
  /** Newest first. */
  since(timeMs: number): readonly Task[];
}

/** The flows of the database: each takes its time, and changes its instance shortly before it ends. */
export function createTaskList(options: TaskListOptions): TaskList {
  const { clock } = options;
  const tasks = new Map<number, Task>();
  const ofInstance = new Map<string, Task[]>();
  const plans: { readonly plan: TaskPlan; readonly instanceId: string | undefined }[] = [];

  function takePlan(instanceId: string): TaskPlan {
    const index = plans.findIndex(
      (entry) => entry.instanceId === undefined || entry.instanceId === instanceId,
    );
    return index < 0 ? {} : (plans.splice(index, 1)[0]?.plan ?? {});
  }

  async function run(task: Task, plan: TaskPlan & { tailMs: number }, change?: () => Promise<void>) {
    if (task.durationMs === Number.POSITIVE_INFINITY && plan.changes !== true) return;
    const tailMs = Math.min(plan.tailMs, task.durationMs);
    let ending = plan.ending ?? "succeed";
    // A task that never ends has no tail to count back from: it changes the password after that time instead.
    await clock.sleep(Number.isFinite(task.durationMs) ? task.durationMs - tailMs : tailMs);
    if (plan.changes ?? ending === "succeed") {
      await change?.().catch(() => {
        ending = "failed";
      });
    }
    if (!Number.isFinite(task.durationMs)) return;
    await clock.sleep(tailMs);
    task.endedAtMs = clock.now();
    task.ending = ending;
  }

  return {
    planNext(plan, instanceId) {
      plans.push({ plan, instanceId });
    },
    start({ change, ...start }, given) {
      const plan = { ...options.plan(), ...(given ?? takePlan(start.instanceId)) };
      const task: Task = {
        ...start,
        taskId: options.firstTaskId + tasks.size,
        startedAtMs: clock.now(),
        durationMs: plan.durationMs,
        ...(plan.statusUntilEnd === undefined ? {} : { statusUntilEnd: plan.statusUntilEnd }),
      };
      tasks.set(task.taskId, task);
      ofInstance.set(task.instanceId, [...(ofInstance.get(task.instanceId) ?? []), task]);
      void run(task, plan, change);
      return task;
    },
    find: (taskId) => tasks.get(taskId),
    isBusy: (instanceId, account) =>
      (ofInstance.get(instanceId) ?? []).some(
        (task) => task.ending === undefined && (account === undefined || task.account === account),
      ),
    newestOf: (instanceId) => ofInstance.get(instanceId)?.at(-1),
    since(timeMs) {
      const found: Task[] = [];
      for (let taskId = options.firstTaskId + tasks.size - 1; tasks.has(taskId); taskId -= 1) {
        const task = tasks.get(taskId);
        if (task === undefined || task.startedAtMs < timeMs) break;
        found.push(task);
      }
      return found;
    },
  };
}
