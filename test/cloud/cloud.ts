import { randomBytes, randomUUID } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { StoreKind } from "../../lib/config.ts";
import { systemClock } from "../../lib/drivers/runtime.ts";
import type { Clock } from "../../lib/ports.ts";
import { type CloudSecrets, secretsInAws, secretsInSsm } from "./secrets.ts";
import { createSecretsManager, type SecretsManager } from "./secrets-manager/model.ts";
import {
  createRotationEngine,
  type RotationEngine,
  type RotationEngineOptions,
} from "./secrets-manager/rotation-engine.ts";
import { startSecretsManager } from "./secrets-manager/server.ts";
import { createSsm, type Ssm } from "./ssm/model.ts";
import { type Federation, startFederation } from "./sts/federation.ts";
import { type Certificates, createCertificates } from "./tencentdb/certificates.ts";
import type { InstanceOptions } from "./tencentdb/instances.ts";
import { createTencentDb, type TencentDb, type TencentDbOptions } from "./tencentdb/model.ts";
import { ensureRedisServer } from "./tencentdb/redis-package.ts";
import { type RedisProxy, startRedisProxy } from "./tencentdb/redis-proxy.ts";
import { type RedisServer, startRedisServer } from "./tencentdb/redis-server.ts";
import { startTencentServer } from "./tencentdb/server.ts";
import type { Credential } from "./tencentdb/tc3.ts";
import type { CallWatcher } from "./watched-call.ts";

export interface CloudInstance extends Omit<InstanceOptions, "wanIp" | "port"> {
  /** Serves TLS, with a certificate of the cloud's own authority. */
  readonly tls?: boolean;
  /** Further fields of the secret's JSON. `host: undefined` leaves the address out; `username` sets the password, too. */
  readonly secretFields?: Readonly<Record<string, unknown>>;
}

export interface CloudOptions
  extends Pick<TencentDbOptions, "taskDurationMs" | "taskTailMs" | "unknownActions" | "callsPerSecond"> {
  readonly instances: readonly CloudInstance[];
  /** Where the secrets are. Default: in Secrets Manager. */
  readonly store?: StoreKind;
  /** How old the secrets' first versions are. Default 40 days, so that a rotation is due. */
  readonly secretAgeMs?: number;
  /** Of Secrets Manager, all of them together. Default 50. */
  readonly changesPerSecond?: number;
  /** Whether the credentials of both clouds are temporary ones, with a session token. Default: they are not. */
  readonly sessionTokens?: boolean;
  /** Told of every call to both clouds and, through a proxy before each Redis, of every connection there. */
  readonly onCall?: CallWatcher;
}

export interface LocalCloud {
  /** What a function needs to live in this cloud: credentials, endpoints, the fleet, the authority to trust. */
  readonly environment: Readonly<Record<string, string>>;
  readonly tencentDb: TencentDb;
  readonly secretsManager: SecretsManager;
  readonly ssm: Ssm;
  /** Of the store that was asked for. */
  readonly secrets: CloudSecrets;
  /** Its environment takes the place of Tencent Cloud's keys. */
  readonly federation: Omit<Federation, "close">;
  /** How far the clocks of TencentDB's API, SSM and Secrets Manager are ahead of this machine's. At first: not at all. */
  readonly clock: { shiftMs: number };
  /** The servers themselves, past any proxy. */
  readonly redis: ReadonlyMap<string, RedisServer>;
  /** From then on Secrets Manager has the function `invoke` called when a secret is rotated. */
  connectFunction(invoke: RotationEngineOptions["invoke"], retryAfterMs?: readonly number[]): RotationEngine;
  /** From the moment at which Redis last took a new password to the one at which AWSCURRENT named it. */
  exposureMs(instanceId: string): number | undefined;
  newestTaskId(instanceId: string): number | undefined;
  close(): Promise<void>;
}

const REGION = "eu-west-1";
const SSM_REGION = "ap-guangzhou";
const FUNCTION_ARN = `arn:aws:lambda:${REGION}:123456789012:function:redis-rotation`;
const DAY_MS = 86_400_000;

/** A cloud on loopback: TencentDB with a real Redis for each instance, and a secret manager with a secret for each. */
export async function startCloud(options: CloudOptions): Promise<LocalCloud> {
  const { taskDurationMs, taskTailMs, secretAgeMs = 40 * DAY_MS, onCall, store = "aws" } = options;
  const { unknownActions, callsPerSecond, changesPerSecond = 50, sessionTokens = false } = options;
  // Once, before all the instances look for it at the same time.
  await ensureRedisServer();
  const certificates = await createCertificates();
  const instances = options.instances.map(withPasswords);
  const redis = new Map(
    await Promise.all(instances.map(async (instance) => startRedis(instance, certificates))),
  );
  const proxies = onCall === undefined ? new Map<string, RedisProxy>() : await startProxies(redis, onCall);
  const addresses: Addresses = new Map<string, Address>([...redis, ...proxies]);

  const tencentDb = createTencentDb({
    clock: systemClock,
    instances: instances.map((instance) => ({ ...instance, ...addressOf(addresses, instance.instanceId) })),
    setPassword: async (instanceId, account, password) =>
      redis.get(instanceId)?.setPassword(password, account),
    ...(taskDurationMs !== undefined && { taskDurationMs }),
    ...(taskTailMs !== undefined && { taskTailMs }),
    ...(unknownActions !== undefined && { unknownActions }),
    ...(callsPerSecond !== undefined && { callsPerSecond }),
  });
  const tencentKey = {
    secretId: `AKIDlocal${newKey()}`,
    secretKey: newKey(),
    ...(sessionTokens && { token: newKey() }),
  };
  const tencentKeys: Credential[] = [tencentKey];
  const awsKey = { id: `AKIALOCAL${newKey().slice(0, 11).toUpperCase()}`, secretAccessKey: newKey() };
  const awsSession = sessionTokens ? { sessionToken: newKey() } : undefined;
  const awsKeys = { [awsKey.id]: { secretAccessKey: awsKey.secretAccessKey, ...awsSession } };
  const federation = await startFederation({
    clock: systemClock,
    keys: awsKeys,
    region: REGION,
    credentials: tencentKeys,
    onCall,
  });
  const storeClock = shiftedClock();
  const ssm = createSsm({ clock: storeClock, ...(callsPerSecond !== undefined && { callsPerSecond }) });
  const serverClock = shiftedClock();
  const tencentServer = await startTencentServer({
    clock: serverClock,
    services: { redis: tencentDb, ssm, sts: federation.tencent },
    credentials: tencentKeys,
    onCall,
  });

  const secretsManager = createSecretsManager({
    clock: storeClock,
    newId: randomUUID,
    region: REGION,
    changesPerSecond,
  });
  storeClock.shiftMs = -secretAgeMs;
  const secrets = store === "aws" ? secretsInAws(secretsManager) : secretsInSsm(ssm);
  for (const instance of instances) secrets.create(instance.instanceId, secretText(instance, addresses));
  storeClock.shiftMs = 0;
  const awsServer = await startSecretsManager({
    clock: serverClock,
    newId: randomUUID,
    keys: awsKeys,
    inRegion: (region) => (region === REGION ? secretsManager : undefined),
    onCall,
  });

  const directory = await mkdtemp(join(tmpdir(), "local-cloud-"));
  const caBundle = join(directory, "ca.pem");
  await writeFile(caBundle, certificates.ca);

  return {
    environment: {
      TENCENTCLOUD_SECRET_ID: tencentKey.secretId,
      TENCENTCLOUD_SECRET_KEY: tencentKey.secretKey,
      ...(tencentKey.token !== undefined && { TENCENTCLOUD_SESSION_TOKEN: tencentKey.token }),
      TENCENTCLOUD_ENDPOINT_URL: tencentServer.url,
      AWS_ACCESS_KEY_ID: awsKey.id,
      AWS_SECRET_ACCESS_KEY: awsKey.secretAccessKey,
      ...(awsSession && { AWS_SESSION_TOKEN: awsSession.sessionToken }),
      AWS_REGION: REGION,
      AWS_ENDPOINT_URL_SECRETS_MANAGER: awsServer.url,
      SECRET_STORE: store,
      ...(store === "ssm" && { SECRET_STORE_REGION: SSM_REGION }),
      ROTATION_SECRETS: instances.map(({ instanceId }) => secrets.name(instanceId)).join(","),
      REDIS_CA_BUNDLE: caBundle,
    },
    tencentDb,
    secretsManager,
    ssm,
    secrets,
    federation,
    clock: serverClock,
    redis,
    connectFunction(invoke, retryAfterMs) {
      return createRotationEngine({
        secretsManager,
        functionArn: FUNCTION_ARN,
        invoke,
        clock: systemClock,
        newId: randomUUID,
        ...(retryAfterMs && { retryAfterMs }),
      });
    },
    exposureMs(instanceId) {
      const changedAt = tencentDb.passwordChangedAt(instanceId);
      if (changedAt === undefined) return undefined;
      const promotedAt = secrets.promotedAt(instanceId, changedAt);
      return promotedAt && promotedAt - changedAt;
    },
    newestTaskId: (instanceId) => tencentDb.newestTaskId(instanceId),
    async close() {
      await Promise.all(
        [tencentServer, awsServer, federation, ...proxies.values()].map((server) => server.close()),
      );
      await Promise.all([...redis.values()].map((server) => server.stop()));
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** Starts a rotation as `aws secretsmanager rotate-secret` does. */
export function rotateSecretNow(
  cloud: LocalCloud,
  name: string,
  options: { readonly immediately?: boolean } = {},
): void {
  cloud.secretsManager.call("RotateSecret", {
    SecretId: name,
    ClientRequestToken: randomUUID(),
    RotationLambdaARN: FUNCTION_ARN,
    RotationRules: { AutomaticallyAfterDays: 30 },
    RotateImmediately: options.immediately ?? true,
  });
}

type StartedInstance = ReturnType<typeof withPasswords>;

function withPasswords(instance: CloudInstance) {
  const accounts = (instance.accounts ?? []).map((account) => ({ password: newKey(), ...account }));
  return { password: newKey(), ...instance, accounts };
}

async function startRedis(
  instance: StartedInstance,
  certificates: Certificates,
): Promise<[string, RedisServer]> {
  const { instanceId, password, accounts, tls } = instance;
  return [
    instanceId,
    await startRedisServer({ password, accounts, ...(tls === true && { tls: certificates }) }),
  ];
}

async function startProxies(
  redis: ReadonlyMap<string, RedisServer>,
  onCall: CallWatcher,
): Promise<Map<string, RedisProxy>> {
  const start = async ([instanceId, { port }]: [string, RedisServer]): Promise<[string, RedisProxy]> => [
    instanceId,
    await startRedisProxy({ port, onCall }),
  ];
  return new Map(await Promise.all([...redis].map(start)));
}

type Address = Pick<RedisServer, "host" | "port">;
/** Where each instance is said to listen. */
type Addresses = ReadonlyMap<string, Address>;

function addressOf(addresses: Addresses, instanceId: string) {
  const server = addresses.get(instanceId);
  if (server === undefined) throw new Error(`There is no Redis for ${instanceId}`);
  return { wanIp: server.host, port: server.port };
}

function secretText(instance: StartedInstance, addresses: Addresses): string {
  const { instanceId, region, tls = false, accounts, secretFields } = instance;
  const { wanIp, port } = addressOf(addresses, instanceId);
  const account = accounts.find(({ name }) => name === secretFields?.username);
  return JSON.stringify({
    engine: "tencentdb-redis",
    region,
    instanceId,
    host: wanIp,
    port,
    ssl: tls,
    username: "default",
    password: account?.password ?? instance.password,
    ...secretFields,
  });
}

function shiftedClock(): Clock & { shiftMs: number } {
  return {
    shiftMs: 0,
    now() {
      return systemClock.now() + this.shiftMs;
    },
    sleep: systemClock.sleep,
  };
}

/** Letters and digits of all kinds: eight of them in a row are found elsewhere only where somebody has copied them. */
function newKey(): string {
  return randomBytes(24).toString("base64url").replace(/[-_]/g, "0");
}
