import { createHash, randomUUID } from "node:crypto";
import { awsSecretsManager } from "../../lib/drivers/aws-secrets-manager.ts";
import { randomBytes } from "../../lib/drivers/runtime.ts";
import { SSM_API_ERRORS } from "../../lib/drivers/ssm-errors.ts";
import { REDIS_API_ERRORS } from "../../lib/drivers/tencent-errors.ts";
import { redisControlPlane } from "../../lib/drivers/tencent-redis.ts";
import { ssmStore } from "../../lib/drivers/tencent-ssm.ts";
import { createTurns, type Turns } from "../../lib/drivers/turns.ts";
import { createLimiter } from "../../lib/limiter.ts";
import { callsPerSecond } from "../../lib/pace.ts";
import type { SecretStore } from "../../lib/ports.ts";
import type { Context } from "../../lib/rotation/context.ts";
import { createSecretsManager, type SecretsManager } from "../cloud/secrets-manager/model.ts";
import { createSsm, type Ssm } from "../cloud/ssm/model.ts";
import { createTencentDb, type TencentDb } from "../cloud/tencentdb/model.ts";
import { inMemoryAws } from "../torture/in-memory-aws.ts";
import { createVirtualClock, type VirtualClock } from "./clock.ts";
import { createFakeRedis, type FakeRedis } from "./probe.ts";
import { inMemoryTencent } from "./tencent-api.ts";

export interface FleetWorldOptions {
  readonly size: number;
  /** Default `aws`. */
  readonly store?: "aws" | "ssm";
  /** They take turns. Default one. */
  readonly regions?: readonly string[];
  /** How old a secret's current version is. Default 40 days. */
  readonly ageMs?: (index: number) => number;
  /** Further fields of a secret's JSON. */
  readonly fields?: (index: number) => Readonly<Record<string, unknown>>;
  /** From ResetPassword to the end of its task. Default 9 s. */
  readonly taskDurationMs?: number | (() => number);
  /** Of each action in each region, as the cloud counts. Default 20. */
  readonly cloudCallsPerSecond?: number;
}

export interface FleetWorld {
  readonly clock: VirtualClock;
  readonly tencentDb: TencentDb;
  readonly secretsManager: SecretsManager;
  readonly ssm: Ssm;
  readonly redis: FakeRedis;
  readonly names: readonly string[];
  readonly instanceIds: readonly string[];
  /** One run over the real drivers, with their pace. */
  run(remainingMs?: number, changes?: Partial<Context>): Context;
  readonly apart: Turns["next"];
  currentPassword(index: number): string;
  /** Secrets whose current password opens their Redis and is not the first one. */
  rotated(): readonly string[];
  /** Requests that the cloud refused as too many. */
  readonly throttled: number;
}

const DAY_MS = 86_400_000;
const TRAVEL_MS = 15;
const PROBE_MS = 5;
export const firstPassword = (index: number) => `firstPassword${index}`;

/**
 * A fleet in memory and virtual time. All is real but the transport and Redis: the drivers, their pace, and both clouds'
 * state machines with their limits.
 */
export function createFleetWorld(options: FleetWorldOptions): FleetWorld {
  const { size, store = "aws", regions = ["ap-guangzhou"], ageMs = () => 40 * DAY_MS } = options;
  const clock = createVirtualClock({ autoAdvance: true });
  const indices = Array.from({ length: size }, (_, index) => index);
  const instances = indices.map((index) => ({
    instanceId: `crs-${index.toString(36).padStart(8, "0")}`,
    region: regions[index % regions.length] ?? "",
    wanIp: `10.${(index >> 16) & 255}.${(index >> 8) & 255}.${index & 255}`,
    port: 6379,
    password: firstPassword(index),
  }));
  const redis = createFakeRedis(instances);
  const tencentDb = createTencentDb({
    clock,
    instances,
    setPassword: redis.setPassword,
    taskDurationMs: options.taskDurationMs ?? 9_000,
    callsPerSecond: options.cloudCallsPerSecond ?? 20,
  });
  let bornMs = 0;
  const born = { now: () => clock.now() - bornMs, sleep: clock.sleep };
  const secretsManager = createSecretsManager({ clock: born, newId: randomUUID, changesPerSecond: 50 });
  const ssm = createSsm({ clock: born });
  const names = instances.map(({ instanceId }) => `redis-${instanceId}`);
  for (const [index, { instanceId, region, wanIp: host, port, password }] of instances.entries()) {
    const value = {
      engine: "tencentdb-redis",
      region,
      instanceId,
      host,
      port,
      password,
      ...options.fields?.(index),
    };
    const text = JSON.stringify(value);
    bornMs = ageMs(index);
    const name = names[index] ?? "";
    if (store === "aws")
      secretsManager.call("CreateSecret", {
        Name: name,
        SecretString: text,
        ClientRequestToken: randomUUID(),
      });
    else ssm.call("CreateSecret", { SecretName: name, VersionId: "SSM_Current", SecretString: text });
  }
  bornMs = 0;

  const textOf = (index: number) => {
    const name = names[index] ?? "";
    if (store === "ssm")
      return String(ssm.call("GetSecretValue", { SecretName: name, VersionId: "SSM_Current" }).SecretString);
    const { versions } = secretsManager.inspect(name);
    return versions.find(({ stages }) => stages.includes("AWSCURRENT"))?.content?.SecretString ?? "{}";
  };
  const currentPassword = (index: number): string => JSON.parse(textOf(index)).password;

  const turns = createTurns();
  let throttled = 0;
  return {
    clock,
    tencentDb,
    secretsManager,
    ssm,
    redis,
    names,
    instanceIds: instances.map(({ instanceId }) => instanceId),
    run(remainingMs = 3_600_000, changes = {}) {
      const pace = createLimiter({ clock, perSecond: callsPerSecond(undefined), turn: turns.current });
      const limiter = {
        acquire: pace.acquire,
        throttled(key: string) {
          throttled += 1;
          pace.throttled(key);
        },
      };
      const tencent = { clock, limiter };
      const redisClient = (region: string) =>
        inMemoryTencent({
          ...tencent,
          dispatch: tencentDb.dispatch,
          service: "redis",
          version: "2018-04-12",
          region,
          errors: REDIS_API_ERRORS,
        });
      const ssmClient = inMemoryTencent({
        ...tencent,
        dispatch: ssm.dispatch,
        service: "ssm",
        version: "2019-09-23",
        region: "ap-guangzhou",
        errors: SSM_API_ERRORS,
      });
      const clients = new Map(regions.map((region) => [region, redisClient(region)]));
      const client = inMemoryAws(async (action, request) => {
        await clock.sleep(TRAVEL_MS);
        try {
          return secretsManager.call(action as never, request as never) as object;
        } finally {
          await clock.sleep(TRAVEL_MS);
        }
      }, clock);
      const stores: Record<"aws" | "ssm", () => SecretStore> = {
        aws: () =>
          awsSecretsManager({
            client,
            clock,
            pace: { limiter: limiter.acquire, onThrottled: limiter.throttled },
          }),
        ssm: () => ssmStore({ client: ssmClient, clock }),
      };
      return {
        store: stores[store](),
        controlPlane: redisControlPlane({
          clock,
          client: (region) => clients.get(region) ?? redisClient(region),
        }),
        async probe(target) {
          await clock.sleep(PROBE_MS);
          return redis.probe(target);
        },
        clock,
        randomBytes,
        digest: (text) => createHash("sha256").update(text).digest("hex"),
        observe: () => {},
        verify: "auth",
        deadlineAt: clock.now() + remainingMs,
        ...changes,
      };
    },
    apart: turns.next,
    currentPassword,
    rotated: () =>
      names.filter((_, index) => {
        const password = currentPassword(index);
        return password !== firstPassword(index) && redis.opens(instances[index]?.instanceId ?? "", password);
      }),
    get throttled() {
      return throttled;
    },
  };
}
