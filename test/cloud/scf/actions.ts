import { createHash, randomUUID } from "node:crypto";
import { ApiError } from "../tencentdb/api-error.ts";
import { checkVariables, NAMESPACE } from "./environment.ts";
import type { Configuration, FunctionTable, ScfFunctionRecord, Trigger } from "./functions.ts";
import { type ActionName, cronOf, type ParametersOf, zipOf } from "./parameters.ts";

/** What else the account has. */
export interface Account {
  readonly roles: readonly string[];
  /** The subnets of each VPC. */
  readonly vpcs: Readonly<Record<string, readonly string[]>>;
}

/** An asynchronous invocation that was taken. */
export interface Invocation {
  readonly region: string;
  readonly functionName: string;
  readonly qualifier: string;
  readonly event: unknown;
}

type Fields = Readonly<Record<string, unknown>>;
export type Actions = {
  readonly [Name in ActionName]: (region: string, given: ParametersOf<Name>) => Fields;
};

const MAX_TIMERS = 10;
const MAX_ASYNC_EVENT_BYTES = 131_072;

export function createActions(
  functions: FunctionTable,
  account: Account,
  onInvoke: (invocation: Invocation) => void,
): Actions {
  function find(region: string, { FunctionName, Namespace = NAMESPACE }: Target): ScfFunctionRecord {
    if (Namespace !== NAMESPACE)
      throw new ApiError("ResourceNotFound.Namespace", "There is no such namespace.");
    return functions.get(region, FunctionName);
  }

  function findActive(region: string, target: Target, refusal: string): ScfFunctionRecord {
    const record = find(region, target);
    const status = functions.statusOf(record);
    if (status !== "Active") throw new ApiError(refusal, `The function is ${status}.`);
    return record;
  }

  function checkConfiguration({ Environment, VpcConfig, Role }: Configuration): void {
    if (Environment) checkVariables(Environment.Variables);
    if (VpcConfig && !account.vpcs[VpcConfig.VpcId]?.includes(VpcConfig.SubnetId)) {
      throw new ApiError("ResourceNotFound.Vpc", "The VPC or the subnet does not exist.");
    }
    if (Role !== undefined && !account.roles.includes(Role)) {
      throw new ApiError("ResourceNotFound.Role", "The role does not exist.");
    }
  }

  return {
    GetFunction(region, given) {
      const record = find(region, given);
      const failure = functions.failureOf(record);
      return {
        FunctionName: record.name,
        Namespace: NAMESPACE,
        Runtime: record.runtime,
        Handler: record.handler,
        Type: "Event",
        Status: functions.statusOf(record),
        StatusReasons: failure === undefined ? [] : [{ ErrorCode: "InternalError", ErrorMessage: failure }],
        CodeSize: record.zip.length,
        MemorySize: 128,
        Timeout: 3,
        Description: "",
        Role: "",
        ...defined(record.configuration),
        Environment: { Variables: record.configuration.Environment?.Variables ?? [] },
        VpcConfig: record.configuration.VpcConfig ?? { VpcId: "", SubnetId: "" },
        PublicNetConfig: {
          PublicNetStatus: record.configuration.PublicNetConfig?.PublicNetStatus ?? "ENABLE",
          EipConfig: { EipStatus: "DISABLE", EipAddress: [] },
        },
        Triggers: record.triggers.map(describe),
      };
    },

    GetFunctionAddress(region, given) {
      const { zip, name } = find(region, given);
      return {
        Url: `https://scf-code.example/${name}?sign=${createHash("md5").update(zip).digest("hex")}`,
        CodeSha256: createHash("sha256").update(zip).digest("hex"),
      };
    },

    CreateFunction(region, { FunctionName, Namespace, Code, Handler, Runtime, Type: _, ...configuration }) {
      checkConfiguration(configuration);
      if (Namespace !== undefined && Namespace !== NAMESPACE) find(region, { FunctionName, Namespace });
      const zip = zipOf(Code.ZipFile);
      if (functions.has(region, FunctionName)) {
        throw new ApiError("ResourceInUse.FunctionName", "The function exists already.");
      }
      const retry = { RetryNum: 2, MsgTTL: 21_600 };
      const rest = { handler: Handler, runtime: Runtime, zip, configuration, triggers: [], retry };
      functions.add({ name: FunctionName, region, ...rest });
      return {};
    },

    UpdateFunctionCode(region, { Code, Handler, ...target }) {
      const record = find(region, target);
      const zip = zipOf(Code.ZipFile);
      functions.begin(record, "Updating", "FailedOperation.UpdateFunctionCode");
      record.zip = zip;
      record.handler = Handler ?? record.handler;
      return {};
    },

    UpdateFunctionConfiguration(region, { FunctionName, Namespace, ...configuration }) {
      const record = find(region, { FunctionName, Namespace });
      checkConfiguration(configuration);
      functions.begin(record, "Updating", "FailedOperation.FunctionStatusError");
      record.configuration = { ...record.configuration, ...defined(configuration) };
      return {};
    },

    DeleteFunction(region, target) {
      functions.begin(find(region, target), "Deleting", "FailedOperation.DeleteFunction");
      return {};
    },

    ListTriggers(region, { Offset, Limit, ...target }) {
      const { triggers } = find(region, target);
      return { TotalCount: triggers.length, Triggers: triggers.slice(Offset, Offset + Limit).map(describe) };
    },

    CreateTrigger(region, { TriggerName, Qualifier, TriggerDesc, Enable, CustomArgument = "", ...target }) {
      const cron = cronOf(TriggerDesc);
      const { triggers } = findActive(region, target, "FailedOperation.CreateTrigger");
      if (triggers.some(({ name }) => name === TriggerName)) {
        throw new ApiError("ResourceInUse.TriggerName", "The trigger exists already.");
      }
      if (triggers.length >= MAX_TIMERS) throw new ApiError("LimitExceeded.Trigger", "Too many triggers.");
      const open = Enable !== "CLOSE";
      const trigger = { name: TriggerName, qualifier: Qualifier, cron, open, argument: CustomArgument };
      triggers.push(trigger);
      return { TriggerInfo: describe(trigger) };
    },

    UpdateTrigger(region, { TriggerName, Qualifier, TriggerDesc, Enable, CustomArgument, ...target }) {
      const cron = cronOf(TriggerDesc);
      const { triggers } = findActive(region, target, "FailedOperation.FunctionStatusError");
      const trigger = findTrigger(triggers, TriggerName, Qualifier);
      trigger.cron = cron;
      trigger.open = Enable === undefined ? trigger.open : Enable === "OPEN";
      trigger.argument = CustomArgument ?? trigger.argument;
      return {};
    },

    DeleteTrigger(region, { TriggerName, Qualifier, ...target }) {
      const { triggers } = findActive(region, target, "FailedOperation.DeleteTrigger");
      triggers.splice(triggers.indexOf(findTrigger(triggers, TriggerName, Qualifier)), 1);
      return {};
    },

    /** The asynchronous way alone: the function runs after the answer. */
    Invoke(
      region,
      { FunctionName, Namespace, Qualifier: qualifier = "$LATEST", InvocationType, ClientContext },
    ) {
      findActive(region, { FunctionName, Namespace }, "FailedOperation.FunctionStatusError");
      if (InvocationType !== "Event") {
        throw new ApiError("UnsupportedOperation", "Only asynchronous invocations are served here.");
      }
      onInvoke({ region, functionName: FunctionName, qualifier, event: eventOf(ClientContext) });
      const empty = { Log: "", RetMsg: "", ErrMsg: "", MemUsage: 0, Duration: 0, BillDuration: 0 };
      return { Result: { ...empty, InvokeResult: 0, FunctionRequestId: randomUUID() } };
    },

    GetFunctionEventInvokeConfig(region, given) {
      const { RetryNum, MsgTTL } = find(region, given).retry;
      return { AsyncTriggerConfig: { RetryConfig: [{ RetryNum }], MsgTTL } };
    },

    UpdateFunctionEventInvokeConfig(region, { AsyncTriggerConfig: { RetryConfig, MsgTTL }, ...target }) {
      const record = findActive(region, target, "FailedOperation.FunctionStatusError");
      record.retry = { RetryNum: RetryConfig[0]?.RetryNum ?? 2, MsgTTL };
      return {};
    },
  };
}

interface Target {
  readonly FunctionName: string;
  readonly Namespace?: string | undefined;
}

function eventOf(text: string): unknown {
  if (Buffer.byteLength(text) <= MAX_ASYNC_EVENT_BYTES) {
    try {
      return JSON.parse(text);
    } catch {
      // Told below.
    }
  }
  throw new ApiError("InvalidParameter.Payload", "The payload is not JSON, or has more than 128 KB.");
}

function findTrigger(triggers: readonly Trigger[], name: string, qualifier: string): Trigger {
  const found = triggers.find((trigger) => trigger.name === name && trigger.qualifier === qualifier);
  if (found === undefined) throw new ApiError("ResourceNotFound.Trigger", "The trigger does not exist.");
  return found;
}

/** Not as it was given: the cron expression comes back as JSON, and the switch as a number. */
function describe({ name, qualifier, cron, open, argument }: Trigger): Fields {
  return {
    TriggerName: name,
    Type: "timer",
    TriggerDesc: JSON.stringify({ cron }),
    Enable: open ? 1 : 0,
    Qualifier: qualifier,
    CustomArgument: argument,
    AvailableStatus: "Available",
  };
}

function defined(configuration: Configuration): Configuration {
  return Object.fromEntries(Object.entries(configuration).filter(([, value]) => value !== undefined));
}
