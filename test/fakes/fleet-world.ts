import { createHash, randomUUID } from "node:crypto";
import { CHANGES } from "../../lib/drivers/aws-call.ts";
import { randomBytes } from "../../lib/drivers/runtime.ts";
import { CURRENT_ID, promotedId } from "../../lib/drivers/ssm-versions.ts";
import { createTurns, type Turns } from "../../lib/drivers/turns.ts";
import { createLimiter, type Limiter } from "../../lib/limiter.ts";
import { callsPerSecond, rotationsPerSecond } from "../../lib/pace.ts";
import type { Context } from "../../lib/rotation/context.ts";
import { createSecretsManager, type SecretsManager } from "../cloud/secrets-manager/model.ts";
import { createSsm } from "../cloud/ssm/model.ts";
import { createTencentDb, type TencentDb } from "../cloud/tencentdb/model.ts";
import { createVirtualClock, type VirtualClock } from "./clock.ts";
import { awsDriver, redisDriver, ssmDriver } from "./in-memory-drivers.ts";
import { createFakeRedis } from "./probe.ts";

export interface FleetWorldOptions {
  readonly size: number;
  /** Default `aws`. `unlimited`: Secrets Manager as if it took as many changes a second as there are. */
  readonly store?: "aws" | "ssm" | "unlimited";
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
  readonly names: readonly string[];
  /** One run over the real drivers, with their pace. */
  run(remainingMs?: number): Context;
  readonly apart: Turns["next"];
  /** Rotations that may begin in a second. */
  readonly perSecond: number;
  /** The same drivers without their pace. */
  readonly unpaced: Context;
  /** When Redis last took a new password, in milliseconds since the epoch. */
  changedAt(index: number): number;
  /** Requests to TencentDB, and to the secret manager. */
  readonly tencentCalls: number;
  readonly storeCalls: number;
  /** Secrets whose current password opens their Redis and is not the first one. */
  rotated(): readonly string[];
  /** Requests that the cloud refused as too many. */
  readonly throttled: number;
}

const DAY_MS = 86_400_000;
const PROBE_MS = 5;
const MANY = 10_000;
const firstPassword = (index: number) => `firstPassword${index}`;

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
  const changedAt = new Map<string, number>();
  const tencentDb = createTencentDb({
    clock,
    instances,
    setPassword(instanceId, account, password) {
      changedAt.set(instanceId, clock.now());
      return redis.setPassword(instanceId, account, password);
    },
    taskDurationMs: options.taskDurationMs ?? 9_000,
    callsPerSecond: options.cloudCallsPerSecond ?? 20,
  });
  let bornMs = 0;
  const born = { now: () => clock.now() - bornMs, sleep: clock.sleep };
  const secretsManager = createSecretsManager({
    clock: born,
    newId: randomUUID,
    changesPerSecond: store === "aws" ? 50 : MANY,
  });
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
    if (store !== "ssm")
      secretsManager.call("CreateSecret", {
        Name: name,
        SecretString: text,
        ClientRequestToken: randomUUID(),
      });
    else {
      ssm.call("CreateSecret", { SecretName: name, VersionId: CURRENT_ID, SecretString: text });
      // As after a rotation: a value that was set by hand costs a few looks more, once.
      const versionId = createHash("sha256").update(name).digest("hex");
      ssm.call("PutSecretValue", {
        SecretName: name,
        VersionId: promotedId(1, versionId),
        SecretString: text,
      });
    }
  }
  bornMs = 0;

  const textOf = (index: number) => {
    const name = names[index] ?? "";
    if (store === "ssm")
      return String(ssm.call("GetSecretValue", { SecretName: name, VersionId: CURRENT_ID }).SecretString);
    const { versions } = secretsManager.inspect(name);
    return versions.find(({ stages }) => stages.includes("AWSCURRENT"))?.content?.SecretString ?? "{}";
  };
  const currentPassword = (index: number): string => JSON.parse(textOf(index)).password;

  const turns = createTurns();
  const documented = callsPerSecond(undefined);
  const perSecond = (key: string) => (key === CHANGES && store === "unlimited" ? MANY : documented(key));
  let throttled = 0;
  const context = (pace: Limiter, remainingMs: number): Context => {
    const limiter: Limiter = {
      acquire: pace.acquire,
      throttled(key) {
        throttled += 1;
        pace.throttled(key);
      },
    };
    const drivers = { clock, limiter, tencentDb, secretsManager, ssm };
    const deadlineAt = clock.now() + remainingMs;
    return {
      store: store === "ssm" ? ssmDriver(drivers) : awsDriver(drivers),
      controlPlane: redisDriver(drivers),
      async probe(target) {
        await clock.sleep(PROBE_MS);
        return redis.probe(target);
      },
      clock,
      randomBytes,
      digest: (text) => createHash("sha256").update(text).digest("hex"),
      observe: () => {},
      verify: "auth",
      deadline: () => deadlineAt,
    };
  };

  return {
    clock,
    tencentDb,
    secretsManager,
    names,
    run: (remainingMs = 3_600_000) =>
      context(createLimiter({ clock, perSecond, turn: turns.current }), remainingMs),
    unpaced: context({ acquire: async () => {}, throttled: () => {} }, Number.POSITIVE_INFINITY),
    apart: turns.next,
    perSecond: store === "unlimited" ? MANY : rotationsPerSecond(store),
    rotated: () =>
      names.filter((_, index) => {
        const password = currentPassword(index);
        return password !== firstPassword(index) && redis.opens(instances[index]?.instanceId ?? "", password);
      }),
    changedAt: (index) => changedAt.get(instances[index]?.instanceId ?? "") ?? Number.NaN,
    get throttled() {
      return throttled;
    },
    get tencentCalls() {
      return tencentDb.calls.length;
    },
    get storeCalls() {
      return secretsManager.calls.length + ssm.calls.length;
    },
  };
}
