/** A rotation as one writes it in an hour: wait until the task has succeeded, then make the new version current. */
import { randomBytes, randomUUID } from "node:crypto";
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { awsSecretsManager } from "../lib/drivers/aws-secrets-manager.ts";
import { systemClock as clock } from "../lib/drivers/runtime.ts";
import { tencentRedis } from "../lib/drivers/tencent-redis.ts";
import { parseSecretValue, withCredentials } from "../lib/secret-value.ts";
import type { LocalCloud } from "../test/cloud/cloud.ts";
import { secretName } from "../test/cloud/secrets.ts";

const POLL_MS = 2_000;

export function plainLoop({ environment }: LocalCloud): (instanceId: string) => Promise<void> {
  const variable = (name: string) => environment[name] ?? "";
  const client = new SecretsManagerClient({
    endpoint: variable("AWS_ENDPOINT_URL_SECRETS_MANAGER"),
    region: variable("AWS_REGION"),
    credentials: {
      accessKeyId: variable("AWS_ACCESS_KEY_ID"),
      secretAccessKey: variable("AWS_SECRET_ACCESS_KEY"),
    },
  });
  const store = awsSecretsManager({ client, clock });
  const controlPlane = tencentRedis({
    credentials: async () => ({
      secretId: variable("TENCENTCLOUD_SECRET_ID"),
      secretKey: variable("TENCENTCLOUD_SECRET_KEY"),
    }),
    endpointUrl: variable("TENCENTCLOUD_ENDPOINT_URL"),
    signal: new AbortController().signal,
    clock,
    limiter: async () => {},
  });

  return async (instanceId) => {
    const secretId = secretName(instanceId);
    const { versions } = await store.describe(secretId);
    const from = versions.find(({ stages }) => stages.includes("current"))?.versionId ?? "";
    const text = (await store.read(secretId, from))?.text ?? "";
    const password = randomBytes(15).toString("hex");
    const versionId = randomUUID();
    const account = parseSecretValue(text, secretId);
    await store.stage(secretId, { versionId, text: withCredentials(text, { ...account, password }) });
    const { taskId } = await controlPlane.changePassword(account, { password });
    do await clock.sleep(POLL_MS);
    while ((await controlPlane.describeTask(account, taskId)).state === "running");
    await store.promote(secretId, versionId, from);
  };
}
