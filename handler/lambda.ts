import type { Context } from "aws-lambda";
import type { Answer } from "../lib/ports.ts";
import { parseLambdaEvent } from "./events.ts";
import { serve } from "./serve.ts";

/** AWS Lambda: steps of Secrets Manager, schedules of EventBridge, manual payloads. */
export const handler = (event: unknown, context: Context): Promise<Answer | undefined> =>
  serve(() => parseLambdaEvent(event), {
    environment: process.env,
    remainingMs: context.getRemainingTimeInMillis(),
    defaultStore: "aws",
    log: { bindings: { requestId: context.awsRequestId, function: context.functionName } },
  });
