import pLimit from "p-limit";
import type { Config, RoleConfig, StoreKind } from "../lib/config.ts";
import { awsIdentityToken } from "../lib/drivers/aws-identity-token.ts";
import { awsSecretList } from "../lib/drivers/aws-secret-list.ts";
import { awsSecretsManager } from "../lib/drivers/aws-secrets-manager.ts";
import { createLog, type Log, type LogOptions } from "../lib/drivers/log.ts";
import { redisProbe } from "../lib/drivers/redis-probe.ts";
import { abortAfter, digest, randomBytes, systemClock } from "../lib/drivers/runtime.ts";
import { ssmSecretList } from "../lib/drivers/ssm-secret-list.ts";
import type { OnOutcome, TencentConnection, TencentCredentials } from "../lib/drivers/tencent-client.ts";
import { tencentRedis } from "../lib/drivers/tencent-redis.ts";
import { tencentRedisV2 } from "../lib/drivers/tencent-redis-v2.ts";
import { tencentSsm } from "../lib/drivers/tencent-ssm.ts";
import { type RoleSessionHolder, tencentRole } from "../lib/drivers/tencent-sts.ts";
import { createTurns } from "../lib/drivers/turns.ts";
import { createLimiter } from "../lib/limiter.ts";
import { callsPerSecond } from "../lib/pace.ts";
import type { FindSecrets, HandOver } from "../lib/ports.ts";
import type { Context } from "../lib/rotation/context.ts";
import { warmClient } from "./aws-clients.ts";
import { credentialsFromSecret } from "./credentials.ts";
import { type FanOut, handOverOf } from "./fan-out.ts";
import { readSettings } from "./settings.ts";

/** What an invocation brings along, whatever the platform. */
export interface Invocation {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** How long the platform lets the function run from now on, in milliseconds. */
  readonly remainingMs: number;
  /** Where the platform runs the function, where it tells. */
  readonly region?: string;
  /** The store where SECRET_STORE does not name one. */
  readonly defaultStore: StoreKind;
  /** What a scheduled run can hand its secrets to. Absent: nothing. */
  readonly fanOut?: FanOut;
  readonly log: Pick<LogOptions, "bindings" | "fd">;
  /** Told of how each call to TencentDB's API 3.0, SSM and Secrets Manager ended. */
  readonly onOutcome?: OnOutcome;
}

export interface Composition {
  readonly config: Config;
  readonly context: Context;
  readonly log: Log;
  /** Does the work on one secret apart from that on others: its calls have their turn, its lines their request ids. */
  readonly apart: <T>(act: () => Promise<T>) => Promise<T>;
  readonly findSecrets: FindSecrets;
  /** Where the operator has a scheduled run hand its secrets over. */
  readonly handOver: HandOver | undefined;
  /** How Tencent Cloud is reached. */
  readonly connection: TencentConnection;
}

/** Probes that are under way at once: each is a connection. */
const PROBES = 64;

/**
 * Configuration → drivers, wired for one invocation. Credentials are read anew: a warm function must not keep old ones.
 * Those of a role are kept for as long as they are good.
 *
 * @throws RotationError `ConfigurationInvalid`, `CredentialsMissing`, and what the stores of credentials throw
 */
export async function compose(invocation: Invocation): Promise<Composition> {
  const { environment, remainingMs, onOutcome } = invocation;
  const { config, ca, ssmRegion, proxy, credentials: given } = readSettings(invocation);
  // The platform ends a function without a word. Calls are aborted before that, and a run stops before its calls are.
  const marginMs = Math.min(5_000, remainingMs / 5);
  const signal = abortAfter(remainingMs - marginMs / 2);
  const clock = systemClock;
  const deadlineAt = clock.now() + remainingMs - marginMs;
  const turns = createTurns();
  const perSecond = callsPerSecond(config.callsPerSecond);
  const limiter = createLimiter({ clock, perSecond, turn: turns.current, signal });
  const { throttled: onThrottled } = limiter;
  const log = createLog({ level: config.logLevel, ...invocation.log });

  const onAnswer = log.answeredBy("aws");
  const pace = { limiter: limiter.acquire, onThrottled };
  const secretsManager = async (region: string | undefined) =>
    awsSecretsManager({ client: await warmClient(region, proxy), clock, signal, onAnswer, onOutcome, pace });
  const { credentialsSecretId, role, storeRegion } = config;
  const awsStore = config.store === "aws" ? await secretsManager(storeRegion) : undefined;
  const anonymous = {
    ...(config.site === "intl" && { site: "intl" as const }),
    endpointUrl: config.endpointUrl,
    proxy,
    signal,
    clock,
    limiter: limiter.acquire,
    onThrottled,
    onAnswer: log.answeredBy("tencent"),
    onOutcome,
  };
  let credentials: () => Promise<TencentCredentials>;
  if (role !== undefined) {
    credentials = await roleCredentials(role, anonymous, environment);
  } else {
    const secretId = credentialsSecretId ?? "";
    const read =
      given ?? (await credentialsFromSecret(awsStore ?? (await secretsManager(undefined)), secretId));
    credentials = async () => read;
  }
  const connection = { ...anonymous, credentials };
  const probe = redisProbe({ signal, ...(ca !== undefined && { ca }) });
  const places = pLimit(PROBES);

  return {
    config,
    log,
    apart: (act) => turns.next(() => log.apart(act)),
    findSecrets: async (selection) => {
      if (config.store === "ssm") return ssmSecretList({ ...connection, region: ssmRegion })(selection);
      const client = await warmClient(storeRegion, proxy);
      return awsSecretList({ client, signal, onAnswer, onOutcome })(selection);
    },
    handOver: await handOverOf(invocation, config, connection, () => warmClient(undefined, proxy)),
    connection,
    context: {
      store: awsStore ?? tencentSsm({ ...connection, region: ssmRegion }),
      controlPlane: tencentRedisV2({ ...connection, randomBytes }, tencentRedis(connection)),
      probe: (target) => places(() => probe(target)),
      clock,
      randomBytes,
      digest,
      observe: log.observe,
      verify: config.verify,
      alternationIntervalMs: config.alternationIntervalMs,
      ...(config.passwordLength !== undefined && { passwordLength: config.passwordLength }),
      deadline: () => deadlineAt,
    },
  };
}

/** A warm function goes on with a session that is still good. */
const sessions = new Map<string, RoleSessionHolder>();

/** Asks for the credentials once before they are needed, so that a refusal is told once and not for each secret. */
async function roleCredentials(
  role: RoleConfig,
  connection: Omit<TencentConnection, "credentials">,
  environment: Invocation["environment"],
): Promise<() => Promise<TencentCredentials>> {
  const { clock, signal, site, endpointUrl, proxy } = connection;
  const key = JSON.stringify([role, site, endpointUrl]);
  const held = sessions.get(key) ?? {};
  sessions.set(key, held);
  const identityToken = awsIdentityToken({
    client: await warmClient(undefined, proxy),
    audience: role.audience,
    endpointUrl: environment.AWS_ENDPOINT_URL_STS || environment.AWS_ENDPOINT_URL || undefined,
    clock,
    signal,
  });
  const credentials = tencentRole({ ...connection, ...role, identityToken, held });
  await credentials();
  return credentials;
}
