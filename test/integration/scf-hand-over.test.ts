import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import { zipSync } from "fflate";
import { afterAll, beforeAll, expect, it } from "vitest";
import { redisProbe } from "../../lib/drivers/redis-probe.ts";
import { systemClock } from "../../lib/drivers/runtime.ts";
import { scfInvoke } from "../../lib/drivers/scf-invoke.ts";
import { type LocalCloud, startCloud } from "../cloud/cloud.ts";
import { type Execution, type ScfFunction, startScfFunction } from "../cloud/scf/harness.ts";
import { createScfApi } from "../cloud/scf/model.ts";
import { startTencentServer, type TencentServer } from "../cloud/tencentdb/server.ts";
import { built } from "./world.ts";

const REGION = "ap-guangzhou";
const NAME = "redis-rotation";
const KEY = { secretId: "AKIDrotation", secretKey: "the-role's-key" };
const DUE = ["crs-due0", "crs-due1", "crs-due2", "crs-due3"];
const YOUNG = ["redis-young-0", "redis-young-1", "redis-young-2"];
const MISSING = "redis-missing";

let cloud: LocalCloud;
let tencent: TencentServer;
let scf: ScfFunction;
const runs: Promise<readonly Execution[]>[] = [];

beforeAll(async () => {
  cloud = await startCloud({
    store: "ssm",
    instances: DUE.map((instanceId) => ({ instanceId, region: REGION })),
    taskDurationMs: 300,
    taskTailMs: 100,
  });
  for (const [index, SecretName] of YOUNG.entries()) {
    // Each for an account of its own: those for one account would be refused together.
    const value = { ...secretOf("crs-due0"), username: `young_${index}` };
    cloud.ssm.call("CreateSecret", { SecretName, SecretString: JSON.stringify(value) });
  }
  const api = createScfApi({
    clock: systemClock,
    changeMs: 0,
    onInvoke: ({ event }) => void runs.push(scf.invokeLater(event)),
  });
  const ZipFile = Buffer.from(zipSync({ "index.js": readFileSync(built("scf/index.js")) })).toString(
    "base64",
  );
  await api.dispatch({
    host: "scf.tencentcloudapi.com",
    method: "POST",
    version: "2018-04-16",
    region: REGION,
    requestId: "made",
    action: "CreateFunction",
    parameters: {
      FunctionName: NAME,
      Runtime: "Nodejs20.19",
      Handler: "index.main_handler",
      Code: { ZipFile },
    },
  });
  const services = { redis: cloud.tencentDb, ssm: cloud.ssm, scf: api };
  tencent = await startTencentServer({ clock: systemClock, services, credentials: [KEY] });
  scf = await startScfFunction({
    code: dirname(built("scf/index.js")),
    variables: { TENCENT_ENDPOINT_URL: tencent.url },
    role: () => KEY,
    retryAfterMs: 0,
  });
});
afterAll(async () => {
  await scf?.close();
  await tencent?.close();
  await cloud?.close();
});

async function handOver(secretIds: readonly string[]): Promise<(readonly Execution[])[]> {
  runs.length = 0;
  await scfInvoke({
    credentials: async () => KEY,
    endpointUrl: tencent.url,
    signal: new AbortController().signal,
    clock: systemClock,
    limiter: async () => {},
    region: REGION,
    functionName: NAME,
    namespace: "default",
    size: 3,
    concurrency: 1,
  })(secretIds);
  return Promise.all(runs);
}

const secretOf = (instanceId: string) => JSON.parse(cloud.secrets.currentText(instanceId));
const sent = () => DUE.map((instanceId) => cloud.tencentDb.passwordsSent(instanceId).calls);

async function answerOf(instanceId: string, password: string): Promise<string> {
  const { host, port } = secretOf(instanceId);
  return (await redisProbe({})({ host, port, ssl: false, username: "default", password })).answer;
}

it("rotates what it is handed over in parts, and has SCF repeat the part in which a secret fails", async () => {
  const old = DUE.map((instanceId) => secretOf(instanceId).password);
  const [first, second, third, fourth] = DUE.map(cloud.secrets.name);
  const parts = [first, second, YOUNG[0], third, MISSING, YOUNG[1], fourth, YOUNG[2]].filter(
    (name) => name !== undefined,
  );
  const executions = await handOver(parts);
  expect(executions.map((part) => part.map(({ statusCode }) => statusCode))).toEqual([
    [200],
    [430, 430, 430],
    [200],
  ]);
  expect(executions[0]).toMatchObject([{ answer: { summary: { rotated: 2, notDue: 1, failed: 0 } } }]);
  expect(executions[1]?.[0]?.errorMessage).toMatch(/FleetFailed: 1 of 3 secrets .*redis-missing/);
  expect(sent()).toEqual([1, 1, 1, 1]);
  for (const [index, instanceId] of DUE.entries()) {
    const passwords = [old[index], secretOf(instanceId).password];
    const answers = await Promise.all(passwords.map((password) => answerOf(instanceId, password)));
    expect(answers).toEqual(["rejected", "accepted"]);
  }
}, 60_000);

it("rotates nothing twice where the same secrets are handed over again", async () => {
  const executions = await handOver(DUE.map(cloud.secrets.name));
  expect(executions.flat().map(({ statusCode }) => statusCode)).toEqual([200, 200]);
  expect(sent()).toEqual([1, 1, 1, 1]);
});
