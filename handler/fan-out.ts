import type { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import type { Config } from "../lib/config.ts";
import { awsQueue } from "../lib/drivers/aws-queue.ts";
import { scfInvoke } from "../lib/drivers/scf-invoke.ts";
import type { TencentConnection } from "../lib/drivers/tencent-client.ts";
import { RotationError } from "../lib/errors.ts";
import type { HandOver } from "../lib/ports.ts";
import type { Invocation } from "./compose.ts";

/** On Lambda a queue, on SCF further invocations of the function itself, in the version that is running. */
export type FanOut =
  | "queue"
  | {
      readonly functionName: string;
      readonly namespace: string;
      readonly qualifier: string | undefined;
    };

/** @throws RotationError `ConfigurationInvalid` where the fan-out is another platform's */
export function requireFanOut({ fanOut, region }: Invocation, { queueUrl, fanOutSize }: Config): void {
  const problem =
    fanOut === "queue" && fanOutSize !== undefined
      ? "ROTATION_FAN_OUT_SIZE: is for SCF; on Lambda set ROTATION_QUEUE_URL"
      : typeof fanOut === "object" && queueUrl !== undefined
        ? "ROTATION_QUEUE_URL: is for Lambda; on SCF set ROTATION_FAN_OUT_SIZE"
        : typeof fanOut === "object" && fanOutSize !== undefined && region === undefined
          ? "ROTATION_FAN_OUT_SIZE: the platform does not tell the function's region"
          : undefined;
  if (problem === undefined) return;
  throw new RotationError("ConfigurationInvalid", `Environment: ${problem}`, { effect: "none" });
}

export async function handOverOf(
  { fanOut, environment, region }: Invocation,
  { queueUrl, fanOutSize }: Config,
  connection: TencentConnection,
  awsClient: () => Promise<SecretsManagerClient>,
): Promise<HandOver | undefined> {
  if (fanOut === "queue" && queueUrl !== undefined) {
    const { clock, signal } = connection;
    const endpointUrl = environment.AWS_ENDPOINT_URL_SQS || environment.AWS_ENDPOINT_URL || undefined;
    return awsQueue({ client: await awsClient(), queueUrl, endpointUrl, clock, signal });
  }
  if (typeof fanOut === "object" && fanOutSize !== undefined) {
    return scfInvoke({ ...connection, ...fanOut, region: region ?? "", size: fanOutSize });
  }
  return undefined;
}
