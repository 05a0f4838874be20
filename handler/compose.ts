import { readFileSync } from "node:fs";
import type { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { type Config, parseConfig, type StoreKind } from "../lib/config.ts";
import { secretsManagerClient } from "../lib/drivers/aws-client.ts";
import { awsSecretsManager } from "../lib/drivers/aws-secrets-manager.ts";
import { createLog, type Log, type LogOptions } from "../lib/drivers/log.ts";
import { redisProbe } from "../lib/drivers/redis-probe.ts";
import { abortAfter, digest, randomBytes, systemClock } from "../lib/drivers/runtime.ts";
import { tencentRedis } from "../lib/drivers/tencent-redis.ts";
import { tencentRedisV2 } from "../lib/drivers/tencent-redis-v2.ts";
import { parseEndpoint } from "../lib/drivers/tencent-route.ts";
import { tencentSsm } from "../lib/drivers/tencent-ssm.ts";
import { RotationError } from "../lib/errors.ts";
import { createLimiter } from "../lib/limiter.ts";
import type { Context } from "../lib/rotation/context.ts";
import { credentialsFromEnvironment, credentialsFromSecret } from "./credentials.ts";

/** What an invocation brings along, whatever the platform. */
export interface Invocation {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** How long the platform lets the function run from now on, in milliseconds. */
  readonly remainingMs: number;
  /** Where the platform runs the function, where it tells. */
  readonly region?: string;
  /** The store where SECRET_STORE does not name one. */
  readonly defaultStore: StoreKind;
  readonly log: Pick<LogOptions, "bindings" | "fd">;
}

export interface Composition {
  readonly config: Config;
  readonly context: Context;
  readonly log: Log;
}

/** API calls a second, for each action in each region, as documented. What is not named has TencentDB's limit. */
const CALLS_PER_SECOND: Readonly<Record<string, number>> = {
  DescribeSecret: 40,
  ListSecretVersionIds: 40,
  GetSecretValue: 300,
};
const OTHER_CALLS_PER_SECOND = 20;

/**
 * Configuration → drivers, wired for one invocation. Credentials are read anew: a warm function must not keep old ones.
 *
 * @throws RotationError `ConfigurationInvalid`, `CredentialsMissing`
 */
export async function compose(invocation: Invocation): Promise<Composition> {
  const { environment, remainingMs } = invocation;
  const config = parseConfig(environment, invocation.defaultStore);
  // The platform ends a function without a word. Calls are aborted before that, and a run stops before its calls are.
  const marginMs = Math.min(5_000, remainingMs / 5);
  const signal = abortAfter(remainingMs - marginMs / 2);
  const clock = systemClock;
  const perSecond = (key: string) => CALLS_PER_SECOND[key.replace(/.*\//, "")] ?? OTHER_CALLS_PER_SECOND;
  const limiter = createLimiter({ clock, perSecond });
  const ca = config.caBundlePath === undefined ? undefined : readBundle(config.caBundlePath);
  const log = createLog({ level: config.logLevel, ...invocation.log });

  if (config.endpointUrl !== undefined) parseEndpoint(config.endpointUrl);
  const secretsManager = async (region: string | undefined) =>
    awsSecretsManager({ client: await warmClient(region), clock, signal });
  const { credentialsSecretId, storeRegion } = config;
  const awsStore = config.store === "aws" ? await secretsManager(storeRegion) : undefined;
  const credentials =
    credentialsSecretId === undefined
      ? credentialsFromEnvironment(environment)
      : await credentialsFromSecret(awsStore ?? (await secretsManager(undefined)), credentialsSecretId);
  const connection = {
    credentials: async () => credentials,
    ...(config.site === "intl" && { site: "intl" as const }),
    endpointUrl: config.endpointUrl,
    signal,
    clock,
    limiter: limiter.acquire,
  };

  return {
    config,
    log,
    context: {
      store: awsStore ?? tencentSsm({ ...connection, region: ssmRegion(config, invocation) }),
      controlPlane: tencentRedisV2({ ...connection, randomBytes }, tencentRedis(connection)),
      probe: redisProbe({ signal, ...(ca !== undefined && { ca }) }),
      clock,
      randomBytes,
      digest,
      observe: log.observe,
      verify: config.verify,
      alternationIntervalMs: config.alternationIntervalMs,
      ...(config.passwordLength !== undefined && { passwordLength: config.passwordLength }),
      deadlineAt: clock.now() + remainingMs - marginMs,
    },
  };
}

function ssmRegion({ storeRegion }: Config, { region, environment }: Invocation): string {
  const found = storeRegion ?? (region || environment.TENCENTCLOUD_REGION);
  if (found) return found;
  throw new RotationError(
    "ConfigurationInvalid",
    "Environment: SECRET_STORE_REGION: set it to the region of the secrets in SSM, such as ap-guangzhou",
    { effect: "none" },
  );
}

/** A warm function finds its connections to Secrets Manager again. The client renews its credentials by itself. */
const clients = new Map<string | undefined, SecretsManagerClient>();

async function warmClient(region: string | undefined): Promise<SecretsManagerClient> {
  const client = clients.get(region) ?? (await secretsManagerClient(region === undefined ? {} : { region }));
  clients.set(region, client);
  return client;
}

function readBundle(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new RotationError("ConfigurationInvalid", `Environment: REDIS_CA_BUNDLE: ${path} cannot be read`, {
      effect: "none",
      cause,
    });
  }
}
