import { createHash, randomUUID } from "node:crypto";
import { randomBytes } from "../../lib/drivers/runtime.ts";
import type { ControlPlane, RotationEvent, SecretStore } from "../../lib/ports.ts";
import type { Context } from "../../lib/rotation/context.ts";
import { createSecretsManager, type SecretsManager } from "../cloud/secrets-manager/model.ts";
import type { InstanceOptions } from "../cloud/tencentdb/instances.ts";
import { createTencentDb, type TencentDb } from "../cloud/tencentdb/model.ts";
import { createVirtualClock, type VirtualClock } from "../fakes/clock.ts";
import { createFakeControlPlane } from "../fakes/control-plane.ts";
import { createFakeRedis, type FakeRedis } from "../fakes/probe.ts";
import { createFakeSecretStore, type FakeSecretStoreOptions } from "../fakes/secret-store.ts";

export const NAME = "redis/orders";
export const INSTANCE = { instanceId: "crs-5a4py64p", region: "ap-guangzhou", wanIp: "10.0.0.5", port: 6379 };
export const ACCOUNT = { ...INSTANCE, username: "default", api: "ResetPassword" } as const;
/** Within the rules of every API. */
export const FIRST_PASSWORD = "firstPassword001";
export const DAY_MS = 86_400_000;
const FUNCTION_ARN = "arn:aws:lambda:us-east-1:123456789012:function:rotation";

export interface RigOptions {
  readonly instance?: Partial<InstanceOptions>;
  /** Further fields of the secret's JSON; `undefined` leaves one out. */
  readonly secret?: Readonly<Record<string, unknown>>;
  readonly context?: Partial<Context>;
  readonly storeAt?: FakeSecretStoreOptions["at"];
  readonly taskDurationMs?: number;
  readonly taskTailMs?: number;
  /** How old the first version is. Default 40 days. */
  readonly ageMs?: number;
  readonly remainingMs?: number;
}

export interface Rig {
  readonly context: Context;
  readonly clock: VirtualClock;
  readonly tencentDb: TencentDb;
  readonly secretsManager: SecretsManager;
  readonly redis: FakeRedis;
  readonly store: SecretStore;
  readonly controlPlane: ControlPlane;
  readonly events: readonly RotationEvent[];
  /** The same world in another run: with its own time to live, and whatever else differs. */
  run(changes?: Partial<Context>, remainingMs?: number): Context;
  /** The id of the version that carries the label. */
  at(label: "AWSPENDING" | "AWSCURRENT" | "AWSPREVIOUS"): string | undefined;
  passwordAt(label: "AWSPENDING" | "AWSCURRENT" | "AWSPREVIOUS"): string | undefined;
  textAt(label: "AWSPENDING" | "AWSCURRENT" | "AWSPREVIOUS"): string | undefined;
  /** Whether the password opens the account; default: the default one. */
  opens(password: string | undefined, account?: string): boolean;
  /** Starts a managed rotation: an empty version under AWSPENDING. Returns its token. */
  startManaged(immediately?: boolean): string;
  putPending(fields: Readonly<Record<string, unknown>>, token?: string): string;
  calls(action: string): number;
}

/** One secret and one instance in memory, in virtual time: a rotation of nine seconds takes none. */
export function createRig(options: RigOptions = {}): Rig {
  const clock = createVirtualClock({ autoAdvance: true });
  const instance = { ...INSTANCE, password: FIRST_PASSWORD, ...options.instance };
  const redis = createFakeRedis([
    instance,
    { instanceId: "somebody-else", wanIp: "10.0.0.77", port: instance.port, password: "another-password-1" },
  ]);
  const { taskDurationMs = 9_000, taskTailMs = 500 } = options;
  const tencentDb = createTencentDb({
    clock,
    instances: [instance],
    setPassword: redis.setPassword,
    taskDurationMs,
    taskTailMs,
  });
  const value = {
    engine: "tencentdb-redis",
    region: instance.region,
    instanceId: instance.instanceId,
    host: instance.wanIp,
    port: instance.port,
    password: FIRST_PASSWORD,
    team: { name: "orders", pager: 7 },
    ...options.secret,
  };
  let { ageMs = 40 * DAY_MS } = options;
  const born = { now: () => clock.now() - ageMs, sleep: clock.sleep };
  const secretsManager = createSecretsManager({ clock: born, newId: randomUUID });
  secretsManager.call("CreateSecret", {
    Name: NAME,
    SecretString: JSON.stringify(value),
    ClientRequestToken: randomUUID(),
  });
  secretsManager.registerFunction(FUNCTION_ARN, () => {});
  ageMs = 0;

  const events: RotationEvent[] = [];
  const store = createFakeSecretStore({ secretsManager, ...(options.storeAt && { at: options.storeAt }) });
  const controlPlane = createFakeControlPlane({ model: tencentDb, clock });
  const deadlineIn = (remainingMs: number) => {
    const deadlineAt = clock.now() + remainingMs;
    return () => deadlineAt;
  };
  const run: Rig["run"] = (changes = {}, remainingMs = options.remainingMs ?? 900_000) => ({
    store,
    controlPlane,
    probe: redis.probe,
    clock,
    randomBytes,
    digest: (text) => createHash("sha256").update(text).digest("hex"),
    observe: (event) => events.push(event),
    verify: "auth",
    deadline: deadlineIn(remainingMs),
    ...options.context,
    ...changes,
  });
  const version = (label: string) =>
    secretsManager.inspect(NAME).versions.find(({ stages }) => stages.includes(label));

  return {
    context: run(),
    clock,
    tencentDb,
    secretsManager,
    redis,
    store,
    controlPlane,
    events,
    run,
    at: (label) => version(label)?.versionId,
    passwordAt(label) {
      const text = version(label)?.content?.SecretString;
      return text === undefined ? undefined : JSON.parse(text).password;
    },
    textAt: (label) => version(label)?.content?.SecretString,
    opens: (password, account) =>
      password !== undefined && redis.opens(instance.instanceId, password, account),
    startManaged(immediately = true) {
      const token = randomUUID();
      secretsManager.call("RotateSecret", {
        SecretId: NAME,
        ClientRequestToken: token,
        RotationLambdaARN: FUNCTION_ARN,
        RotationRules: { AutomaticallyAfterDays: 30 },
        RotateImmediately: immediately,
      });
      return token;
    },
    putPending(fields, token = randomUUID()) {
      secretsManager.call("PutSecretValue", {
        SecretId: NAME,
        ClientRequestToken: token,
        SecretString: JSON.stringify({ ...value, ...fields }),
        VersionStages: ["AWSPENDING"],
      });
      return token;
    },
    calls: (action) =>
      tencentDb.calls.filter((call) => call.action === action).length +
      secretsManager.calls.filter((call) => call.action === action).length,
  };
}
