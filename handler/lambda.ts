import type { Context } from "aws-lambda";
import { parseLambdaEvent } from "./events.ts";
import type { Reply } from "./invoke.ts";
import { serve } from "./serve.ts";

/** AWS Lambda: steps of Secrets Manager, schedules of EventBridge, messages of SQS, manual payloads. */
export const handler = (event: unknown, context: Context): Promise<Reply> =>
  serve(() => parseLambdaEvent(event), {
    environment: process.env,
    remainingMs: context.getRemainingTimeInMillis(),
    defaultStore: "aws",
    fanOut: "queue",
    log: { bindings: { requestId: context.awsRequestId, function: context.functionName } },
  });
