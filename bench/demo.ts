/** Rotates real redis-servers through the built bundles in a local cloud, and shows what came of it. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import Table from "cli-table3";
import { Listr } from "listr2";
import { buildAll } from "../build.ts";
import { redisProbe } from "../lib/drivers/redis-probe.ts";
import type { Answer, SecretValue } from "../lib/ports.ts";
import { parseSecretValue } from "../lib/secret-value.ts";
import { rotateSecretNow, secretName, startCloud } from "../test/cloud/cloud.ts";
import { startFunction } from "../test/cloud/function-process.ts";
import { DEMO_FLEET } from "./demo-fleet.ts";
import { describeLine, trackSecrets } from "./demo-progress.ts";

const BY_STEPS = "crs-5a4py64p";
const PROVEN = "old password refused, new accepted";
/** Of alternating users. */
const BOTH_PROVEN = "old account untouched, new accepted";

await buildAll();
const cloud = await startCloud({
  instances: DEMO_FLEET,
  taskDurationMs: () => 3_000 + Math.random() * 6_000,
});
const tracker = trackSecrets();
const lambda = await startFunction({
  bundle: resolve("dist/lambda/index.js"),
  exported: "handler",
  environment: cloud.environment,
  onLog: tracker.onLog,
});
try {
  const rows = [...(await rotateFleet()), await rotateBySteps()];
  console.log(tableOf(rows));
  const good = rows.filter(({ proof }) => proof === PROVEN).length;
  const both = rows.filter(({ proof }) => proof === BOTH_PROVEN).length;
  console.log(`${good + both} of ${rows.length} rotations proven: ${good} ${PROVEN}; ${both} ${BOTH_PROVEN}`);
  process.exitCode = good + both === rows.length ? 0 : 1;
} finally {
  await lambda.close();
  await cloud.close();
}

interface Row {
  readonly instanceId: string;
  readonly by: string;
  readonly how: string;
  readonly taskId: number | undefined;
  readonly totalMs: number;
  readonly exposureMs: number | undefined;
  readonly proof: string;
}

/** All at once, as EventBridge's schedule has it. */
async function rotateFleet(): Promise<Row[]> {
  const before = new Map(DEMO_FLEET.map(({ instanceId }) => [instanceId, currentValue(instanceId)]));
  const run = lambda.invoke({ source: "aws.events", "detail-type": "Scheduled Event" }) as Promise<Answer>;
  await showProgress(
    "A scheduled event rotates the fleet",
    DEMO_FLEET.map(({ instanceId }) => instanceId),
    run,
  );
  const { results } = await run;
  return Promise.all(
    results.map(async (result, index) => {
      const instanceId = result.instanceId ?? DEMO_FLEET[index]?.instanceId ?? "";
      return rowOf(instanceId, "schedule", result.durationMs, before.get(instanceId));
    }),
  );
}

/** One more time for one of them, as RotateSecret has it. */
async function rotateBySteps(): Promise<Row> {
  const engine = cloud.connectFunction(async (event) => void (await lambda.invoke(event)), []);
  const before = currentValue(BY_STEPS);
  const startedAt = Date.now();
  rotateSecretNow(cloud, secretName(BY_STEPS));
  const run = engine.ended(secretName(BY_STEPS));
  await showProgress("Secrets Manager rotates one of them in four steps", [BY_STEPS], run);
  const { result } = await run;
  if (result !== "complete") console.error(`Secrets Manager calls the rotation ${result}`);
  return rowOf(BY_STEPS, "4 steps", Date.now() - startedAt, before);
}

async function showProgress(
  title: string,
  instanceIds: readonly string[],
  run: Promise<unknown>,
): Promise<void> {
  console.log(`\n${title}\n`);
  const tasks = instanceIds.map((instanceId) => ({
    title: instanceId,
    task: (_: unknown, task: { title: string }) =>
      tracker.follow(
        secretName(instanceId),
        (line) => {
          task.title = `${instanceId}  ${describeLine(line)}`;
        },
        run,
      ),
  }));
  await new Listr(tasks, { concurrent: true, exitOnError: false }).run();
}

async function rowOf(
  instanceId: string,
  by: string,
  totalMs: number,
  before: SecretValue | undefined,
): Promise<Row> {
  const now = currentValue(instanceId);
  const isAlternation = now.username !== before?.username;
  return {
    instanceId,
    by,
    how: isAlternation ? "alternating users" : now.api,
    taskId: cloud.newestTaskId(instanceId),
    totalMs,
    exposureMs: isAlternation ? 0 : cloud.exposureMs(instanceId),
    proof: await prove(before, now),
  };
}

/** Asks the real Redis, past everything that the function says of itself. */
async function prove(before: SecretValue | undefined, now: SecretValue): Promise<string> {
  const probe = redisProbe({ ca: readFileSync(cloud.environment.REDIS_CA_BUNDLE ?? "", "utf8") });
  const ask = async ({ host = "", port = 0, ...value }: SecretValue) =>
    (await probe({ ...value, host, port })).answer;
  if (before === undefined) return "no version before";
  const [old, current] = await Promise.all([ask(before), ask(now)]);
  if (before.username === now.username) return `old password ${past(old)}, new ${current}`;
  return `old account ${old === "accepted" ? "untouched" : old}, new ${current}`;
}

function past(answer: string): string {
  return answer === "rejected" ? "refused" : answer;
}

function currentValue(instanceId: string): SecretValue {
  const { versions } = cloud.secretsManager.inspect(secretName(instanceId));
  const current = versions.find(({ stages }) => stages.includes("AWSCURRENT"));
  return parseSecretValue(current?.content?.SecretString ?? "{}", instanceId);
}

function tableOf(rows: readonly Row[]): string {
  const table = new Table({
    head: ["instance", "region", "endpoints", "by", "how", "TaskId", "total", "exposure", "proof"],
  });
  for (const { instanceId, by, how, taskId, totalMs, exposureMs, proof } of rows) {
    const { region } = cloud.tencentDb.instance(instanceId);
    const hosts = new Set(
      cloud.tencentDb.calls.filter((call) => call.instanceId === instanceId).map(({ host }) => host),
    );
    table.push([
      instanceId,
      region,
      [...hosts].join("\n"),
      by,
      how,
      taskId ?? "",
      `${(totalMs / 1000).toFixed(1)} s`,
      exposureMs === undefined ? "" : `${Math.round(exposureMs)} ms`,
      proof,
    ]);
  }
  return table.toString();
}
