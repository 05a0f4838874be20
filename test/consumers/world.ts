import { setTimeout as sleep } from "node:timers/promises";
import { Redis } from "iovalkey";
import type { TestContext } from "vitest";
import type { StoreKind } from "../../lib/config.ts";
import type { Answer, SecretResult } from "../../lib/ports.ts";
import { type CloudInstance, startCloud } from "../cloud/cloud.ts";
import type { CallMoment } from "../cloud/watched-call.ts";
import { onlyResult, QUIET, startBuilt } from "../integration/world.ts";
import { type ClientProcess, startClient } from "./client-process.ts";
import { startSecretsAgent } from "./secrets-agent.ts";

const INSTANCE: CloudInstance = { instanceId: "crs-5a4py64p", region: "ap-guangzhou" };

/** What the instance's secret says. */
export const SECRETS = {
  oneAccount: INSTANCE,
  twoUsers: {
    ...INSTANCE,
    accounts: [{ name: "app_a" }, { name: "app_b" }],
    secretFields: { username: "app_a", usernames: ["app_a", "app_b"] },
  },
} as const;

export interface ConsumerWorld {
  readonly client: ClientProcess;
  /** With the change of the password all connections are lost, and the secret names it `exposureMs` later. */
  rotate(): Promise<SecretResult>;
  /** Closes all connections of clients. */
  loseConnections(): Promise<void>;
  /** As the cloud saw it last. */
  exposureMs(): number | undefined;
}

/** A local cloud with one instance, the built function, and a client that is at work. All end with the test. */
export async function startWorld(options: {
  readonly command: readonly string[];
  readonly secret: keyof typeof SECRETS;
  readonly store: StoreKind;
  readonly exposureMs: number;
  readonly onTestFinished: TestContext["onTestFinished"];
}): Promise<ConsumerWorld> {
  const { command, store, exposureMs, onTestFinished } = options;
  const instance = SECRETS[options.secret];
  const { instanceId } = instance;
  const promotion = store === "aws" ? "UpdateSecretVersionStage" : "UpdateSecret";
  let promotedFor: number | undefined;
  const cloud = await startCloud({
    instances: [instance],
    store,
    taskDurationMs: 300,
    taskTailMs: 50,
    async onCall({ action, when }: CallMoment) {
      const changedAt = cloud.tencentDb.passwordChangedAt(instanceId);
      if (action === promotion && when === "before" && changedAt !== promotedFor) {
        promotedFor = changedAt;
        await loseConnections();
        await sleep(exposureMs);
      }
      return true;
    },
  });
  onTestFinished(() => cloud.close());

  const { username, password } = JSON.parse(cloud.secrets.currentText(instanceId));
  const admin = new Redis({
    host: "127.0.0.1",
    port: cloud.redis.get(instanceId)?.port ?? 0,
    password: username === "default" ? password : `${username}@${password}`,
  });
  onTestFinished(() => admin.disconnect());
  const loseConnections = async () => {
    const lost = await admin.call("CLIENT", "KILL", "USER", "default", "SKIPME", "yes");
    if (lost === 0) throw new Error("There was no connection to lose");
  };

  const rotation = await startBuilt(store === "aws" ? "lambda" : "scf", {
    ...cloud.environment,
    ALTERNATION_INTERVAL_MINUTES: "0",
  });
  onTestFinished(() => rotation.close());
  const agent = await startSecretsAgent(() => cloud.secrets.currentText(instanceId));
  onTestFinished(() => agent.close());
  const client = startClient(command, {
    ...QUIET,
    ...cloud.environment,
    ...agent.environment,
    SECRET_NAME: cloud.secrets.name(instanceId),
  });
  onTestFinished(async () => void (await client.end()));
  await client.more("done", 20);
  return {
    client,
    loseConnections,
    rotate: async () => onlyResult((await rotation.invoke(ROTATE)) as Answer),
    exposureMs: () => cloud.exposureMs(instanceId),
  };
}

const ROTATE = { action: "rotate", force: true };
