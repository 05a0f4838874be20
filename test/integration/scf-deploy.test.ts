import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { unzipSync } from "fflate";
import { afterAll, beforeAll, expect, it } from "vitest";
import { fromEnvironment } from "../../deploy/scf/variables.ts";
import { systemClock } from "../../lib/drivers/runtime.ts";
import { type LocalCloud, startCloud } from "../cloud/cloud.ts";
import { startScfFunction } from "../cloud/scf/harness.ts";
import { createScfApi, type ScfApi } from "../cloud/scf/model.ts";
import { startTencentServer, type TencentServer } from "../cloud/tencentdb/server.ts";
import { built } from "./world.ts";

const REGION = "ap-guangzhou";
const INSTANCE = "crs-deployed";
const DEPLOYER = { secretId: "AKIDdeployer", secretKey: "the-deployers-key" };
const FROM_ENVIRONMENT = "a-value-of-mine";
const ROLE = { secretId: "AKIDrole", secretKey: "the-roles-key", token: "the-roles-token" };

let cloud: LocalCloud;
let scf: ScfApi;
let tencent: TencentServer;
let folder: string;

beforeAll(async () => {
  const instances = [{ instanceId: INSTANCE, region: REGION }];
  cloud = await startCloud({ store: "ssm", instances, taskDurationMs: 300, taskTailMs: 100 });
  scf = createScfApi({ clock: systemClock, changeMs: 20, roles: ["redis-rotation"] });
  tencent = await startTencentServer({
    clock: systemClock,
    services: { redis: cloud.tencentDb, ssm: cloud.ssm, scf },
    credentials: [DEPLOYER, ROLE],
  });
  folder = await mkdtemp(join(tmpdir(), "scf-deployed-"));
});
afterAll(async () => {
  await tencent?.close();
  await cloud?.close();
  await rm(folder, { recursive: true, force: true });
});

/** Runs the script as `npm run deploy:scf` does. */
async function deploy(...options: readonly string[]): Promise<string> {
  const { stdout, stderr } = await promisify(execFile)(
    process.execPath,
    [
      ...["--import", "tsx", "deploy/scf/deploy.ts", "--code", dirname(built("scf/index.js"))],
      ...["--function", "redis-rotation", "--region", REGION, ...options],
    ],
    {
      env: {
        PATH: process.env.PATH,
        TENCENTCLOUD_SECRET_ID: DEPLOYER.secretId,
        TENCENTCLOUD_SECRET_KEY: DEPLOYER.secretKey,
        TENCENTCLOUD_ENDPOINT_URL: tencent.url,
        OF_MINE: FROM_ENVIRONMENT,
      },
    },
  );
  return stdout + stderr;
}

it("what the script uploads rotates a password, run as SCF runs it", async () => {
  const secrets = `ROTATION_SECRETS=${cloud.secrets.name(INSTANCE)}`;
  const endpoint = `TENCENT_ENDPOINT_URL=${tencent.url}`;
  const output = await deploy(
    "--role",
    "redis-rotation",
    "--env",
    secrets,
    "--env",
    endpoint,
    "--env",
    "OF_MINE",
  );
  expect(output).toMatch(/^CreateFunction [\s\S]*\nCreateTrigger [\s\S]*\nDone\.\n$/);
  for (const hidden of [DEPLOYER.secretKey, FROM_ENVIRONMENT]) expect(output).not.toContain(hidden);

  const deployed = scf.functionNamed(REGION, "redis-rotation");
  const variables = fromEnvironment(deployed.configuration.Environment);
  expect(variables.OF_MINE).toBe(FROM_ENVIRONMENT);
  const code = join(folder, "code");
  await mkdir(code);
  for (const [name, content] of Object.entries(unzipSync(deployed.zip))) {
    await writeFile(join(code, name), content);
  }
  const running = await startScfFunction({
    code,
    handler: deployed.handler,
    variables,
    memoryMegabytes: deployed.configuration.MemorySize ?? 128,
    timeoutSeconds: deployed.configuration.Timeout ?? 3,
    role: () => ROLE,
  });
  try {
    expect(await running.ring(deployed.triggers[0]?.argument)).toMatchObject([
      { statusCode: 200, answer: { summary: { rotated: 1 } } },
    ]);
  } finally {
    await running.close();
  }
});

it("a dry run says what it would call, and calls nothing", async () => {
  const before = scf.calls.length;
  expect(await deploy("--schedule", "0 30 2 * * * *", "--dry-run")).toMatch(
    /^would call UpdateTrigger \{[\s\S]*0 30 2 \* \* \* \*[\s\S]*\nNothing was changed\.\n$/,
  );
  expect(scf.calls.slice(before).filter(({ action }) => !/^(Get|List)/.test(action))).toEqual([]);
});

it("an error is one line with what to do, and an exit code", async () => {
  await expect(deploy("--role", "nobody")).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringMatching(
      /^UpdateFunctionConfiguration: ResourceNotFound\.Role: .*Create the role first.*\n$/,
    ),
  });
});
