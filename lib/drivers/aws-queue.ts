import type { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import * as v from "valibot";
import { asRotationError, type RotationError } from "../errors.ts";
import { parseConfidentialJson } from "../json.ts";
import type { Clock, HandOver } from "../ports.ts";
import { object } from "../schemas.ts";
import { type AwsAnswer, type AwsPost, awsPost, awsUrl } from "./aws-post.ts";
import { awsRefusal } from "./aws-refusal.ts";
import { handOverGroups, type Left } from "./hand-over.ts";
import { READ_PAUSES_MS } from "./tencent-client.ts";

export interface AwsQueueOptions {
  /** Lends its credentials, signer, and connections: a client of Amazon SQS of its own would add 27 kB to the bundles. */
  readonly client: SecretsManagerClient;
  /** Of a standard queue: `https://sqs.eu-west-1.amazonaws.com/123456789012/redis-rotation`. */
  readonly queueUrl: string;
  /** What AWS_ENDPOINT_URL_SQS or AWS_ENDPOINT_URL says. Default: the queue URL's own host. */
  readonly endpointUrl?: string | undefined;
  readonly clock: Clock;
  /** Aborted at the run's deadline. */
  readonly signal: AbortSignal;
  /** Calls under way at the same time. Default 10. */
  readonly concurrency?: number;
  /** Told of the service's id of each request that it has carried out. */
  readonly onAnswer?: ((requestId: string) => void) | undefined;
}

const ACTION = "SendMessageBatch";
/** The most that the API takes. */
const BATCH_SIZE = 10;

const answered = object({
  Successful: v.nullish(v.array(object({ Id: v.string() }))),
  Failed: v.nullish(v.array(object({ Id: v.string(), Code: v.string(), SenderFault: v.boolean() }))),
});
const refusedWith = object({ __type: v.optional(v.string()), message: v.optional(v.string()) });

/**
 * Hands each secret over as one message of an Amazon SQS queue (API version 2012-11-05, SendMessageBatch over AWS JSON 1.0:
 * API reference, and Developer Guide, "Making Query API requests using AWS JSON protocol"): the manual payload that rotates
 * this secret alone. What is not taken for a reason that may pass is sent again, also where it may have been taken: a second
 * message for a secret finds it rotated.
 *
 * @throws RotationError `ConfigurationInvalid` where a URL is none; what is called then throws `AccessDenied`,
 *   `ConfigurationInvalid`, `CredentialsRejected`, `RequestRefused`, `Throttled`, `CloudUnavailable`, `CloudUnreachable`,
 *   `NoAnswer`, `StoreCredentialsMissing`, `InProgress`, saying how many secrets were not taken; the effect is always `none`
 */
export function awsQueue(options: AwsQueueOptions): HandOver {
  const { client, queueUrl, clock, signal, concurrency = 10 } = options;
  const queue = awsUrl(queueUrl, "The queue's URL");
  const endpoint =
    options.endpointUrl === undefined
      ? new URL(queue.origin)
      : awsUrl(options.endpointUrl, "AWS_ENDPOINT_URL_SQS or AWS_ENDPOINT_URL");
  const [, region] = /^sqs(?:-fips)?\.([a-z0-9-]+)\./.exec(queue.hostname) ?? [];
  const what = `${ACTION} to the queue ${queue.pathname.slice(1)} (Amazon SQS)`;
  const post = awsPost({ client, service: "sqs", what, clock, signal });

  /** One call. Undefined: all are taken; else what is left, and why. */
  const send = async (secretIds: readonly string[]): Promise<Left | undefined> => {
    const Entries = secretIds.map((secretId, index) => ({
      Id: String(index),
      MessageBody: JSON.stringify({ action: "rotate", secrets: [secretId] }),
    }));
    const answer = await post.send({
      url: endpoint,
      region,
      headers: { "content-type": "application/x-amz-json-1.0", "x-amz-target": `AmazonSQS.${ACTION}` },
      body: JSON.stringify({ QueueUrl: queueUrl, Entries }),
    });
    if (answer.status !== 200) throw refused(post, answer);
    const parsed = v.safeParse(answered, parseConfidentialJson(answer.text));
    if (!parsed.success) {
      throw post.refusal("NoAnswer", "the answer is not what the API promises", answer.requestId);
    }
    if (answer.requestId !== undefined) options.onAnswer?.(answer.requestId);
    const taken = new Set(parsed.output.Successful?.map(({ Id }) => Id));
    const left = secretIds.filter((_, index) => !taken.has(String(index)));
    if (left.length === 0) return undefined;
    const failed = parsed.output.Failed ?? [];
    const [first] = failed;
    const isOurs = first !== undefined && failed.every(({ SenderFault }) => SenderFault);
    const reason = `${first?.Code.replace(/[^\w.]/g, "") ?? "no word"} for a message`;
    return {
      left,
      error: post.refusal(isOurs ? "RequestRefused" : "CloudUnavailable", reason, answer.requestId),
    };
  };

  /** Sends a batch until it is taken, or nothing more can be done. */
  const settle = async (batch: readonly string[]): Promise<Left | undefined> => {
    let left = batch;
    for (let sent = 0; ; sent++) {
      const rest = await send(left).catch((thrown: unknown) => ({ left, error: asRotationError(thrown) }));
      const pauseMs = READ_PAUSES_MS[sent];
      const again = rest?.error.passing === true && rest.error.code !== "InProgress";
      if (rest === undefined || !again || pauseMs === undefined) return rest;
      left = rest.left;
      await clock.sleep(pauseMs);
    }
  };

  return (secretIds) => handOverGroups({ secretIds, size: BATCH_SIZE, concurrency, settle });
}

function refused(post: AwsPost, { status, text, requestId }: AwsAnswer): RotationError {
  const read = v.safeParse(refusedWith, parseConfidentialJson(text));
  const { __type: name, message } = read.success ? read.output : {};
  const grant = "the function's role sqs:SendMessage on the queue";
  return awsRefusal(post, { status, name, message, requestId }, grant);
}
