import type { Clock } from "../../../lib/ports.ts";
import { ApiError } from "../tencentdb/api-error.ts";
import { requireRegion } from "../tencentdb/endpoints.ts";
import { BrokenReply, createFaultQueue, type FaultQueue } from "../tencentdb/faults.ts";
import type { ApiRequest } from "../tencentdb/model.ts";
import { type Account, createActions, type Invocation } from "./actions.ts";
import { createFunctionTable, type FunctionTable, type ScfFunctionRecord } from "./functions.ts";
import { type ActionName, PARAMETERS, parametersOf } from "./parameters.ts";

const VERSION = "2018-04-16";

export interface ScfApiOptions extends Partial<Account> {
  readonly clock: Clock;
  /** From a change to Active. Default 2 000. */
  readonly changeMs?: number;
  /** Runs a function that was invoked asynchronously: the answer does not wait for it. Default: nothing happens. */
  readonly onInvoke?: (invocation: Invocation) => void;
}

/** A call that arrived, whatever came of it. */
export interface ScfCall {
  readonly action: string;
  readonly host: string;
  readonly region: string | undefined;
  readonly parameters: Readonly<Record<string, unknown>>;
}

/** SCF's control plane as far as a deployment and a hand-over need it. It is served as `scf` by the server of the local TencentDB. */
export interface ScfApi {
  /** @throws ApiError, or BrokenReply where a fault says so */
  dispatch(request: ApiRequest, authenticate?: () => void): Promise<Readonly<Record<string, unknown>>>;
  readonly calls: readonly ScfCall[];
  readonly failNext: FaultQueue["failNext"];
  readonly failNextChange: FunctionTable["failNextChange"];
  /** The function itself. @throws ApiError `ResourceNotFound.Function` */
  functionNamed(region: string, name: string): ScfFunctionRecord;
}

export function createScfApi(options: ScfApiOptions): ScfApi {
  const { clock, changeMs = 2_000, roles = [], vpcs = {}, onInvoke = () => {} } = options;
  const calls: ScfCall[] = [];
  const faults = createFaultQueue();
  const functions = createFunctionTable(clock, changeMs);
  const actions = createActions(functions, { roles, vpcs }, onInvoke);

  function carryOut({ action, version, host, region, parameters }: ApiRequest) {
    if (version !== VERSION) {
      throw new ApiError("NoSuchVersion", "The requested API version does not exist.");
    }
    if (!Object.hasOwn(PARAMETERS, action)) {
      throw new ApiError("InvalidAction", "The request action is not valid.");
    }
    return run(action as ActionName, requireRegion(host, region), parameters);
  }

  function run<Name extends ActionName>(action: Name, region: string, parameters: ApiRequest["parameters"]) {
    return actions[action](region, parametersOf(action, parameters));
  }

  return {
    async dispatch(request, authenticate) {
      const { action, host, region, parameters } = request;
      calls.push({ action, host, region, parameters });
      authenticate?.();
      const fault = faults.take(action, undefined);
      if (fault === undefined) return carryOut(request);
      if (fault.carriedOut === true) carryOut(request);
      if (fault.kind !== "error") throw new BrokenReply(fault);
      throw new ApiError(fault.code, fault.message ?? "This error is made on purpose.");
    },
    calls,
    failNext: faults.failNext,
    failNextChange: functions.failNextChange,
    functionNamed: functions.get,
  };
}
