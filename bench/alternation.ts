import { GetSecretValueCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { redisProbe } from "../lib/drivers/redis-probe.ts";
import { systemClock } from "../lib/drivers/runtime.ts";
import type { Answer } from "../lib/ports.ts";
import { parseSecretValue } from "../lib/secret-value.ts";
import { type CloudInstance, type LocalCloud, startCloud } from "../test/cloud/cloud.ts";
import type { FunctionProcess } from "../test/cloud/function-process.ts";
import { secretName } from "../test/cloud/secrets.ts";
import { startLambda } from "./function.ts";
import { milliseconds, printTable, quantile } from "./report.ts";

const ROTATIONS = 100;
const CLIENT_EVERY_MS = 20;

const SINGLE: CloudInstance = { instanceId: "crs-single01", region: "ap-guangzhou" };
const PAIR: CloudInstance = {
  instanceId: "crs-pair0001",
  region: "ap-guangzhou",
  accounts: [{ name: "app_a" }],
  secretFields: { username: "app_a", usernames: ["app_a", "app_b"] },
};

/** What a client meets that reads the secret and opens a new connection every 20 ms, all through a hundred rotations. */
export async function reportAlternation(folder: string, rotations = ROTATIONS) {
  const cloud = await startCloud({
    instances: [SINGLE, PAIR],
    taskDurationMs: 250,
    taskTailMs: 50,
  });
  const lambda = await startLambda(folder, cloud, { ALTERNATION_INTERVAL_MINUTES: "0" });
  try {
    const [single, pair] = await Promise.all(
      [SINGLE, PAIR].map(({ instanceId }) => watchRotations(cloud, lambda, instanceId, rotations)),
    );
    if (single === undefined || pair === undefined) throw new Error("A rotation was not watched");
    const row = ({ connections, refused, exposures }: Watched) => [
      connections,
      refused,
      exposures.length === 0 ? "none" : milliseconds(quantile(exposures, 0.5)),
      exposures.length === 0 ? "none" : milliseconds(quantile(exposures, 1)),
    ];
    printTable(
      `A client reads the secret and opens a new connection every ${CLIENT_EVERY_MS} ms, through ${rotations} rotations`,
      ["", "connections", "refused", "median exposure", "longest"],
      [
        ["single account, ResetPassword", ...row(single)],
        ["alternating users", ...row(pair)],
      ],
    );
    return { refused: pair.refused, connections: pair.connections };
  } finally {
    await lambda.close();
    await cloud.close();
  }
}

interface Watched {
  readonly connections: number;
  readonly refused: number;
  /** By the cloud's clock; of the single account alone. */
  readonly exposures: readonly number[];
}

async function watchRotations(
  cloud: LocalCloud,
  lambda: FunctionProcess,
  instanceId: string,
  rotations: number,
): Promise<Watched> {
  const client = startClient(cloud, secretName(instanceId));
  const exposures: number[] = [];
  try {
    for (let rotation = 1; rotation <= rotations; rotation += 1) {
      const event = { action: "rotate", secrets: [secretName(instanceId)], force: true };
      const { results } = (await lambda.invoke(event)) as Answer;
      const [result] = results;
      if (result?.status !== "rotated") throw new Error(`${instanceId}: ${result?.error?.message}`);
      const exposureMs = cloud.exposureMs(instanceId);
      if (result.exposureMs !== 0 && exposureMs !== undefined) exposures.push(exposureMs);
    }
  } finally {
    await client.stop();
  }
  return { ...client.seen, exposures };
}

/** An application that trusts the secret and nothing else. */
function startClient(cloud: LocalCloud, name: string) {
  const { environment } = cloud;
  const secretsManager = new SecretsManagerClient({
    region: environment.AWS_REGION ?? "",
    endpoint: environment.AWS_ENDPOINT_URL_SECRETS_MANAGER ?? "",
    credentials: {
      accessKeyId: environment.AWS_ACCESS_KEY_ID ?? "",
      secretAccessKey: environment.AWS_SECRET_ACCESS_KEY ?? "",
    },
  });
  const probe = redisProbe();
  const seen = { connections: 0, refused: 0 };
  let isStopped = false;

  async function connect(): Promise<void> {
    const { SecretString = "" } = await secretsManager.send(new GetSecretValueCommand({ SecretId: name }));
    const { host = "", port = 0, ...value } = parseSecretValue(SecretString, name);
    const { answer } = await probe({ ...value, host, port });
    seen.connections += 1;
    if (answer !== "accepted") seen.refused += 1;
  }

  const running = (async () => {
    const open = new Set<Promise<void>>();
    while (!isStopped) {
      const connection = connect().finally(() => open.delete(connection));
      open.add(connection);
      await systemClock.sleep(CLIENT_EVERY_MS);
    }
    await Promise.all(open);
  })();
  return {
    seen,
    async stop() {
      isStopped = true;
      await running;
      secretsManager.destroy();
    },
  };
}
