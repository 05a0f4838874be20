import * as v from "valibot";
import { awsEventBus } from "../lib/drivers/aws-event-bus.ts";
import { awsTopic } from "../lib/drivers/aws-topic.ts";
import type { ToldReceiver } from "../lib/drivers/log.ts";
import type { ProxySettings } from "../lib/drivers/proxy-settings.ts";
import { systemClock as clock } from "../lib/drivers/runtime.ts";
import { webhook } from "../lib/drivers/webhook.ts";
import { RotationError } from "../lib/errors.ts";
import type { Notify } from "../lib/notification.ts";
import { addressProblems, type NotifyConfig, type WebhookConfig } from "../lib/notify-config.ts";
import type { SecretStore } from "../lib/ports.ts";
import { object } from "../lib/schemas.ts";
import { warmClient } from "./aws-clients.ts";
import type { Invocation } from "./compose.ts";
import { readSecretJson } from "./secret-json.ts";

/** One of those who are to be told. */
export interface Receiver {
  readonly channel: ToldReceiver["channel"];
  readonly tell: Notify;
}

export interface ReceiversOptions {
  readonly environment: Invocation["environment"];
  readonly config: NotifyConfig;
  readonly proxy: ProxySettings | undefined;
  /** The secret manager, where there is one to read from. */
  readonly store: SecretStore | undefined;
  /** Aborted when there is no more time. */
  readonly signal: AbortSignal;
}

/** Who is to be told. Nothing is asked for before that. */
export function receiversOf({ environment, config, proxy, store, signal }: ReceiversOptions): Receiver[] {
  const { topicArn, eventBus, webhook: hook } = config;
  const aws = async (service: string) => ({
    client: await warmClient(undefined, proxy),
    endpointUrl: environment[`AWS_ENDPOINT_URL_${service}`] || environment.AWS_ENDPOINT_URL || undefined,
    clock,
    signal,
  });
  const receivers: Receiver[] = [];
  const add = (channel: Receiver["channel"], connect: () => Promise<Notify>) => {
    receivers.push({ channel, tell: async (notification) => (await connect())(notification) });
  };
  if (topicArn !== undefined) add("sns", async () => awsTopic({ ...(await aws("SNS")), topicArn }));
  if (eventBus !== undefined) {
    add("eventbridge", async () => awsEventBus({ ...(await aws("EVENTBRIDGE")), eventBus }));
  }
  if (hook !== undefined) {
    const { format } = hook;
    add("webhook", async () => webhook({ format, ...(await addressOf(hook, store)), proxy, clock, signal }));
  }
  return receivers;
}

const stored = object({ url: v.string(), key: v.optional(v.string()) });

async function addressOf(
  { format, secretId, url = "", key }: WebhookConfig,
  store: SecretStore | undefined,
): Promise<{ readonly url: string; readonly key: string | undefined }> {
  if (secretId === undefined) return { url, key };
  const refuse = (why: string) =>
    new RotationError("ConfigurationInvalid", `Secret ${secretId} (NOTIFY_WEBHOOK_SECRET_ID): ${why}`, {
      effect: "none",
    });
  if (store === undefined) throw refuse("it cannot be read without the rest of the configuration");
  const { url: address, key: signingKey } = await readSecretJson(store, secretId, stored, refuse);
  const found = { url: address, key: signingKey };
  const problems = Object.entries(addressProblems(format, found));
  if (problems.length > 0) throw refuse(problems.map((problem) => problem.join(": ")).join("; "));
  return found;
}
