import { createHash, randomUUID } from "node:crypto";
import type { Clock } from "../../../lib/ports.ts";
import { type Action, createActions, type Fields } from "./actions.ts";
import { ApiError } from "./api-error.ts";
import { requireRegion } from "./endpoints.ts";
import { BrokenReply, createFaultQueue, type FaultQueue } from "./faults.ts";
import { createInstanceList, type Instance, type InstanceOptions } from "./instances.ts";
import { createTaskList, type TaskPlan } from "./tasks.ts";

const VERSION = "2018-04-12";
const DEFAULT_ACCOUNT = "default";

export interface TencentDbOptions {
  readonly clock: Clock;
  readonly instances?: readonly InstanceOptions[];
  /** Changes the password of what stands behind the instance: a real Redis, or a map. */
  readonly setPassword: (instanceId: string, account: string, password: string) => Promise<void>;
  /** From the call to `succeed`. Default 9 s. */
  readonly taskDurationMs?: number | (() => number);
  /** From the change of the password to `succeed`. Default 500 ms, and never more than the task's duration. */
  readonly taskTailMs?: number | (() => number);
  /** For each action in each region. Default 20. */
  readonly callsPerSecond?: number;
  /** Default 16657. */
  readonly firstTaskId?: number;
}

export interface ApiRequest {
  /** The Host header. */
  readonly host: string;
  readonly method: string;
  readonly action: string;
  readonly version: string;
  readonly region?: string | undefined;
  readonly parameters: Fields;
  readonly requestId: string;
}

/** A call that arrived, whatever came of it. */
export interface Call {
  readonly action: string;
  readonly region: string | undefined;
  readonly host: string;
  readonly method: string;
  readonly instanceId?: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly requestId: string;
}

export interface PasswordsSent {
  /** ResetPassword calls that carried a password, refused ones included. */
  readonly calls: number;
  /** Different passwords among them. */
  readonly distinct: number;
  /** Different passwords among those that arrived after the last change. */
  readonly distinctSinceChange: number;
}

export interface TencentDb {
  /**
   * Carries an action out and returns the fields of its answer.
   * @param authenticate refuses the call with an ApiError; default: everybody may.
   * @throws ApiError, or BrokenReply where a fault says so
   */
  dispatch(request: ApiRequest, authenticate?: () => void): Promise<Fields>;
  addInstance(options: InstanceOptions): Instance;
  /** The instance itself: set its `status`, `noAuth` or `passwordPolicy`. */
  instance(instanceId: string): Instance;
  readonly failNext: FaultQueue["failNext"];
  /** The next task (of the instance, where one is named) goes as planned. */
  planNextTask(plan: TaskPlan, instanceId?: string): void;
  /** Another flow, not a password task, holds the instance. Default: for ever. */
  startOtherFlow(instanceId: string, durationMs?: number): void;
  readonly calls: readonly Call[];
  /** When the password last changed, in milliseconds since the epoch. */
  passwordChangedAt(instanceId: string): number | undefined;
  passwordChanges(instanceId: string): number;
  passwordsSent(instanceId: string): PasswordsSent;
  newestTaskId(instanceId: string): number | undefined;
}

/** TencentDB for Redis, its control plane: a state machine that lives by the given clock and knows no transport. */
export function createTencentDb(options: TencentDbOptions): TencentDb {
  const { clock, callsPerSecond = 20 } = options;
  const calls: Call[] = [];
  const changes = new Map<string, number[]>();
  const sent = new Map<string, { at: number; digest: string }[]>();
  const acceptedAt = new Map<string, number[]>();
  const salt = randomUUID();

  const faults = createFaultQueue();
  const instances = createInstanceList();
  for (const instance of options.instances ?? []) instances.add(instance);
  const tasks = createTaskList({
    clock,
    firstTaskId: options.firstTaskId ?? 16_657,
    plan: () => ({
      durationMs: value(options.taskDurationMs, 9_000),
      tailMs: value(options.taskTailMs, 500),
    }),
  });
  const actions: Readonly<Record<string, Action>> = createActions({
    clock,
    instances,
    tasks,
    async changePassword(instance, password) {
      await options.setPassword(instance.instanceId, DEFAULT_ACCOUNT, password);
      instance.noAuth = false;
      append(changes, instance.instanceId, clock.now());
    },
  });

  function record(request: ApiRequest): string | undefined {
    const { action, region, host, method, requestId, parameters } = request;
    const { InstanceId, TaskId, Password } = parameters;
    const instanceId = typeof InstanceId === "string" ? InstanceId : tasks.find(Number(TaskId))?.instanceId;
    const at = clock.now();
    calls.push({
      action,
      region,
      host,
      method,
      at,
      requestId,
      ...(instanceId === undefined ? {} : { instanceId }),
    });
    if (action === "ResetPassword" && instanceId !== undefined && typeof Password === "string") {
      const digest = createHash("sha256").update(salt).update(Password).digest("hex");
      append(sent, instanceId, { at, digest });
    }
    return instanceId;
  }

  function requireRate(region: string | undefined, action: string): void {
    const key = `${region}/${action}`;
    const lastSecond = (acceptedAt.get(key) ?? []).filter((at) => at > clock.now() - 1_000);
    if (lastSecond.length >= callsPerSecond) {
      const message = `Your current request times equals to \`${lastSecond.length + 1}\` in a second, which exceeds the frequency limit \`${callsPerSecond}\` for a second. Please reduce the frequency of calls.`;
      throw new ApiError("RequestLimitExceeded", message);
    }
    acceptedAt.set(key, [...lastSecond, clock.now()]);
  }

  function carryOut(request: ApiRequest): Fields {
    const { action, version, host, parameters, method } = request;
    if (version !== VERSION) throw new ApiError("NoSuchVersion", "The requested API version does not exist.");
    const run = Object.hasOwn(actions, action) ? actions[action] : undefined;
    if (run === undefined) throw new ApiError("InvalidAction", "The request action is not valid.");
    requireRate(request.region, action);
    return run(requireRegion(host, request.region), parameters, method === "GET");
  }

  /** The reply is lost, whether it is an answer or a refusal. */
  function carryOutUnheard(request: ApiRequest): void {
    try {
      carryOut(request);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
    }
  }

  return {
    async dispatch(request, authenticate) {
      const instanceId = record(request);
      authenticate?.();
      const fault = faults.take(request.action, instanceId);
      if (fault === undefined) return carryOut(request);
      if (fault.carriedOut === true) carryOutUnheard(request);
      if (fault.kind !== "error") throw new BrokenReply(fault);
      throw new ApiError(fault.code, fault.message ?? "This error is made on purpose.");
    },
    addInstance: instances.add,
    instance: instances.get,
    failNext: faults.failNext,
    planNextTask: tasks.planNext,
    startOtherFlow(instanceId, durationMs = Number.POSITIVE_INFINITY) {
      const { region } = instances.get(instanceId);
      tasks.start({ instanceId, region, taskType: "002" }, { durationMs });
    },
    calls,
    passwordChangedAt: (instanceId) => changes.get(instanceId)?.at(-1),
    passwordChanges: (instanceId) => changes.get(instanceId)?.length ?? 0,
    newestTaskId: (instanceId) => tasks.all().find((task) => task.instanceId === instanceId)?.taskId,
    passwordsSent(instanceId) {
      const all = sent.get(instanceId) ?? [];
      const changedAt = changes.get(instanceId)?.at(-1) ?? Number.NEGATIVE_INFINITY;
      const since = all.filter(({ at }) => at > changedAt);
      return { calls: all.length, distinct: countDistinct(all), distinctSinceChange: countDistinct(since) };
    },
  };
}

function value(given: number | (() => number) | undefined, otherwise: number): number {
  return typeof given === "function" ? given() : (given ?? otherwise);
}

function append<T>(lists: Map<string, T[]>, key: string, element: T): void {
  lists.set(key, [...(lists.get(key) ?? []), element]);
}

function countDistinct(sent: readonly { readonly digest: string }[]): number {
  return new Set(sent.map(({ digest }) => digest)).size;
}
