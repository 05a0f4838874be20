import type { Answer } from "../lib/ports.ts";
import { type CloudInstance, startCloud } from "../test/cloud/cloud.ts";
import { boundSeconds, TASK_MS } from "./fleet-figures.ts";
import { startLambda } from "./function.ts";
import { milliseconds, printTable, quantile } from "./report.ts";

const SIZE = 60;
/** From the moment at which Redis takes the password to the one at which the task says that it has succeeded. */
const TAIL_MS = 300;

/** A small fleet in real time: real redis-servers, the built function, signed requests, and both clouds' limits. */
export async function reportRealFleet(folder: string): Promise<{ readonly ratio: number }> {
  const instances: CloudInstance[] = Array.from({ length: SIZE }, (_, index) => ({
    instanceId: `crs-fleet${String(index).padStart(3, "0")}`,
    region: "ap-guangzhou",
  }));
  const cloud = await startCloud({ instances, taskDurationMs: TASK_MS, taskTailMs: TAIL_MS });
  const fleet = { ROTATION_SECRETS: "", ROTATION_PREFIX: "redis/", ROTATION_CANARY: "0" };
  const lambda = await startLambda(folder, cloud, fleet);
  try {
    const startedAt = performance.now();
    const { summary } = (await lambda.invoke({ action: "rotate" })) as Answer;
    const seconds = (performance.now() - startedAt) / 1_000;
    if (summary.rotated !== SIZE) throw new Error(`Only ${summary.rotated} of ${SIZE} were rotated`);
    const bound = boundSeconds(SIZE, "aws");
    const windows = instances.map(({ instanceId }) => cloud.exposureMs(instanceId) ?? Number.NaN);
    printTable(
      `${SIZE} real redis-servers, tasks of ${TASK_MS} ms, Secrets Manager, the built function in one process`,
      ["took", "bound", "share", "median exposure", "longest", "memory"],
      [
        [
          `${seconds.toFixed(1)} s`,
          `${bound.toFixed(1)} s`,
          (seconds / bound).toFixed(2),
          milliseconds(quantile(windows, 0.5)),
          milliseconds(quantile(windows, 1)),
          `${(lambda.peakKilobytes / 1_024).toFixed(0)} MB`,
        ],
      ],
    );
    return { ratio: seconds / bound };
  } finally {
    await lambda.close();
    await cloud.close();
  }
}
