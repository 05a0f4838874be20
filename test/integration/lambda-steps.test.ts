import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type LocalCloud, rotateSecretNow, startCloud } from "../cloud/cloud.ts";
import type { FunctionProcess } from "../cloud/function-process.ts";
import { secretName } from "../cloud/secrets.ts";
import type { RotationStepEvent } from "../cloud/secrets-manager/rotation-engine.ts";
import { answerOf, answersOf, callsFor, passwordAt, startBuilt, valueAt, versionAt } from "./world.ts";

const REGION = "ap-guangzhou";
const STEPS = ["createSecret", "setSecret", "testSecret", "finishSecret"];
const POLLS = ["DescribeTaskInfo", "DescribeTaskList"];
/** A field that the product does not know, of every kind that JSON has. */
const TEAM = { name: "orders ü", pager: 7, oncall: [true, null, { shift: "night" }] };

let cloud: LocalCloud;
let lambda: FunctionProcess;

beforeAll(async () => {
  const instance = (instanceId: string) => ({ instanceId, region: REGION });
  cloud = await startCloud({
    instances: [
      { ...instance("crs-managed"), secretFields: { team: TEAM, note: "kept" } },
      ...["crs-checked", "crs-drifted", "crs-isolated", "crs-killed", "crs-unheard"].map(instance),
    ],
    taskDurationMs: 600,
    taskTailMs: 200,
  });
  lambda = await startBuilt("lambda", cloud.environment);
});
afterAll(async () => {
  await lambda?.close();
  await cloud?.close();
});

async function rotate(instanceId: string, options: { immediately?: boolean } = {}) {
  const engine = cloud.connectFunction(async (event) => void (await lambda.invoke(event)), []);
  rotateSecretNow(cloud, secretName(instanceId), options);
  return engine.ended(secretName(instanceId));
}

describe("a managed run through the Lambda bundle", () => {
  const instanceId = "crs-managed";
  let old: string;
  let calls: ReturnType<typeof callsFor>;

  beforeAll(async () => {
    old = passwordAt(cloud, instanceId, "AWSCURRENT");
    const { result, steps } = await rotate(instanceId);
    expect([result, steps.map(({ step }) => step)]).toEqual(["complete", STEPS]);
    calls = callsFor(cloud, instanceId);
  });

  it("leaves Redis with the new password and without the old one", async () => {
    expect(await answersOf(cloud, instanceId, old)).toEqual(["rejected", "accepted"]);
  });

  it("leaves the labels where they belong", () => {
    expect(passwordAt(cloud, instanceId, "AWSPREVIOUS")).toBe(old);
    expect(passwordAt(cloud, instanceId, "AWSCURRENT")).not.toBe(old);
    expect(versionAt(cloud, instanceId, "AWSPENDING")).toBeUndefined();
  });

  it("keeps every other field of the secret", () => {
    const { password: _, ...kept } = valueAt(cloud, instanceId, "AWSCURRENT");
    const { password: __, ...before } = valueAt(cloud, instanceId, "AWSPREVIOUS");
    expect(kept).toEqual(before);
    expect(kept).toMatchObject({ team: TEAM, note: "kept" });
  });

  it("stores the pending value before it sends ResetPassword", () => {
    const stored = calls.store.find(({ action }) => action === "PutSecretValue")?.at;
    const sent = calls.control.find(({ action }) => action === "ResetPassword")?.at;
    expect(stored).toBeLessThanOrEqual(sent ?? Number.NaN);
  });

  it("takes at most 12 calls of Secrets Manager, and 3 of TencentDB besides its polls", () => {
    const byRotation = calls.store.filter(({ action }) => !["CreateSecret", "RotateSecret"].includes(action));
    expect(byRotation.length).toBeLessThanOrEqual(12);
    const polls = calls.control.filter(({ action }) => POLLS.includes(action));
    const others = calls.control.map(({ action }) => action).filter((action) => !POLLS.includes(action));
    expect(others.sort()).toEqual(["DescribeInstancePasswordPolicy", "DescribeInstances", "ResetPassword"]);
    expect(polls.length).toBeGreaterThan(0);
  });
});

describe.concurrent("RotateSecret with RotateImmediately=false", () => {
  it("passes on a good configuration, and changes nothing", async () => {
    const password = passwordAt(cloud, "crs-checked", "AWSCURRENT");
    const { result, steps } = await rotate("crs-checked", { immediately: false });
    expect([result, steps.map(({ step }) => step)]).toEqual(["complete", ["testSecret"]]);
    expect(passwordAt(cloud, "crs-checked", "AWSCURRENT")).toBe(password);
    expect(versionAt(cloud, "crs-checked", "AWSPENDING")).toBeUndefined();
    expect(cloud.tencentDb.passwordsSent("crs-checked").calls).toBe(0);
  });

  it.each([
    [
      "the current password opens nothing",
      "crs-drifted",
      "CurrentPasswordRejected",
      () => cloud.redis.get("crs-drifted")?.setPassword("changed-by-hand-1"),
    ],
    [
      "the instance is isolated",
      "crs-isolated",
      "InstanceGone",
      () => {
        cloud.tencentDb.instance("crs-isolated").status = -2;
      },
    ],
  ])("fails where %s, and says so", async (_, instanceId, name, spoil) => {
    await spoil();
    const { result, steps } = await rotate(instanceId, { immediately: false });
    expect(result).toBe("failed");
    expect(steps).toMatchObject([{ step: "testSecret", error: { name } }]);
    expect(cloud.tencentDb.passwordsSent(instanceId).calls).toBe(0);
  });
});

describe("the retry with the same token after the function was killed in setSecret", () => {
  it.each([
    ["with the task under way", "crs-killed", () => {}],
    [
      "before the reply to ResetPassword came",
      "crs-unheard",
      () => cloud.tencentDb.failNext("ResetPassword", { kind: "hang", carriedOut: true }, { times: 1 }),
    ],
  ])("%s converges on the one password", async (_, instanceId, prepare) => {
    prepare();
    const old = passwordAt(cloud, instanceId, "AWSCURRENT");
    const doomed = await startBuilt("lambda", cloud.environment);
    const invoke = async (event: RotationStepEvent) =>
      void (await (doomed.process.connected ? doomed : lambda).invoke(event));
    const engine = cloud.connectFunction(invoke, [100, 100]);
    rotateSecretNow(cloud, secretName(instanceId));

    await expect
      .poll(() => cloud.tencentDb.passwordsSent(instanceId).calls, { interval: 5, timeout: 5_000 })
      .toBe(1);
    const pending = passwordAt(cloud, instanceId, "AWSPENDING");
    doomed.process.kill("SIGKILL");

    const { result, steps, token } = await engine.ended(secretName(instanceId));
    expect(result).toBe("complete");
    expect(steps.map(({ step, attempt }) => [step, attempt])).toEqual([
      ["createSecret", 1],
      ["setSecret", 1],
      ...STEPS.map((step) => [step, 2]),
    ]);
    expect(versionAt(cloud, instanceId, "AWSCURRENT")?.versionId).toBe(token);
    expect(passwordAt(cloud, instanceId, "AWSCURRENT")).toBe(pending);
    expect(cloud.tencentDb.passwordsSent(instanceId)).toMatchObject({ calls: 1, distinct: 1 });
    expect(await answersOf(cloud, instanceId, old)).toEqual(["rejected", "accepted"]);
    expect(await answerOf(cloud, instanceId, pending)).toBe("accepted");
  });
});
