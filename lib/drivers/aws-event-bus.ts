import type { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import * as v from "valibot";
import { parseConfidentialJson } from "../json.ts";
import type { Notify } from "../notification.ts";
import type { Clock } from "../ports.ts";
import { object } from "../schemas.ts";
import { endpointOf } from "./aws-client.ts";
import { awsPost, awsUrl } from "./aws-post.ts";
import { awsRefusal } from "./aws-refusal.ts";

export interface AwsEventBusOptions {
  /** Lends its region, credentials, signer, and connections. */
  readonly client: SecretsManagerClient;
  /** Name or ARN. With an ARN its region is the one that is asked. */
  readonly eventBus: string;
  /** What AWS_ENDPOINT_URL_EVENTBRIDGE or AWS_ENDPOINT_URL says. Default: the service's own. */
  readonly endpointUrl?: string | undefined;
  readonly clock: Clock;
  /** Aborted when there is no more time. */
  readonly signal: AbortSignal;
}

const SOURCE = "redis-rotation";
const DETAIL_TYPE = "Redis Rotation Problem";

const answered = object({
  FailedEntryCount: v.optional(v.number()),
  Entries: v.optional(
    v.array(object({ ErrorCode: v.optional(v.string()), ErrorMessage: v.optional(v.string()) })),
  ),
  __type: v.optional(v.string()),
  message: v.optional(v.string()),
});

/**
 * Tells an event bus of Amazon EventBridge (API version 2015-10-07, PutEvents over AWS JSON 1.1), with the notification as the
 * event's detail. Sent once.
 *
 * @throws RotationError, when called: `AccessDenied`, `ConfigurationInvalid`, `CredentialsRejected`, `RequestRefused`,
 *   `Throttled`, `CloudUnavailable`, `CloudUnreachable`, `NoAnswer`, `StoreCredentialsMissing`, `InProgress`; the effect is
 *   always `none`
 */
export function awsEventBus({ client, eventBus, endpointUrl, clock, signal }: AwsEventBusOptions): Notify {
  const region = eventBus.startsWith("arn:") ? eventBus.split(":")[3] : undefined;
  const name = eventBus.replace(/^arn:.*event-bus\//, "");
  const post = awsPost({
    client,
    service: "events",
    what: `PutEvents to the bus ${name} (Amazon EventBridge)`,
    clock,
    signal,
  });
  const grant = "the function's role events:PutEvents on the bus";

  return async (notification) => {
    const entry = {
      EventBusName: eventBus,
      Source: SOURCE,
      DetailType: DETAIL_TYPE,
      Detail: JSON.stringify(notification),
    };
    const url =
      endpointUrl === undefined
        ? await endpointOf(client, "events", region)
        : awsUrl(endpointUrl, "AWS_ENDPOINT_URL_EVENTBRIDGE or AWS_ENDPOINT_URL");
    const { status, text, requestId } = await post.send({
      url,
      region,
      headers: { "content-type": "application/x-amz-json-1.1", "x-amz-target": "AWSEvents.PutEvents" },
      body: JSON.stringify({ Entries: [entry] }),
    });
    const read = v.safeParse(answered, parseConfidentialJson(text));
    const answer = read.success ? read.output : {};
    if (status !== 200) {
      throw awsRefusal(post, { status, name: answer.__type, message: answer.message, requestId }, grant);
    }
    if (answer.FailedEntryCount === undefined) {
      throw post.refusal("NoAnswer", "the answer is not what the API promises", requestId);
    }
    if (answer.FailedEntryCount === 0) return;
    const [failed] = answer.Entries ?? [];
    const name = failed?.ErrorCode ?? "no word";
    // Inside an answer a failure of the service has no status of its own.
    const meant = name.startsWith("Internal") ? 500 : status;
    throw awsRefusal(post, { status: meant, name, message: failed?.ErrorMessage, requestId }, grant);
  };
}
