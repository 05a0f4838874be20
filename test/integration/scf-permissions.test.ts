import { dirname } from "node:path";
import { zipSync } from "fflate";
import { afterAll, beforeAll, expect, it } from "vitest";
import { systemClock } from "../../lib/drivers/runtime.ts";
import type { Answer } from "../../lib/ports.ts";
import { type CloudInstance, type LocalCloud, startCloud } from "../cloud/cloud.ts";
import { type Execution, type ScfFunction, startScfFunction } from "../cloud/scf/harness.ts";
import { createScfApi, type ScfApi } from "../cloud/scf/model.ts";
import { startTencentServer, type TencentServer } from "../cloud/tencentdb/server.ts";
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
let api: ScfApi;
let tencent: TencentServer;
let scf: ScfFunction;
const parts: Promise<readonly Execution[]>[] = [];
beforeAll(async () => {
  cloud = await startCloud({
    instances: INSTANCES,
    store: "ssm",
    taskDurationMs: 120,
    taskTailMs: 40,
    // An endpoint of the time before the action's name was put right.
    unknownActions: ["ModifyInstancePassword"],
  });
  const { TENCENTCLOUD_SECRET_ID: secretId = "", TENCENTCLOUD_SECRET_KEY: secretKey = "" } =
    cloud.environment;
  const role = { secretId, secretKey };
  api = createScfApi({
    clock: systemClock,
    changeMs: 0,
    onInvoke: ({ event }) => void parts.push(scf.invokeLater(event)),
  });
  await api.dispatch({
    host: "scf.tencentcloudapi.com",
    method: "POST",
    version: "2018-04-16",
    region,
    requestId: "made",
    action: "CreateFunction",
    parameters: {
      FunctionName: "redis-rotation",
      Runtime: "Nodejs20.19",
      Handler: "index.main_handler",
      Code: { ZipFile: Buffer.from(zipSync({ "index.js": Buffer.from("") })).toString("base64") },
    },
  });
  const services = { redis: cloud.tencentDb, ssm: cloud.ssm, scf: api };
  tencent = await startTencentServer({ clock: systemClock, services, credentials: [role] });
  scf = await startScfFunction({
    code: dirname(built("scf/index.js")),
    variables: {
      ...QUIET,
      ROTATION_PREFIX: "redis-",
      ROTATION_FAN_OUT_SIZE: "2",
      TENCENT_ENDPOINT_URL: tencent.url,
      ALTERNATION_INTERVAL_MINUTES: "0",
    },
    role: () => role,
    retryAfterMs: 0,
  });
});
afterAll(async () => {
  await scf?.close();
  await tencent?.close();
  await cloud?.close();
});

it("what the function does on Tencent Cloud takes the actions that its policies grant, and no others", async () => {
  expect(await scf.ring()).toMatchObject([{ answer: { summary: { rotated: 1, planned: 3, failed: 0 } } }]);
  const rest = (await Promise.all(parts)).flat().map(({ answer }) => (answer as Answer).summary.rotated);
  expect(rest.sort()).toEqual([1, 2]);
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
    ...api.calls.filter(({ action }) => action !== "CreateFunction").map(({ action }) => `scf:${action}`),
  ]);
  const policies = await Promise.all(["function", "function-api-2.0", "function-fleet"].map(readPolicy));
  // CAM's documents call Invoke so.
  const granted = policies.flatMap(actionsGranted).filter((action) => action !== "scf:InvokeFunction");
  expect([...called].sort()).toEqual([...new Set(granted)].sort());
}, 60_000);
