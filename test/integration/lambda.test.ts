import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Answer } from "../../lib/ports.ts";
import { type LocalCloud, startCloud } from "../cloud/cloud.ts";
import type { FunctionProcess, LogLine } from "../cloud/function-process.ts";
import { secretName } from "../cloud/secrets.ts";
import {
  answerOf,
  answersOf,
  ask,
  callsFor,
  onlyResult,
  passwordAt,
  SCHEDULE,
  startBuilt,
  valueAt,
  versionAt,
  without,
} from "./world.ts";

const PLAIN = { instanceId: "crs-5a4py64p", region: "ap-guangzhou" };
const TLS = { instanceId: "crs-7ktls0qz", region: "ap-singapore" };
const FINANCE = { instanceId: "crs-9fsibank", region: "ap-shanghai-fsi" };
const FLEET = [PLAIN, TLS, FINANCE];
const SUMMARY = { rotated: 0, inProgress: 0, notDue: 0, planned: 0, ok: 0, drift: 0, failed: 0 };

let cloud: LocalCloud;
const opened: FunctionProcess[] = [];

async function start(variables: Record<string, string> = {}, options: Parameters<typeof startBuilt>[2] = {}) {
  const lambda = await startBuilt("lambda", { ...cloud.environment, ...variables }, options);
  opened.push(lambda);
  return lambda;
}

beforeAll(async () => {
  const region = "ap-guangzhou";
  cloud = await startCloud({
    instances: [
      PLAIN,
      { ...TLS, tls: true },
      FINANCE,
      { instanceId: "crs-distrust", region, tls: true },
      ...["young", "manual", "steady", "hasty", "forward", "given-up"].map((name) => ({
        instanceId: `crs-${name}`,
        region,
      })),
    ],
    taskDurationMs: 600,
    taskTailMs: 200,
  });
});
afterAll(async () => {
  await Promise.all(opened.map((lambda) => lambda.close()));
  await cloud?.close();
});

function putVersion(instanceId: string, label: "AWSCURRENT" | "AWSPENDING", fields = {}): string {
  const versionId = randomUUID();
  cloud.secretsManager.call("PutSecretValue", {
    SecretId: secretName(instanceId),
    ClientRequestToken: versionId,
    SecretString: JSON.stringify({ ...valueAt(cloud, instanceId, "AWSCURRENT"), ...fields }),
    VersionStages: [label],
  });
  return versionId;
}

describe("a schedule of EventBridge", () => {
  let answer: Answer;
  let lines: LogLine[];
  let old: Map<string, string>;

  beforeAll(async () => {
    lines = [];
    const secrets = FLEET.map(({ instanceId }) => secretName(instanceId)).join();
    const lambda = await start({ ROTATION_SECRETS: secrets }, { onLog: (line) => lines.push(line) });
    old = new Map(FLEET.map(({ instanceId }) => [instanceId, passwordAt(cloud, instanceId, "AWSCURRENT")]));
    answer = (await lambda.invoke(SCHEDULE)) as Answer;
  });

  it("rotates the fleet, and says so", () => {
    expect(answer).toEqual({
      action: "rotate",
      results: FLEET.map(({ instanceId, region }) => ({
        secretId: secretName(instanceId),
        instanceId,
        region,
        status: "rotated",
        versionId: versionAt(cloud, instanceId, "AWSCURRENT")?.versionId,
        taskId: cloud.newestTaskId(instanceId),
        exposureMs: expect.any(Number),
        durationMs: expect.any(Number),
      })),
      summary: { ...SUMMARY, rotated: 3 },
    });
  });

  it.each(FLEET)("leaves $instanceId with the new password alone", async ({ instanceId }) => {
    expect(await answersOf(cloud, instanceId, old.get(instanceId) ?? "")).toEqual(["rejected", "accepted"]);
    expect(passwordAt(cloud, instanceId, "AWSPREVIOUS")).toBe(old.get(instanceId));
    expect(versionAt(cloud, instanceId, "AWSPENDING")).toBeUndefined();
  });

  it.each(FLEET)("never tells less than the exposure of $instanceId that the cloud saw", ({ instanceId }) => {
    const told = answer.results.find((result) => result.instanceId === instanceId)?.exposureMs;
    expect(told).toBeGreaterThanOrEqual(cloud.exposureMs(instanceId) ?? Number.NaN);
  });

  it("calls the finance region on its own host alone, and no other region there", () => {
    const placed = cloud.tencentDb.calls.filter(({ instanceId }) =>
      FLEET.some((each) => each.instanceId === instanceId),
    );
    const places = new Set(placed.map(({ instanceId, host, region }) => `${instanceId} ${host} ${region}`));
    expect([...places].sort()).toEqual([
      "crs-5a4py64p redis.tencentcloudapi.com ap-guangzhou",
      "crs-7ktls0qz redis.tencentcloudapi.com ap-singapore",
      "crs-9fsibank redis.ap-shanghai-fsi.tencentcloudapi.com ap-shanghai-fsi",
    ]);
  });

  it("logs one line a step, with the request's id and the secret", () => {
    const steps = lines.filter(
      ({ msg, secretId }) => msg === "step" && `${secretId}`.includes(PLAIN.instanceId),
    );
    expect(steps.map(({ step }) => step)).toEqual([
      "createSecret",
      "setSecret",
      "testSecret",
      "finishSecret",
    ]);
    expect(new Set(lines.map(({ requestId }) => requestId)).size).toBe(1);
  });

  it("finishes the others before it throws for one that failed", async () => {
    putVersion("crs-steady", "AWSCURRENT");
    const lambda = await start({
      ROTATION_SECRETS: ["redis/missing", secretName("crs-manual"), secretName("crs-steady")].join(),
    });
    const before = passwordAt(cloud, "crs-manual", "AWSCURRENT");
    await expect(lambda.invoke(SCHEDULE)).rejects.toThrow(/^1 of 3 secrets .*; the first: redis\/missing: /);
    expect(await answersOf(cloud, "crs-manual", before)).toEqual(["rejected", "accepted"]);
  });
});

describe("a manual payload", () => {
  let lambda: FunctionProcess;
  beforeAll(async () => {
    lambda = await start();
  });

  it("skips a secret whose current version is young, unless forced", async () => {
    const versionId = putVersion("crs-young", "AWSCURRENT");
    expect(await ask(lambda, "rotate", "crs-young")).toEqual({
      action: "rotate",
      results: [
        {
          secretId: "redis/crs-young",
          instanceId: "crs-young",
          region: "ap-guangzhou",
          status: "not-due",
          versionId,
          durationMs: expect.any(Number),
        },
      ],
      summary: { ...SUMMARY, notDue: 1 },
    });
    expect(callsFor(cloud, "crs-young").control).toEqual([]);
    const payload = { action: "rotate", secrets: ["redis/crs-young"], force: true };
    expect(await lambda.invoke(payload)).toMatchObject({ summary: { rotated: 1 } });
  });

  it("touches nothing where the authority of the instance's certificate is not trusted", async () => {
    const instanceId = "crs-distrust";
    const before = cloud.secretsManager.inspect(secretName(instanceId));
    const distrustful = await startBuilt("lambda", without(cloud.environment, "REDIS_CA_BUNDLE"));
    opened.push(distrustful);
    expect(await ask(distrustful, "rotate", instanceId)).toEqual({
      action: "rotate",
      results: [
        {
          secretId: secretName(instanceId),
          instanceId,
          region: "ap-guangzhou",
          status: "failed",
          durationMs: expect.any(Number),
          error: {
            code: "RedisUnreachable",
            message: expect.stringContaining("Give the function a network path to the instance"),
            effect: "none",
          },
        },
      ],
      summary: { ...SUMMARY, failed: 1 },
    });
    expect(cloud.secretsManager.inspect(secretName(instanceId))).toEqual(before);
    expect(cloud.tencentDb.passwordsSent(instanceId).calls).toBe(0);
    expect(await answerOf(cloud, instanceId, passwordAt(cloud, instanceId, "AWSCURRENT"))).toBe("accepted");
  });

  it("touches nothing where the platform would end the function before a rotation can be done", async () => {
    const hasty = await start({}, { timeoutMs: 3_000 });
    await expect(ask(hasty, "rotate", "crs-hasty")).rejects.toThrow(/set the time-out to 900 s/);
    expect(callsFor(cloud, "crs-hasty").store.map(({ action }) => action)).toEqual(["CreateSecret"]);
    expect(callsFor(cloud, "crs-hasty").control).toEqual([]);
    expect(await ask(hasty, "verify", "crs-hasty")).toMatchObject({ summary: { ok: 1 } });
  });

  it.each(["status", "plan"] as const)(
    "%s tells that a rotation is due, and touches nothing",
    async (action) => {
      const before = cloud.secretsManager.inspect("redis/crs-forward");
      const answer = await ask(lambda, action, "crs-forward");
      expect(answer).toMatchObject({ action, results: [{ status: "planned" }], summary: { planned: 1 } });
      expect(cloud.secretsManager.inspect("redis/crs-forward")).toEqual(before);
      expect(cloud.tencentDb.passwordsSent("crs-forward").calls).toBe(0);
    },
  );

  it("rolls a rotation back to the password before it", async () => {
    const first = passwordAt(cloud, "crs-forward", "AWSCURRENT");
    expect(onlyResult(await ask(lambda, "rotate", "crs-forward")).status).toBe("rotated");
    const second = passwordAt(cloud, "crs-forward", "AWSCURRENT");
    expect(onlyResult(await ask(lambda, "rollback", "crs-forward")).status).toBe("rotated");
    expect(passwordAt(cloud, "crs-forward", "AWSCURRENT")).toBe(first);
    expect(await answersOf(cloud, "crs-forward", second)).toEqual(["rejected", "accepted"]);
  });

  it("verifies by a real AUTH which version opens Redis", async () => {
    expect(onlyResult(await ask(lambda, "verify", "crs-given-up")).status).toBe("ok");
    await cloud.redis.get("crs-given-up")?.setPassword("changed-by-hand-1");
    putVersion("crs-given-up", "AWSPENDING", { password: "changed-by-hand-1" });
    const { status, error } = onlyResult(await ask(lambda, "verify", "crs-given-up"));
    expect([status, error?.code]).toEqual(["drift", "Drift"]);
    expect(error?.message).toContain("the pending one does");
  });

  it("abandons a pending version, but not one whose password opens Redis", async () => {
    const kept = onlyResult(await ask(lambda, "abandon", "crs-given-up"));
    expect([kept.status, kept.error?.code]).toEqual(["failed", "RotationPending"]);
    expect(versionAt(cloud, "crs-given-up", "AWSPENDING")).toBeDefined();

    await cloud.redis.get("crs-given-up")?.setPassword("changed-by-hand-2");
    expect(onlyResult(await ask(lambda, "abandon", "crs-given-up")).status).toBe("ok");
    expect(versionAt(cloud, "crs-given-up", "AWSPENDING")).toBeUndefined();
  });

  it.each([
    [{ action: "rotat" }, "Event: action: "],
    [{ action: "rotate", secrets: [] }, "Event: secrets: "],
    [{}, "Event: action: "],
  ])("says what is wrong with %j", async (payload, message) => {
    await expect(lambda.invoke(payload)).rejects.toThrow(message);
  });
});
