import DataLoader from "dataloader";
import { RotationError } from "../errors.ts";
import type { Clock, Instance, InstanceRef, Task } from "../ports.ts";
import { ApiRefusal } from "./tencent-errors.ts";

/** Each is one call of the API, for one or for many. What many leave out of their answer is asked for by itself. */
export interface SharedReadCalls {
  readonly instance: (ref: InstanceRef) => Promise<Instance>;
  readonly instances: (
    region: string,
    instanceIds: readonly string[],
  ) => Promise<ReadonlyMap<string, Instance>>;
  readonly task: (ref: InstanceRef, taskId: number) => Promise<Task>;
  /** `since`: when the oldest of them was started. */
  readonly tasks: (
    region: string,
    taskIds: readonly number[],
    since: Date,
  ) => Promise<ReadonlyMap<number, Task>>;
}

export interface SharedReads {
  instance(ref: InstanceRef): Promise<Instance>;
  task(ref: InstanceRef, taskId: number): Promise<Task>;
  /** A task that was just started: when is needed to find it in a list. */
  started(taskId: number): void;
}

/** How many one call may ask for. */
const MOST = 100;
/** From one call to the next, so that what is asked meanwhile goes along. The first one waits for nobody. */
const GATHER_MS = 200;
/** How often a list may tell of none of its tasks before lists are given up: their time zone is not documented. */
const MOST_EMPTY = 2;

/** Lets the rotations of a run share their calls: the more there are, the fewer it makes for each. */
export function sharedReads(calls: SharedReadCalls, clock: Clock): SharedReads {
  const startedAt = new Map<number, number>();
  const regions = new Map<string, Loaders>();
  let emptyLists = 0;

  const known = async (region: string, taskIds: readonly number[]): Promise<ReadonlyMap<number, Task>> => {
    const starts = taskIds.flatMap((taskId) => startedAt.get(taskId) ?? []);
    if (starts.length < 2 || emptyLists >= MOST_EMPTY) return new Map();
    const found = await calls.tasks(region, taskIds, new Date(Math.min(...starts)));
    emptyLists = taskIds.some((taskId) => found.has(taskId)) ? 0 : emptyLists + 1;
    return found;
  };

  const loaders = (region: string): Loaders => {
    const made = regions.get(region) ?? {
      instances: load<string, Instance>(
        clock,
        (instanceIds) => calls.instances(region, instanceIds),
        (instanceId) => calls.instance({ region, instanceId }),
      ),
      tasks: load<TaskKey, Task>(
        clock,
        async (keys) => {
          const found = await known(
            region,
            keys.map(({ taskId }) => taskId),
          );
          return new Map(keys.flatMap((key) => entryOf(key, found.get(key.taskId))));
        },
        ({ taskId, ref }) => calls.task(ref, taskId),
      ),
    };
    regions.set(region, made);
    return made;
  };

  return {
    instance: (ref) => loaders(ref.region).instances(ref.instanceId),
    async task(ref, taskId) {
      const task = await loaders(ref.region).tasks({ ref, taskId });
      if (task.state !== "running") startedAt.delete(taskId);
      return task;
    },
    started: (taskId) => void startedAt.set(taskId, clock.now()),
  };
}

interface TaskKey {
  readonly ref: InstanceRef;
  readonly taskId: number;
}

interface Loaders {
  readonly instances: (instanceId: string) => Promise<Instance>;
  readonly tasks: (key: TaskKey) => Promise<Task>;
}

/** A list does not say why a task has failed: then it is asked for by itself. */
function entryOf(key: TaskKey, task: Task | undefined): [TaskKey, Task][] {
  return task === undefined || task.state === "failed" ? [] : [[key, task]];
}

/** Where many cannot be asked for at once, which a policy for single instances may forbid, each is asked for by itself. */
function load<Key, Value>(
  clock: Clock,
  many: (keys: readonly Key[]) => Promise<ReadonlyMap<Key, Value>>,
  one: (key: Key) => Promise<Value>,
): (key: Key) => Promise<Value> {
  let isForbidden = false;
  let nextAtMs = Number.NEGATIVE_INFINITY;

  const ask = async (keys: readonly Key[]): Promise<ReadonlyMap<Key, Value>> => {
    if (keys.length < 2 || isForbidden) return new Map();
    try {
      return await many(keys);
    } catch (error) {
      if (!(error instanceof ApiRefusal) || error.passing) throw error;
      isForbidden = error.code === "AccessDenied";
      return new Map();
    }
  };

  const loader = new DataLoader<Key, Value>(
    async (keys) => {
      const found = await ask(keys);
      return Promise.all(
        keys.map((key) => found.get(key) ?? one(key).catch((error: unknown) => asError(error))),
      );
    },
    {
      cache: false,
      maxBatchSize: MOST,
      batchScheduleFn: (dispatch) => {
        const waitMs = Math.max(0, nextAtMs - clock.now());
        nextAtMs = clock.now() + waitMs + GATHER_MS;
        void clock.sleep(waitMs).then(dispatch);
      },
    },
  );
  return (key) => loader.load(key);
}

/** A loader tells a value that is an error from one that is none by its class. */
function asError(error: unknown): Error {
  return error instanceof Error ? error : new RotationError("Internal", String(error), { effect: "none" });
}
