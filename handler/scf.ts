import { parseScfEvent } from "./events.ts";
import type { Reply } from "./invoke.ts";
import { serve } from "./serve.ts";

/** The part of SCF's context that is used here. */
export interface ScfContext {
  getRemainingTimeInMillis(): number;
  readonly request_id: string;
  readonly function_name: string;
  readonly function_version?: string;
  readonly namespace?: string;
  readonly tencentcloud_region?: string;
}

/** Tencent Cloud SCF: timers, manual payloads. */
export const main_handler = (event: unknown, context: ScfContext): Promise<Reply> =>
  serve(() => parseScfEvent(event), {
    environment: process.env,
    remainingMs: context.getRemainingTimeInMillis(),
    ...(context.tencentcloud_region && { region: context.tencentcloud_region }),
    defaultStore: "ssm",
    fanOut: {
      functionName: context.function_name,
      namespace: context.namespace ?? "default",
      qualifier: context.function_version,
    },
    log: { bindings: { requestId: context.request_id, function: context.function_name } },
  });
