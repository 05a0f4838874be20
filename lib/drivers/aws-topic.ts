import type { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { headlineOf, type Notify, textOf } from "../notification.ts";
import type { Clock } from "../ports.ts";
import { endpointOf } from "./aws-client.ts";
import { awsPost, awsUrl, element } from "./aws-post.ts";
import { awsRefusal } from "./aws-refusal.ts";

export interface AwsTopicOptions {
  /** Lends its credentials, signer, and connections. */
  readonly client: SecretsManagerClient;
  /** Of a standard topic. Its region is the one that is asked. */
  readonly topicArn: string;
  /** What AWS_ENDPOINT_URL_SNS or AWS_ENDPOINT_URL says. Default: the service's own. */
  readonly endpointUrl?: string | undefined;
  readonly clock: Clock;
  /** Aborted when there is no more time. */
  readonly signal: AbortSignal;
}

/** The subject is limited to 100 characters of ASCII. */
const MAX_SUBJECT_LENGTH = 100;
/** A mail that is longer is read by nobody. The whole message may have 256 kB. */
const MAX_MAIL_BYTES = 16_000;

/**
 * Tells a topic of Amazon SNS (API version 2010-03-31, Publish): subscribers by mail get a text, all others JSON. Sent once.
 *
 * @throws RotationError, when called: `AccessDenied`, `ConfigurationInvalid`, `CredentialsRejected`, `RequestRefused`,
 *   `Throttled`, `CloudUnavailable`, `CloudUnreachable`, `NoAnswer`, `StoreCredentialsMissing`, `InProgress`; the effect is
 *   always `none`
 */
export function awsTopic({ client, topicArn, endpointUrl, clock, signal }: AwsTopicOptions): Notify {
  const [, , , region, , name] = topicArn.split(":");
  const post = awsPost({
    client,
    service: "sns",
    what: `Publish to the topic ${name} (Amazon SNS)`,
    clock,
    signal,
  });

  return async (notification) => {
    const subject = headlineOf(notification).slice(0, MAX_SUBJECT_LENGTH);
    const message = {
      default: JSON.stringify(notification),
      email: textOf(notification, { maxBytes: MAX_MAIL_BYTES }),
      sms: subject,
    };
    const url =
      endpointUrl === undefined
        ? await endpointOf(client, "sns", region)
        : awsUrl(endpointUrl, "AWS_ENDPOINT_URL_SNS or AWS_ENDPOINT_URL");
    const { status, text, requestId } = await post.send({
      url,
      region,
      headers: { "content-type": "application/x-www-form-urlencoded" },
      body: new URLSearchParams({
        Action: "Publish",
        Version: "2010-03-31",
        TopicArn: topicArn,
        Subject: subject,
        MessageStructure: "json",
        Message: JSON.stringify(message),
      }).toString(),
    });
    if (status !== 200) {
      const refused = { status, name: element(text, "Code"), message: element(text, "Message"), requestId };
      throw awsRefusal(post, refused, "the function's role sns:Publish on the topic");
    }
    if (element(text, "MessageId") === undefined) {
      throw post.refusal("NoAnswer", "the answer is not what the API promises", requestId);
    }
  };
}
