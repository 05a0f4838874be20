import { resolve } from "node:path";
import type { Answer } from "../lib/ports.ts";
import { type LocalCloud, startCloud } from "../test/cloud/cloud.ts";
import { startScfFunction } from "../test/cloud/scf/harness.ts";
import { DEMO_FLEET, taskDurationMs } from "./demo-fleet.ts";
import { showProgress, trackSecrets } from "./demo-progress.ts";
import { printRows, readAll, rowsOf } from "./demo-rows.ts";
import { QUIET } from "./function.ts";

/** SCF and SSM, and nothing of AWS: a timer for the whole fleet, with the credentials of the function's role. */
export async function demonstrateTencent(): Promise<boolean> {
  const cloud = await startCloud({ instances: DEMO_FLEET, taskDurationMs, store: "ssm" });
  const tracker = trackSecrets();
  const scf = await startScfFunction({
    code: resolve("dist/scf"),
    variables: { ...QUIET, ...variablesOf(cloud) },
    role: () => ({
      secretId: cloud.environment.TENCENTCLOUD_SECRET_ID ?? "",
      secretKey: cloud.environment.TENCENTCLOUD_SECRET_KEY ?? "",
    }),
    onLog: tracker.onLog,
  });
  try {
    const ids = DEMO_FLEET.map(({ instanceId }) => instanceId);
    const before = readAll(cloud, ids);
    const run = scf.ring();
    await showProgress(cloud, tracker, "Tencent Cloud: a timer of SCF rotates the fleet in SSM", ids, run);
    const executions = await run;
    const answer = executions.at(-1)?.answer as Answer | undefined;
    if (answer === undefined) throw new Error(`The function failed: ${executions.at(-1)?.errorMessage}`);
    return printRows(await rowsOf(cloud, "timer", before, answer));
  } finally {
    await scf.close();
    await cloud.close();
  }
}

/** What an owner sets on SCF, which keeps the prefix TENCENTCLOUD_ for itself. */
function variablesOf({ environment }: LocalCloud): Record<string, string> {
  const { TENCENTCLOUD_ENDPOINT_URL = "", ROTATION_SECRETS = "", REDIS_CA_BUNDLE = "" } = environment;
  return { TENCENT_ENDPOINT_URL: TENCENTCLOUD_ENDPOINT_URL, ROTATION_SECRETS, REDIS_CA_BUNDLE };
}
