import type { Answer } from "../lib/ports.ts";
import { type CloudInstance, type LocalCloud, startCloud } from "../test/cloud/cloud.ts";
import { secretName } from "../test/cloud/secrets.ts";
import { seededDraws } from "./draws.ts";
import { startLambda } from "./function.ts";
import { plainLoop } from "./plain-loop.ts";
import { milliseconds, printTable, quantile } from "./report.ts";

const ROUNDS = 5;
const TASK_MS = [400, 2_500] as const;
/** From the moment at which Redis takes the password to the one at which the task says that it has succeeded. */
const TAIL_MS = [50, 500] as const;

const INSTANCES: readonly CloudInstance[] = Array.from({ length: 8 }, (_, index) => ({
  instanceId: `crs-bench00${index}`,
  region: ["ap-guangzhou", "ap-singapore", "eu-frankfurt", "ap-shanghai-fsi"][index % 4] ?? "",
  tls: index % 4 === 0,
}));
const IDS = INSTANCES.map(({ instanceId }) => instanceId);

/** How long clients that read the secret get a password that no longer opens Redis, as the cloud saw it. */
export async function reportExposure(folder: string, seed: number) {
  let draw = seededDraws(seed);
  const cloud = await startCloud({
    instances: INSTANCES,
    taskDurationMs: () => draw(...TASK_MS),
    taskTailMs: () => draw(...TAIL_MS),
  });
  // All of them at a time, as the plain loop does.
  const lambda = await startLambda(folder, cloud, { ROTATION_CANARY: "0" });
  try {
    const reported: number[] = [];
    const rotation = await rounds(cloud, async () => {
      const event = { action: "rotate", secrets: IDS.map(secretName), force: true };
      const { results } = (await lambda.invoke(event)) as Answer;
      reported.push(...results.map(({ exposureMs }) => exposureMs ?? Number.NaN));
    });
    // The same tasks once more.
    draw = seededDraws(seed);
    const rotatePlainly = plainLoop(cloud);
    const plain = await rounds(cloud, () => Promise.all(IDS.map(rotatePlainly)));

    printTable(
      `Exposure window: ${rotation.length} rotations, ${IDS.length} at a time, tasks of ${TASK_MS.join("–")} ms that succeed ` +
        `${TAIL_MS.join("–")} ms after the change, seed ${seed}`,
      ["", "median", "p90", "longest"],
      [
        ["rotation, measured by the cloud", ...spread(rotation)],
        ["rotation, as the function told it", ...spread(reported)],
        ["plain loop (poll every 2 s, promote)", ...spread(plain)],
      ],
    );
    const understated = rotation.filter((truth, index) => !((reported[index] ?? Number.NaN) >= truth));
    const medianMs = quantile(rotation, 0.5);
    return { medianMs, ratio: medianMs / quantile(plain, 0.5), understated: understated.length };
  } finally {
    await lambda.close();
    await cloud.close();
  }
}

/** Rotates all instances some times over, and returns the exposure window of each rotation. */
async function rounds(cloud: LocalCloud, rotateAll: () => Promise<unknown>): Promise<number[]> {
  const windows: number[] = [];
  for (let round = 1; round <= ROUNDS; round += 1) {
    const changes = IDS.map((id) => cloud.tencentDb.passwordChanges(id));
    await rotateAll();
    for (const [index, id] of IDS.entries()) {
      const changed = cloud.tencentDb.passwordChanges(id) - (changes[index] ?? 0);
      const exposureMs = cloud.exposureMs(id);
      if (changed !== 1 || exposureMs === undefined) throw new Error(`${id} was not rotated once`);
      windows.push(exposureMs);
    }
  }
  return windows;
}

function spread(values: readonly number[]): string[] {
  return [0.5, 0.9, 1].map((share) => milliseconds(quantile(values, share)));
}
