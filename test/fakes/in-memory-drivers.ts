/** The real drivers over the clouds' state machines: no HTTP, no SDK, no real time. */
import { awsSecretsManager } from "../../lib/drivers/aws-secrets-manager.ts";
import { SSM_API_ERRORS } from "../../lib/drivers/ssm-errors.ts";
import type { TencentClient } from "../../lib/drivers/tencent-client.ts";
import { REDIS_API_ERRORS } from "../../lib/drivers/tencent-errors.ts";
import { redisControlPlane } from "../../lib/drivers/tencent-redis.ts";
import { ssmStore } from "../../lib/drivers/tencent-ssm.ts";
import type { Limiter } from "../../lib/limiter.ts";
import type { Clock, ControlPlane, SecretStore } from "../../lib/ports.ts";
import type { SecretsManager } from "../cloud/secrets-manager/model.ts";
import type { Ssm } from "../cloud/ssm/model.ts";
import type { TencentDb } from "../cloud/tencentdb/model.ts";
import { inMemoryAws } from "../torture/in-memory-aws.ts";
import { inMemoryTencent } from "./tencent-api.ts";

interface Clouds {
  readonly clock: Clock;
  readonly limiter: Limiter;
  readonly tencentDb: TencentDb;
  readonly secretsManager: SecretsManager;
  readonly ssm: Ssm;
}

/** Half of what a call takes. */
const TRAVEL_MS = 15;

export function awsDriver({ clock, limiter, secretsManager }: Clouds): SecretStore {
  const client = inMemoryAws(async (action, request) => {
    await clock.sleep(TRAVEL_MS);
    try {
      return secretsManager.call(action as never, request as never) as object;
    } finally {
      await clock.sleep(TRAVEL_MS);
    }
  }, clock);
  const pace = { limiter: limiter.acquire, onThrottled: limiter.throttled };
  return awsSecretsManager({ client, clock, pace });
}

export function ssmDriver({ clock, limiter, ssm }: Clouds): SecretStore {
  const client = inMemoryTencent({
    clock,
    limiter,
    dispatch: ssm.dispatch,
    service: "ssm",
    version: "2019-09-23",
    region: "ap-guangzhou",
    errors: SSM_API_ERRORS,
    travelMs: TRAVEL_MS,
  });
  return ssmStore({ client, clock });
}

export function redisDriver({ clock, limiter, tencentDb }: Clouds): ControlPlane {
  const clients = new Map<string, TencentClient>();
  return redisControlPlane({
    clock,
    client(region) {
      const made =
        clients.get(region) ??
        inMemoryTencent({
          clock,
          limiter,
          dispatch: tencentDb.dispatch,
          service: "redis",
          version: "2018-04-12",
          region,
          errors: REDIS_API_ERRORS,
          travelMs: TRAVEL_MS,
        });
      clients.set(region, made);
      return made;
    },
  });
}
