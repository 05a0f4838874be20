import { resolve } from "node:path";
import type { Answer } from "../lib/ports.ts";
import { type LocalCloud, rotateSecretNow, startCloud } from "../test/cloud/cloud.ts";
import { type FunctionProcess, startFunction } from "../test/cloud/function-process.ts";
import { DEMO_FLEET, taskDurationMs } from "./demo-fleet.ts";
import { showProgress, type Tracker, trackSecrets } from "./demo-progress.ts";
import { printRows, type Row, readAll, rowOf, rowsOf } from "./demo-rows.ts";
import { QUIET } from "./function.ts";

const BY_STEPS = "crs-5a4py64p";

/** Lambda and Secrets Manager: a schedule for the whole fleet, then the four steps for one of it. */
export async function demonstrateAws(): Promise<boolean> {
  const cloud = await startCloud({ instances: DEMO_FLEET, taskDurationMs });
  const tracker = trackSecrets();
  const lambda = await startFunction({
    bundle: resolve("dist/lambda/index.js"),
    exported: "handler",
    environment: { ...cloud.environment, ...QUIET },
    onLog: tracker.onLog,
  });
  try {
    const rows = await rotateFleet(cloud, lambda, tracker);
    return printRows([...rows, await rotateBySteps(cloud, lambda, tracker)]);
  } finally {
    await lambda.close();
    await cloud.close();
  }
}

/** The whole fleet, as EventBridge's schedule has it. */
async function rotateFleet(cloud: LocalCloud, lambda: FunctionProcess, tracker: Tracker): Promise<Row[]> {
  const ids = DEMO_FLEET.map(({ instanceId }) => instanceId);
  const before = readAll(cloud, ids);
  const run = lambda.invoke({ source: "aws.events", "detail-type": "Scheduled Event" }) as Promise<Answer>;
  await showProgress(cloud, tracker, "AWS: a scheduled event rotates the fleet", ids, run);
  return rowsOf(cloud, "schedule", before, await run);
}

/** One more time for one of them, as RotateSecret has it. */
async function rotateBySteps(cloud: LocalCloud, lambda: FunctionProcess, tracker: Tracker): Promise<Row> {
  const engine = cloud.connectFunction(async (event) => void (await lambda.invoke(event)), []);
  const before = readAll(cloud, [BY_STEPS]);
  const name = cloud.secrets.name(BY_STEPS);
  const startedAt = Date.now();
  rotateSecretNow(cloud, name);
  const run = engine.ended(name);
  const title = "AWS: Secrets Manager rotates one of them in four steps";
  await showProgress(cloud, tracker, title, [BY_STEPS], run);
  const { result } = await run;
  if (result !== "complete") console.error(`Secrets Manager calls the rotation ${result}`);
  return rowOf(cloud, { instanceId: BY_STEPS, by: "4 steps", totalMs: Date.now() - startedAt, before });
}
