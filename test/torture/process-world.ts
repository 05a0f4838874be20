/** A local cloud with one secret, and functions in processes of their own that live and die in it. */
import { randomBytes, randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildAll } from "../../build.ts";
import { redisProbe } from "../../lib/drivers/redis-probe.ts";
import { type LocalCloud, rotateSecretNow, startCloud } from "../cloud/cloud.ts";
import { type FunctionProcess, startFunction } from "../cloud/function-process.ts";
import { secretName } from "../cloud/secrets.ts";
import type { RotationEngine } from "../cloud/secrets-manager/rotation-engine.ts";
import type { CallWatcher } from "../cloud/watched-call.ts";

export const SCHEDULE = { source: "aws.events", "detail-type": "Scheduled Event" };

const INSTANCE_ID = "crs-5a4py64p";
export const SECRET = secretName(INSTANCE_ID);
const UNKNOWN_FIELDS = { team: { name: "orders", pager: 7 } };
const TASK = { taskDurationMs: 500, taskTailMs: 150 };

export interface Bundles {
  /** Of the bundle for the platform. */
  path(platform: "lambda" | "scf"): string;
  remove(): Promise<void>;
}

export async function buildBundles(): Promise<Bundles> {
  const directory = await mkdtemp(join(tmpdir(), "bundles-"));
  await buildAll(directory);
  return {
    path: (platform) => join(directory, platform, "index.js"),
    remove: () => rm(directory, { recursive: true, force: true }),
  };
}

export interface World {
  readonly cloud: LocalCloud;
  /** A function that nobody shares: for a second run beside the first. */
  start(): Promise<FunctionProcess>;
  /** One invocation of the function, which is started anew where it was killed. */
  invoke(event: unknown): Promise<unknown>;
  /** SIGKILL, and the wait until the process is gone. */
  kill(): Promise<void>;
  /** RotateSecret, until Secrets Manager has called the function to the end of all its retries. */
  rotateManaged(): Promise<Awaited<ReturnType<RotationEngine["ended"]>>["result"]>;
  /** Gives Redis a password that stands in no version. */
  changeByHand(): Promise<string>;
  /** Makes a second password current, in Redis and in the secret manager, so that there is one to go back to. */
  addVersion(): Promise<void>;
  passwordAt(stage: Stage): string | undefined;
  /** Whether a version with a label has the password that opens Redis: one without may vanish. */
  isOpenerReadable(): Promise<boolean>;
  /** What keeps the secret from being settled: nothing, where `current` opens Redis and nothing is under way. */
  flaws(expected: { readonly passwordsSent: number }): Promise<readonly string[]>;
  close(): Promise<void>;
}

type Stage = "AWSCURRENT" | "AWSPENDING" | "AWSPREVIOUS";

/** Waits before Secrets Manager's retries: two, as many as a rotation may need. */
const RETRY_AFTER_MS = [20, 20];

export interface WorldOptions {
  readonly onCall?: CallWatcher;
  /** Whose bundle runs. Default `lambda`. */
  readonly platform?: "lambda" | "scf";
}

export async function createWorld(bundles: Bundles, options: WorldOptions = {}): Promise<World> {
  const { onCall, platform = "lambda" } = options;
  const cloud = await startCloud({
    instances: [{ instanceId: INSTANCE_ID, region: "ap-guangzhou", secretFields: UNKNOWN_FIELDS }],
    ...TASK,
    ...(onCall && { onCall }),
  });
  const functions: FunctionProcess[] = [];
  let shared: FunctionProcess | undefined;

  const start: World["start"] = async () => {
    const started = await startFunction({
      bundle: bundles.path(platform),
      exported: platform === "lambda" ? "handler" : "main_handler",
      environment: {
        ...cloud.environment,
        LOG_LEVEL: "silent",
        AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true",
      },
    });
    functions.push(started);
    return started;
  };
  const invoke: World["invoke"] = async (event) => {
    shared ??= await start();
    return shared.invoke(event);
  };
  const engine = cloud.connectFunction(async (event) => void (await invoke(event)), RETRY_AFTER_MS);

  const versions = () =>
    cloud.secretsManager.inspect(SECRET).versions.map(({ stages, content }) => ({
      stages,
      value: content?.SecretString === undefined ? undefined : JSON.parse(content.SecretString),
    }));
  const at = (stage: Stage) => versions().find(({ stages }) => stages.includes(stage));
  const first = at("AWSCURRENT")?.value;
  const probe = redisProbe();
  const opens: (password: unknown) => Promise<boolean> = async (password) => {
    const server = cloud.redis.get(INSTANCE_ID);
    if (typeof password !== "string" || server === undefined) return false;
    const { host, port } = server;
    const verdict = await probe({ host, port, ssl: false, username: "default", password });
    if (verdict.answer === "unknown") throw new Error(`Redis could not be asked: ${verdict.reason}`);
    return verdict.answer === "accepted";
  };

  const changeByHand: World["changeByHand"] = async () => {
    const password = randomBytes(12).toString("hex");
    await cloud.redis.get(INSTANCE_ID)?.setPassword(password);
    return password;
  };

  return {
    cloud,
    start,
    invoke,
    async kill() {
      const victim = shared;
      shared = undefined;
      if (victim !== undefined) await killed(victim);
    },
    async rotateManaged() {
      rotateSecretNow(cloud, SECRET);
      return (await engine.ended(SECRET)).result;
    },
    changeByHand,
    async addVersion() {
      const password = await changeByHand();
      cloud.secretsManager.call("PutSecretValue", {
        SecretId: SECRET,
        ClientRequestToken: randomUUID(),
        SecretString: JSON.stringify({ ...first, password }),
      });
    },
    passwordAt: (stage) => at(stage)?.value?.password,
    async isOpenerReadable() {
      const labelled = versions().filter(({ stages }) => stages.length > 0);
      const opened = await Promise.all(labelled.map(({ value }) => opens(value?.password)));
      return opened.includes(true);
    },
    async flaws({ passwordsSent }) {
      const { password, ...rest } = at("AWSCURRENT")?.value ?? {};
      const { password: _, ...firstRest } = first;
      const { distinct } = cloud.tencentDb.passwordsSent(INSTANCE_ID);
      return [
        !(await opens(password)) && "the current password does not open Redis",
        (await opens(at("AWSPREVIOUS")?.value?.password)) && "the previous password opens Redis",
        at("AWSPENDING") !== undefined && "a version is pending",
        JSON.stringify(rest) !== JSON.stringify(firstRest) && "a field of the secret is lost or changed",
        distinct !== passwordsSent && `${distinct} passwords were sent instead of ${passwordsSent}`,
      ].filter((flaw) => flaw !== false);
    },
    async close() {
      await Promise.all(functions.map(killed));
      await cloud.close();
    },
  };
}

async function killed({ process }: FunctionProcess): Promise<void> {
  if (process.exitCode !== null || process.signalCode !== null) return;
  const gone = new Promise((resolve) => process.once("exit", resolve));
  process.kill("SIGKILL");
  await gone;
}
