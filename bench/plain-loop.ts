import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { awsSecretsManager } from "../lib/drivers/aws-secrets-manager.ts";
import { systemClock as clock } from "../lib/drivers/runtime.ts";
import { tencentRedis } from "../lib/drivers/tencent-redis.ts";
import type { LocalCloud } from "../test/cloud/cloud.ts";
import { secretName } from "../test/cloud/secrets.ts";
import { plainRotation } from "./plain-rotation.ts";

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

  return (instanceId) => plainRotation({ store, controlPlane, clock }, secretName(instanceId));
}
