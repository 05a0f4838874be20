import { randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { Step } from "../../lib/ports.ts";
import { runStep } from "../../lib/rotation/managed.ts";
import { createRig, FIRST_PASSWORD, INSTANCE, NAME, type Rig } from "./rig.ts";

const STEPS: readonly Step[] = ["createSecret", "setSecret", "testSecret", "finishSecret"];

function step(rig: Rig, name: Step, token: string, context = rig.run()): Promise<void> {
  return runStep(context, { step: name, secretId: NAME, token, rotationToken: "rotation-token" });
}

async function allSteps(rig: Rig, token: string): Promise<void> {
  for (const name of STEPS) await step(rig, name, token);
}

function expectRotated(rig: Rig, token: string): void {
  expect([rig.at("AWSCURRENT"), rig.at("AWSPENDING")]).toEqual([token, undefined]);
  expect(rig.passwordAt("AWSPREVIOUS")).toBe(FIRST_PASSWORD);
  expect(rig.opens(rig.passwordAt("AWSCURRENT"))).toBe(true);
  expect(rig.opens(FIRST_PASSWORD)).toBe(false);
  expect(rig.tencentDb.passwordsSent(INSTANCE.instanceId)).toMatchObject({ calls: 1, distinct: 1 });
}

describe("a managed run", () => {
  it("rotates in four steps", async () => {
    const rig = createRig();
    const token = rig.startManaged();
    await allSteps(rig, token);
    expectRotated(rig, token);
  });

  it("may have each step repeated", async () => {
    const rig = createRig();
    const token = rig.startManaged();
    for (const name of STEPS) {
      await step(rig, name, token);
      await step(rig, name, token);
    }
    expectRotated(rig, token);
  });

  it("may be started over with the same token after any step", async () => {
    for (let done = 1; done <= STEPS.length; done++) {
      const rig = createRig();
      const token = rig.startManaged();
      for (const name of STEPS.slice(0, done)) await step(rig, name, token);
      await allSteps(rig, token);
      expectRotated(rig, token);
    }
  });

  it("takes at most 3 calls and the polls, and leaves what it does not need unasked", async () => {
    const rig = createRig();
    const token = rig.startManaged();
    await allSteps(rig, token);
    const once = ["DescribeInstances", "DescribeInstancePasswordPolicy", "ResetPassword"];
    expect(once.map((action) => rig.calls(action))).toEqual([1, 1, 1]);
    const polls = rig.calls("DescribeTaskInfo") + rig.calls("DescribeTaskList");
    expect(rig.tencentDb.calls).toHaveLength(3 + polls);
    expect(polls).toBeLessThanOrEqual(15);
  });

  it("stops setSecret before its time is over, and the repeated step does not send again", async () => {
    const rig = createRig();
    const token = rig.startManaged();
    await step(rig, "createSecret", token);
    await expect(step(rig, "setSecret", token, rig.run({}, 3_000))).rejects.toMatchObject({
      code: "InProgress",
    });
    await allSteps(rig, token);
    expectRotated(rig, token);
  });

  it("says before anything is sent that the time is over", async () => {
    const rig = createRig();
    const token = rig.startManaged();
    await step(rig, "createSecret", token);
    await expect(step(rig, "setSecret", token, rig.run({}, 0))).rejects.toMatchObject({
      code: "InProgress",
      effect: "none",
    });
  });
});

describe("the guards of a managed step", () => {
  it("refuse a secret whose rotation is not enabled", async () => {
    const rig = createRig();
    const token = rig.putPending({ password: "another-password-1" });
    await expect(step(rig, "createSecret", token)).rejects.toMatchObject({ code: "RotationDisabled" });
  });

  it("refuse a token that is no version", async () => {
    const rig = createRig();
    rig.startManaged();
    await expect(step(rig, "createSecret", randomUUID())).rejects.toMatchObject({
      code: "VersionNotPending",
    });
  });

  it("refuse a version that is not pending", async () => {
    const rig = createRig();
    const first = rig.at("AWSCURRENT") ?? "";
    await allSteps(rig, rig.startManaged());
    await expect(step(rig, "setSecret", first)).rejects.toMatchObject({ code: "VersionNotPending" });
  });

  it("return at once where the version is current already", async () => {
    const rig = createRig();
    const token = rig.startManaged();
    await allSteps(rig, token);
    const before = rig.tencentDb.calls.length;
    await allSteps(rig, token);
    expect(rig.tencentDb.calls).toHaveLength(before);
  });

  it.each<Step>(["setSecret", "finishSecret"])("refuse %s before createSecret", async (name) => {
    const rig = createRig();
    const token = rig.startManaged();
    await expect(step(rig, name, token)).rejects.toMatchObject({ code: "VersionNotPending" });
  });

  it("refuse to finish with a password that Redis does not have", async () => {
    const rig = createRig();
    const token = rig.startManaged();
    await step(rig, "createSecret", token);
    await expect(step(rig, "finishSecret", token)).rejects.toMatchObject({ code: "NewPasswordRejected" });
    expect(rig.passwordAt("AWSCURRENT")).toBe(FIRST_PASSWORD);
  });

  it("refuse a released version: the token's rotation is over", async () => {
    const rig = createRig();
    const token = rig.startManaged();
    await step(rig, "createSecret", token);
    rig.tencentDb.failNext("ResetPassword", {
      kind: "error",
      code: "InvalidParameterValue.PasswordRuleError",
    });
    await expect(step(rig, "setSecret", token)).rejects.toMatchObject({ code: "PasswordRefused" });
    expect(rig.at("AWSPENDING")).toBeUndefined();
    await expect(step(rig, "createSecret", token)).rejects.toMatchObject({ code: "VersionNotPending" });
    const next = rig.startManaged();
    await allSteps(rig, next);
    expect(rig.at("AWSCURRENT")).toBe(next);
  });

  it("refuse to prove a pending version of another instance", async () => {
    const rig = createRig();
    const token = rig.startManaged();
    rig.putPending({ instanceId: "crs-another", password: "another-password-1" }, token);
    await expect(step(rig, "testSecret", token)).rejects.toMatchObject({ code: "SecretInvalid" });
  });
});

describe("finishSecret with Redis out of reach", () => {
  it("waits for the path, then promotes", async () => {
    const rig = createRig();
    const token = rig.startManaged();
    for (const name of STEPS.slice(0, 3)) await step(rig, name, token);
    rig.redis.unknownNext(5);
    await step(rig, "finishSecret", token);
    expectRotated(rig, token);
  });

  it("promotes on the task's word where that is enough", async () => {
    const rig = createRig();
    const token = rig.startManaged();
    for (const name of STEPS.slice(0, 3)) await step(rig, name, token);
    rig.redis.unknownNext(Number.POSITIVE_INFINITY);
    await step(rig, "finishSecret", token, rig.run({ verify: "task" }));
    expectRotated(rig, token);
  });
});

describe("RotateSecret with RotateImmediately=false", () => {
  it("passes where the current password opens Redis and the configuration is good", async () => {
    const rig = createRig();
    const token = rig.startManaged(false);
    await step(rig, "testSecret", token);
    expect(rig.passwordAt("AWSCURRENT")).toBe(FIRST_PASSWORD);
    expect(rig.calls("ResetPassword")).toBe(0);
  });

  it("fails with the reason where the current password opens nothing", async () => {
    const rig = createRig();
    await rig.redis.setPassword(INSTANCE.instanceId, "default", "changed-by-hand-1");
    const token = rig.startManaged(false);
    await expect(step(rig, "testSecret", token)).rejects.toMatchObject({ code: "CurrentPasswordRejected" });
  });

  it("fails with the reason where the instance is isolated", async () => {
    const rig = createRig({ instance: { status: -2 } });
    const token = rig.startManaged(false);
    await expect(step(rig, "testSecret", token)).rejects.toMatchObject({ code: "InstanceGone" });
  });

  it("passes without a path to Redis where the task's word is enough", async () => {
    const rig = createRig({ secret: { host: "10.0.0.99" }, context: { verify: "task" } });
    await step(rig, "testSecret", rig.startManaged(false));
  });
});
