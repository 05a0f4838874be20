import { randomBytes } from "node:crypto";
import { readdir } from "node:fs/promises";
import { dirname } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { redisProbe } from "../../lib/drivers/redis-probe.ts";
import { systemClock } from "../../lib/drivers/runtime.ts";
import { type LocalCloud, startCloud } from "../cloud/cloud.ts";
import type { LogLine } from "../cloud/function-process.ts";
import { type ScfFunction, startScfFunction } from "../cloud/scf/harness.ts";
import { startTencentServer, type TencentServer } from "../cloud/tencentdb/server.ts";
import type { Credential } from "../cloud/tencentdb/tc3.ts";
import { built } from "./world.ts";

const FLEET = ["crs-first", "crs-second"] as const;
const BY_MESSAGE = "crs-message";
const CUT_OFF = "crs-cutoff";
const BESIDE_A_FAILURE = "crs-beside";

/** The keys that the cloud knows at the moment: a role's are valid until it gets the next ones. */
const keys: Credential[] = [];
let cloud: LocalCloud;
let tencent: TencentServer;
let scf: ScfFunction;
let lines: LogLine[];
let nextKey: () => Credential;

function renewedKey(): Credential {
  const part = () => randomBytes(16).toString("hex");
  const key = { secretId: `AKIDrole${part()}`, secretKey: part(), token: part() };
  keys.splice(0, keys.length, key);
  return key;
}

beforeAll(async () => {
  const region = "ap-guangzhou";
  const instanceIds = [...FLEET, BY_MESSAGE, CUT_OFF, BESIDE_A_FAILURE];
  cloud = await startCloud({
    store: "ssm",
    instances: instanceIds.map((instanceId) => ({ instanceId, region })),
    taskDurationMs: 300,
    taskTailMs: 100,
  });
  const services = { redis: cloud.tencentDb, ssm: cloud.ssm };
  tencent = await startTencentServer({ clock: systemClock, services, credentials: keys });
  scf = await startScfFunction({
    code: dirname(built("scf/index.js")),
    variables: {
      TENCENT_ENDPOINT_URL: tencent.url,
      ROTATION_SECRETS: FLEET.map(cloud.secrets.name).join(","),
    },
    role: () => nextKey(),
    retryAfterMs: 0,
    onLog: (line) => lines.push(line),
  });
});
beforeEach(() => {
  lines = [];
  nextKey = renewedKey;
});
afterAll(async () => {
  await scf?.close();
  await tencent?.close();
  await cloud?.close();
});

const rotate = (instanceId: string) =>
  JSON.stringify({ action: "rotate", secrets: [cloud.secrets.name(instanceId)] });

function sent(instanceId: string): number {
  const { calls } = cloud.tencentDb;
  return calls.filter((call) => call.instanceId === instanceId && call.action === "ResetPassword").length;
}

function currentPassword(instanceId: string): string {
  return JSON.parse(cloud.secrets.currentText(instanceId)).password;
}

/** What a real AUTH says of the old password, and of the one that consumers read. */
async function answersOf(instanceId: string, old: string): Promise<string[]> {
  const { host, port } = JSON.parse(cloud.secrets.currentText(instanceId));
  const probe = redisProbe({});
  const target = { host, port, ssl: false, username: "default" };
  const passwords = [old, currentPassword(instanceId)];
  return Promise.all(passwords.map(async (password) => (await probe({ ...target, password })).answer));
}

describe("the SCF bundle on its platform", () => {
  it("rotates the fleet when the timer rings, and has nothing to do when it rings again", async () => {
    const old = FLEET.map((instanceId) => currentPassword(instanceId));
    expect(await scf.ring()).toMatchObject([{ statusCode: 200, answer: { summary: { rotated: 2 } } }]);
    for (const [index, instanceId] of FLEET.entries()) {
      expect(await answersOf(instanceId, old[index] ?? "")).toEqual(["rejected", "accepted"]);
    }
    expect(await scf.ring()).toMatchObject([{ statusCode: 200, answer: { summary: { notDue: 2 } } }]);
  });

  it("does what the timer's message says", async () => {
    expect(await scf.ring(rotate(BY_MESSAGE))).toMatchObject([
      {
        statusCode: 200,
        answer: { results: [{ secretId: cloud.secrets.name(BY_MESSAGE), status: "rotated" }] },
      },
    ]);
    expect(sent(BY_MESSAGE)).toBe(1);
  });

  it("takes a manual payload, and answers with little", async () => {
    const { statusCode, answer } = await scf.invoke({ action: "verify" });
    expect({ statusCode, answer }).toMatchObject({ statusCode: 200, answer: { summary: { ok: 2 } } });
    expect(JSON.stringify(answer).length / FLEET.length).toBeLessThan(1_000);
  });

  it("is refused with the key of an earlier invocation, and works again with a new one", async () => {
    const expired = renewedKey();
    renewedKey();
    nextKey = () => expired;
    const refused = await scf.invoke({ action: "plan", force: true });
    expect(refused).toMatchObject({ answer: { results: [{ error: { code: "CredentialsRejected" } }, {}] } });
    nextKey = renewedKey;
    expect(await scf.invoke({ action: "plan", force: true })).toMatchObject({
      answer: { summary: { planned: 2 } },
    });
  });

  it("has the request's id on each line that it logs", async () => {
    const { requestId } = await scf.invoke({ action: "verify" });
    expect(lines.length).toBeGreaterThanOrEqual(FLEET.length);
    expect(lines.filter((line) => line.requestId !== requestId)).toEqual([]);
  });
});

describe("when SCF repeats what failed", () => {
  it("a rotation that was cut off is carried on, with the password that was sent", async () => {
    const old = currentPassword(CUT_OFF);
    const refusal = { kind: "error", code: "UnauthorizedOperation" } as const;
    cloud.ssm.failNext("UpdateSecret", refusal, { secretName: cloud.secrets.name(CUT_OFF) });
    const executions = await scf.ring(rotate(CUT_OFF));
    expect(executions).toMatchObject([
      { statusCode: 430, errorMessage: expect.stringContaining("FleetFailed") },
      { statusCode: 200, answer: { results: [{ status: "rotated" }] } },
    ]);
    expect(await answersOf(CUT_OFF, old)).toEqual(["rejected", "accepted"]);
    expect(sent(CUT_OFF)).toBe(1);
  });

  it("what has been rotated beside a failure is not rotated again", async () => {
    const secrets = [cloud.secrets.name(BESIDE_A_FAILURE), "redis-missing"];
    const executions = await scf.ring(JSON.stringify({ action: "rotate", secrets }));
    expect(executions.map(({ statusCode }) => statusCode)).toEqual([430, 430, 430]);
    expect(sent(BESIDE_A_FAILURE)).toBe(1);
    expect(new Set(lines.map(({ requestId }) => requestId))).toEqual(new Set([executions[0]?.requestId]));
  });
});

describe("of all that", () => {
  it("one warm instance has done everything, in less than the 128 MB that SCF gives by default", () => {
    expect(scf.instances).toBe(1);
    expect(scf.peakMegabytes).toBeLessThan(128);
  });

  it("nothing was written, not even to /tmp", async () => {
    expect(await readdir(scf.temporary)).toEqual([]);
  });
});

it("names the code of what is wrong where it cannot start", async () => {
  const broken = await startScfFunction({
    code: dirname(built("scf/index.js")),
    variables: { VERIFY: "no" },
  });
  try {
    expect(await broken.invoke({ action: "verify" })).toMatchObject({
      statusCode: 430,
      errorMessage: expect.stringMatching(/^ConfigurationInvalid: .*VERIFY/),
    });
  } finally {
    await broken.close();
  }
});
