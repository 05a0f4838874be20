import { type LocalCloud, rotateSecretNow, startCloud } from "../test/cloud/cloud.ts";
import { secretName } from "../test/cloud/secrets.ts";
import { startLambda } from "./function.ts";
import { printTable } from "./report.ts";

const DRIVEN = "crs-bench008";
const MANAGED = "crs-bench009";
const TASK_MS = 2_000;

/** What one rotation asks of both clouds, run by the function itself and called step by step. */
export async function reportCalls(folder: string): Promise<void> {
  const instances = [DRIVEN, MANAGED].map((instanceId) => ({ instanceId, region: "ap-guangzhou" }));
  const cloud = await startCloud({ instances, taskDurationMs: TASK_MS, taskTailMs: 200 });
  const lambda = await startLambda(folder, cloud);
  try {
    const driven = await countCalls(cloud, () =>
      lambda.invoke({ action: "rotate", secrets: [secretName(DRIVEN)] }),
    );
    const engine = cloud.connectFunction(async (event) => void (await lambda.invoke(event)), []);
    const managed = await countCalls(cloud, async () => {
      rotateSecretNow(cloud, secretName(MANAGED));
      const { result } = await engine.ended(secretName(MANAGED));
      if (result !== "complete") throw new Error(`The managed rotation is ${result}`);
    });
    managed.delete("RotateSecret");

    const names = [...new Set([...driven.keys(), ...managed.keys()])].sort();
    const total = (calls: ReadonlyMap<string, number>) => [...calls.values()].reduce((a, b) => a + b, 0);
    printTable(
      `Calls a rotation, with a task of ${TASK_MS} ms`,
      ["action", "driven", "managed"],
      [
        ...names.map((name) => [name, driven.get(name) ?? 0, managed.get(name) ?? 0]),
        ["all", total(driven), total(managed)],
      ],
    );
  } finally {
    await lambda.close();
    await cloud.close();
  }
}

async function countCalls(cloud: LocalCloud, act: () => Promise<unknown>): Promise<Map<string, number>> {
  const before = [cloud.tencentDb.calls.length, cloud.secretsManager.calls.length];
  await act();
  const counts = new Map<string, number>();
  const made = [...cloud.tencentDb.calls.slice(before[0]), ...cloud.secretsManager.calls.slice(before[1])];
  for (const { action } of made) counts.set(action, (counts.get(action) ?? 0) + 1);
  return counts;
}
