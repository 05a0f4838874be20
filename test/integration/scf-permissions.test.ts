import { dirname } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Answer } from "../../lib/ports.ts";
import { type CloudInstance, type LocalCloud, startCloud } from "../cloud/cloud.ts";
import { type ScfFunction, startScfFunction } from "../cloud/scf/harness.ts";
import { actionsGranted, readPolicy } from "../deploy/cam-policy.ts";
import { built, QUIET } from "./world.ts";

const region = "ap-guangzhou";
const INSTANCES: readonly CloudInstance[] = [
  { instanceId: "crs-default1", region, secretFields: { host: undefined, port: undefined } },
  { instanceId: "crs-oldpass1", region, secretFields: { api: "ModifyInstancePassword" } },
  { instanceId: "crs-legacy20", region, secretFields: { api: "ModfiyRedisPassword" } },
  {
    instanceId: "crs-twouser1",
    region,
    accounts: [{ name: "app_a" }],
    secretFields: { username: "app_a", usernames: ["app_a", "app_b"] },
  },
];
/** So many that SSM's versions have to be collected. */
const ROTATIONS = 6;

let cloud: LocalCloud;
let scf: ScfFunction;
beforeAll(async () => {
  cloud = await startCloud({
    instances: INSTANCES,
    store: "ssm",
    taskDurationMs: 120,
    taskTailMs: 40,
    // An endpoint of the time before the action's name was put right.
    unknownActions: ["ModifyInstancePassword"],
  });
  const { TENCENTCLOUD_SECRET_ID, TENCENTCLOUD_SECRET_KEY, TENCENTCLOUD_ENDPOINT_URL, ROTATION_SECRETS } =
    cloud.environment;
  scf = await startScfFunction({
    code: dirname(built("scf/index.js")),
    variables: {
      ...QUIET,
      ROTATION_SECRETS: ROTATION_SECRETS ?? "",
      TENCENT_ENDPOINT_URL: TENCENTCLOUD_ENDPOINT_URL ?? "",
      ALTERNATION_INTERVAL_MINUTES: "0",
    },
    role: () => ({ secretId: TENCENTCLOUD_SECRET_ID ?? "", secretKey: TENCENTCLOUD_SECRET_KEY ?? "" }),
  });
});
afterAll(async () => {
  await scf?.close();
  await cloud?.close();
});

it("what the function does on Tencent Cloud takes the actions that its policies grant, and no others", async () => {
  for (let rotation = 1; rotation <= ROTATIONS; rotation += 1) {
    const { answer } = await scf.invoke({ action: "rotate", force: true });
    expect((answer as Answer).summary).toMatchObject({ rotated: INSTANCES.length, failed: 0 });
  }
  // A lost reply: the task has to be found again.
  cloud.tencentDb.failNext("ResetPassword", { kind: "reset", carriedOut: true });
  cloud.tencentDb.planNextTask({ durationMs: 1_500 }, "crs-default1");
  for (const action of ["rotate", "verify", "plan", "status", "abandon"]) {
    const { answer } = await scf.invoke({ action, force: true });
    expect((answer as Answer).summary).toMatchObject({ failed: 0 });
  }

  const called = new Set([
    ...cloud.tencentDb.calls.map(({ action }) => `redis:${action}`),
    ...cloud.ssm.calls.map(({ action }) => `ssm:${action}`),
  ]);
  const policies = await Promise.all(["function", "function-api-2.0"].map(readPolicy));
  expect([...called].sort()).toEqual([...new Set(policies.flatMap(actionsGranted))].sort());
}, 60_000);
