import { createHash, randomUUID } from "node:crypto";
import type { Clock } from "../../../lib/ports.ts";
import { createActions } from "./actions.ts";
import { ApiError } from "./api-error.ts";
import type { Fields } from "./define-action.ts";
import { parseHost, requireRegion } from "./endpoints.ts";
import { BrokenReply, createFaultQueue, type FaultQueue } from "./faults.ts";
import {
  type Account,
  accountOf,
  createInstanceList,
  DEFAULT_ACCOUNT,
  type Instance,
  type InstanceOptions,
  ROOT,
} from "./instances.ts";
import { createLegacyActions } from "./legacy-actions.ts";
import { createPasswordRecord, type PasswordRecord } from "./password-record.ts";
import { isPasswordAction } from "./password-rules.ts";
import { createTaskList, type TaskPlan } from "./tasks.ts";

const VERSION = "2018-04-12";
/** API 2.0: its own parameters and answers; its errors have the codes of API 3.0. */
const LEGACY_VERSION = "2.0";

export interface TencentDbOptions {
  readonly clock: Clock;
  readonly instances?: readonly InstanceOptions[];
  /** Changes an account's password in what stands behind the instance: a real Redis, or a map. */
  readonly setPassword: (instanceId: string, account: string, password: string) => Promise<void>;
  /** From the call to `succeed`. Default 9 s. */
  readonly taskDurationMs?: number | (() => number);
  /** From the change of the password to `succeed`. Default 500 ms, and never more than the task's duration. */
  readonly taskTailMs?: number | (() => number);
  /** For each action in each region. Default 20. */
  readonly callsPerSecond?: number;
  /** What an old endpoint does not know yet: `InvalidAction`. Default: none. */
  readonly unknownActions?: readonly string[];
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

export interface TencentDb extends PasswordRecord {
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
  /** Changes the password at once and without a task, as nobody asked the API to: no count of changes has it. */
  changeByHand(instanceId: string, password: string, account?: string): Promise<void>;
  /** Whether it is the password now, as far as the API and {@link changeByHand} know. Default: the default account's. */
  isPassword(instanceId: string, password: string, account?: string): boolean;
  newestTaskId(instanceId: string): number | undefined;
}

/** TencentDB for Redis, its control plane: a state machine that lives by the given clock and knows no transport. */
export function createTencentDb(options: TencentDbOptions): TencentDb {
  const { clock, callsPerSecond = 20 } = options;
  const calls: Call[] = [];
  const { addSent, addChange, ...record } = createPasswordRecord();
  const acceptedAt = new Map<string, number[]>();
  const salt = randomUUID();
  const digest = (text: string) => createHash("sha256").update(salt).update(text).digest("hex");

  const faults = createFaultQueue();
  const instances = createInstanceList(digest);
  for (const instance of options.instances ?? []) instances.add(instance);
  const tasks = createTaskList({
    clock,
    firstTaskId: options.firstTaskId ?? 16_657,
    plan: () => ({
      durationMs: value(options.taskDurationMs, 9_000),
      tailMs: value(options.taskTailMs, 500),
    }),
  });

  const isPassword = (account: Account, password: string) => account.passwordDigest === digest(password);
  async function setPassword(instance: Instance, account: Account, password: string): Promise<void> {
    await options.setPassword(instance.instanceId, account.name, password);
    if (account.name === DEFAULT_ACCOUNT) instance.noAuth = false;
    account.passwordDigest = digest(password);
    account.passwordChangedAtMs = clock.now();
  }

  const context = {
    clock,
    instances,
    tasks,
    isPassword,
    async changePassword(instance: Instance, account: Account, password: string) {
      await setPassword(instance, account, password);
      addChange({ instanceId: instance.instanceId, account: account.name, at: clock.now() });
    },
  };
  const currentActions = createActions(context);
  const legacyActions = createLegacyActions(context);

  function note(request: ApiRequest): string | undefined {
    const { action, region, host, method, requestId, parameters } = request;
    const named = parameters.InstanceId ?? parameters.redisId;
    const task = tasks.find(Number(parameters.TaskId ?? parameters.requestId));
    const instanceId = typeof named === "string" ? named : task?.instanceId;
    const password = parameters.Password ?? parameters.AccountPassword ?? parameters.password;
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
    if (isPasswordAction(action) && instanceId !== undefined && typeof password === "string") {
      const { AccountName: name = ROOT } = parameters;
      addSent({
        instanceId,
        account: name === ROOT ? DEFAULT_ACCOUNT : String(name),
        at,
        digest: digest(password),
      });
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
    const isLegacy = parseHost(host)?.legacy === true;
    const actions = isLegacy ? legacyActions : currentActions;
    if (version !== (isLegacy ? LEGACY_VERSION : VERSION))
      throw new ApiError("NoSuchVersion", "The requested API version does not exist.");
    const run = Object.hasOwn(actions, action) ? actions[action] : undefined;
    if (run === undefined || options.unknownActions?.includes(action) === true) {
      throw new ApiError("InvalidAction", "The request action is not valid.");
    }
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
    ...record,
    async dispatch(request, authenticate) {
      const instanceId = note(request);
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
    async changeByHand(instanceId, password, account = DEFAULT_ACCOUNT) {
      const instance = instances.get(instanceId);
      await setPassword(instance, accountOf(instance, account), password);
    },
    isPassword: (instanceId, password, account = DEFAULT_ACCOUNT) =>
      isPassword(accountOf(instances.get(instanceId), account), password),
    newestTaskId: (instanceId) => tasks.newestOf(instanceId)?.taskId,
  };
}

function value(given: number | (() => number) | undefined, otherwise: number): number {
  return typeof given === "function" ? given() : (given ?? otherwise);
}
