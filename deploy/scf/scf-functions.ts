import * as z from "zod/mini";
import type { TencentClient } from "../../lib/drivers/tencent-client.ts";
import { isMissingFunction } from "./scf-errors.ts";

const functionShape = z.object({
  Status: z.string(),
  StatusReasons: z.nullish(z.array(z.object({ ErrorMessage: z.nullish(z.string()) }))),
  Runtime: z.nullish(z.string()),
  Handler: z.nullish(z.string()),
  MemorySize: z.nullish(z.number()),
  Timeout: z.nullish(z.number()),
  Role: z.nullish(z.string()),
  VpcConfig: z.nullish(z.object({ VpcId: z.nullish(z.string()), SubnetId: z.nullish(z.string()) })),
  Environment: z.nullish(
    z.object({ Variables: z.nullish(z.array(z.object({ Key: z.string(), Value: z.string() }))) }),
  ),
});

const timerShape = z.object({
  TriggerName: z.string(),
  Type: z.string(),
  TriggerDesc: z.nullish(z.string()),
  Enable: z.nullish(z.number()),
  Qualifier: z.nullish(z.string()),
});

const retryShape = z.object({ RetryConfig: z.array(z.object({ RetryNum: z.number() })), MsgTTL: z.number() });

export type FunctionState = z.infer<typeof functionShape>;

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
    answer: z.ZodMiniType<Answer>,
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
      const { CodeSha256 } = await read(
        "GetFunctionAddress",
        z.object({ CodeSha256: z.nullish(z.string()) }),
      );
      return CodeSha256 ?? undefined;
    },
    async retryPolicy() {
      const shape = z.object({ AsyncTriggerConfig: retryShape });
      return (await read("GetFunctionEventInvokeConfig", shape)).AsyncTriggerConfig;
    },
    async timer(name) {
      const shape = z.object({ TotalCount: z.number(), Triggers: z.array(timerShape) });
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
