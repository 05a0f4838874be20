import * as v from "valibot";
import type { TencentClient } from "../../lib/drivers/tencent-client.ts";
import { number, object } from "../../lib/schemas.ts";
import { isMissingFunction } from "./scf-errors.ts";

const functionShape = object({
  Status: v.string(),
  StatusReasons: v.nullish(v.array(object({ ErrorMessage: v.nullish(v.string()) }))),
  Runtime: v.nullish(v.string()),
  Handler: v.nullish(v.string()),
  MemorySize: v.nullish(number),
  Timeout: v.nullish(number),
  Role: v.nullish(v.string()),
  VpcConfig: v.nullish(object({ VpcId: v.nullish(v.string()), SubnetId: v.nullish(v.string()) })),
  Environment: v.nullish(
    object({ Variables: v.nullish(v.array(object({ Key: v.string(), Value: v.string() }))) }),
  ),
});

const timerShape = object({
  TriggerName: v.string(),
  Type: v.string(),
  TriggerDesc: v.nullish(v.string()),
  Enable: v.nullish(number),
  Qualifier: v.nullish(v.string()),
});

const retryShape = object({ RetryConfig: v.array(object({ RetryNum: number })), MsgTTL: number });

export type FunctionState = v.InferOutput<typeof functionShape>;

/** A timer of a function. */
export interface Timer {
  /** Seven fields, seconds first, in UTC+8. */
  readonly cron: string;
  readonly enabled: boolean;
  readonly qualifier: string;
}

export interface RetryPolicy {
  readonly RetryConfig: readonly { readonly RetryNum: number }[];
  /** How long an event may wait, in seconds. */
  readonly MsgTTL: number;
}

/** What SCF says of one function. Each is undefined where there is none. */
export interface ScfFunctions {
  describe(): Promise<FunctionState | undefined>;
  /** In hexadecimal, or as SCF writes it. */
  codeSha256(): Promise<string | undefined>;
  retryPolicy(): Promise<RetryPolicy>;
  timer(name: string): Promise<Timer | undefined>;
}

const PAGE = 20;

/** Reads one function in the namespace `default`, over SCF's API 2018-04-16. */
export function scfFunctions(client: TencentClient, FunctionName: string): ScfFunctions {
  const read = <Answer>(
    action: string,
    answer: v.GenericSchema<unknown, Answer>,
    params: Readonly<Record<string, unknown>> = {},
  ) => client({ action, params: { FunctionName, ...params }, answer, change: false });

  return {
    async describe() {
      try {
        return await read("GetFunction", functionShape, { ShowCode: "FALSE" });
      } catch (error) {
        if (isMissingFunction(error)) return undefined;
        throw error;
      }
    },
    async codeSha256() {
      // Beside it stands an address from which anybody can load the code: it is not even read.
      const { CodeSha256 } = await read("GetFunctionAddress", object({ CodeSha256: v.nullish(v.string()) }));
      return CodeSha256 ?? undefined;
    },
    async retryPolicy() {
      const shape = object({ AsyncTriggerConfig: retryShape });
      return (await read("GetFunctionEventInvokeConfig", shape)).AsyncTriggerConfig;
    },
    async timer(name) {
      const shape = object({ TotalCount: number, Triggers: v.array(timerShape) });
      for (let Offset = 0; ; Offset += PAGE) {
        const { Triggers, TotalCount } = await read("ListTriggers", shape, { Offset, Limit: PAGE });
        const found = Triggers.find(({ TriggerName, Type }) => TriggerName === name && Type === "timer");
        if (found) {
          return {
            cron: cronIn(found.TriggerDesc ?? ""),
            enabled: found.Enable === 1,
            qualifier: found.Qualifier ?? "$LATEST",
          };
        }
        if (Triggers.length === 0 || Offset + PAGE >= TotalCount) return undefined;
      }
    },
  };
}

/** A timer's description goes in as a cron expression and comes back as JSON. */
function cronIn(description: string): string {
  return /^\{"cron":"([^"]*)"/.exec(description)?.[1] ?? description;
}
