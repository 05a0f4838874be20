import { describe, expect, it } from "vitest";
import { rotateSecret } from "../../lib/rotation/rotate.ts";
import { DUE, expectRotated, rotated } from "./expectations.ts";
import { createRig, FIRST_PASSWORD, INSTANCE, NAME } from "./rig.ts";

describe("what goes wrong on the way", () => {
  it("a lost reply: looks for the task before it sends again, and need not", async () => {
    const rig = createRig();
    rig.tencentDb.failNext("ResetPassword", { kind: "reset", carriedOut: true });
    await rotated(rig);
    expect(rig.tencentDb.passwordsSent(INSTANCE.instanceId)).toMatchObject({ calls: 1 });
  });

  it("a request that never arrived: sends the same password again", async () => {
    const rig = createRig();
    rig.tencentDb.failNext("ResetPassword", { kind: "hang" });
    await rotated(rig);
    expect(rig.calls("ResetPassword")).toBe(2);
  });

  it("a busy instance: waits until its flow is over", async () => {
    const rig = createRig();
    rig.tencentDb.startOtherFlow(INSTANCE.instanceId, 60_000);
    const result = await rotateSecret(rig.context, NAME, DUE);
    expect(result.durationMs).toBeGreaterThan(60_000);
    expectRotated(rig);
    expect(rig.calls("ResetPassword")).toBe(1);
  });

  it("an instance that becomes busy just before: is refused once, and waits", async () => {
    const rig = createRig();
    rig.tencentDb.failNext("ResetPassword", {
      kind: "error",
      code: "ResourceUnavailable.InstanceStatusAbnormal",
    });
    await rotated(rig);
    expect(rig.calls("ResetPassword")).toBe(2);
  });

  it("refusals without end: gives up after a while, and the next run carries on", async () => {
    const rig = createRig();
    rig.tencentDb.failNext(
      "ResetPassword",
      { kind: "error", code: "FailedOperation.SystemError" },
      { times: 12 },
    );
    const result = await rotateSecret(rig.context, NAME, DUE);
    expect(result).toMatchObject({ status: "failed", error: { code: "CloudUnavailable" } });
    expect(result.durationMs).toBeLessThan(120_000);
    await rotated(rig);
  });

  it("throttling: sends again after a pause", async () => {
    const rig = createRig();
    rig.tencentDb.failNext("ResetPassword", { kind: "error", code: "RequestLimitExceeded" }, { times: 3 });
    await rotated(rig);
  });

  it("a task that fails: the same password once more", async () => {
    const rig = createRig();
    rig.tencentDb.planNextTask({ ending: "failed" });
    await rotated(rig);
    expect(rig.calls("ResetPassword")).toBe(2);
  });

  it("tasks that fail again and again: gives up, and keeps the pending password for the next run", async () => {
    const rig = createRig();
    for (let i = 0; i < 3; i++) rig.tencentDb.planNextTask({ ending: "error" });
    const result = await rotateSecret(rig.context, NAME, DUE);
    expect(result).toMatchObject({ status: "failed", error: { code: "TaskFailed" } });
    expect(rig.opens(FIRST_PASSWORD)).toBe(true);
    await rotated(rig);
  });

  it("a task that succeeds and changes nothing: the same password once more", async () => {
    const rig = createRig();
    rig.tencentDb.planNextTask({ ending: "succeed", changes: false });
    await rotated(rig);
    expect(rig.calls("ResetPassword")).toBe(2);
  });

  it("an unknown task status is no end", async () => {
    const rig = createRig();
    rig.tencentDb.planNextTask({ statusUntilEnd: "converging", durationMs: 20_000 });
    await rotated(rig);
  });

  it("polls that fail while the task runs: AUTH alone finishes the rotation", async () => {
    const rig = createRig();
    rig.tencentDb.failNext(
      "DescribeTaskInfo",
      { kind: "error", code: "UnauthorizedOperation" },
      { times: 99 },
    );
    await rotated(rig);
  });

  it("a first look at the tasks that fails for now: waits instead of sending blindly", async () => {
    const rig = createRig();
    rig.putPending({ password: "joined-password-1" });
    rig.tencentDb.failNext("DescribeTaskList", { kind: "error", code: "InternalError" }, { times: 2 });
    await rotated(rig);
    expect(rig.calls("DescribeTaskList")).toBe(3);
  });

  it("a first look at the tasks that is refused for good: fails with nothing sent", async () => {
    const rig = createRig();
    rig.putPending({ password: "joined-password-1" });
    rig.tencentDb.failNext("DescribeTaskList", { kind: "error", code: "UnauthorizedOperation" });
    const result = await rotateSecret(rig.context, NAME, DUE);
    expect(result).toMatchObject({ status: "failed", error: { code: "AccessDenied", effect: "none" } });
    expect(rig.calls("ResetPassword")).toBe(0);
  });

  it("an instance that is isolated while it is busy: fails", async () => {
    const rig = createRig();
    rig.tencentDb.startOtherFlow(INSTANCE.instanceId, 5_000);
    const running = rotateSecret(rig.context, NAME, DUE);
    rig.tencentDb.instance(INSTANCE.instanceId).status = 1;
    await Promise.resolve();
    const isolate = rig.clock.sleep(3_000).then(() => {
      rig.tencentDb.instance(INSTANCE.instanceId).status = -2;
    });
    await isolate;
    expect(await running).toMatchObject({ status: "failed", error: { code: "InstanceGone" } });
  });

  it("a password refused after a lost reply: stays pending, and the next run decides", async () => {
    const rig = createRig();
    rig.tencentDb.failNext("ResetPassword", { kind: "reset" });
    rig.tencentDb.failNext(
      "ResetPassword",
      { kind: "error", code: "InvalidParameterValue.PasswordError" },
      { times: 2 },
    );
    expect(await rotateSecret(rig.context, NAME, DUE)).toMatchObject({ error: { code: "PasswordRefused" } });
    expect(rig.at("AWSPENDING")).toBeDefined();
    expect(await rotateSecret(rig.run(), NAME, DUE)).toMatchObject({ error: { code: "PasswordRefused" } });
    expect(rig.at("AWSPENDING")).toBeUndefined();
  });

  it("an answer of unknown meaning to a change that was carried out: looks, and goes on", async () => {
    const rig = createRig();
    rig.tencentDb.failNext("ResetPassword", { kind: "error", code: "SomethingNew", carriedOut: true });
    await rotated(rig);
    expect(rig.tencentDb.passwordsSent(INSTANCE.instanceId)).toMatchObject({ calls: 1 });
  });

  it("a password refused for good: is released, and the next rotation draws another", async () => {
    const rig = createRig();
    rig.tencentDb.failNext("ResetPassword", {
      kind: "error",
      code: "InvalidParameterValue.PasswordRuleError",
    });
    const result = await rotateSecret(rig.context, NAME, DUE);
    expect(result).toMatchObject({ status: "failed", error: { code: "PasswordRefused", effect: "none" } });
    expect(rig.at("AWSPENDING")).toBeUndefined();
    expect(rig.events).toContainEqual(expect.objectContaining({ type: "released" }));
    expect(await rotateSecret(rig.run(), NAME, DUE)).toMatchObject({ status: "rotated" });
    expect(rig.opens(rig.passwordAt("AWSCURRENT"))).toBe(true);
    expect(rig.tencentDb.passwordsSent(INSTANCE.instanceId).distinct).toBe(2);
  });

  it("a refusal for good that is not about the password: keeps it pending", async () => {
    const rig = createRig();
    rig.tencentDb.failNext("ResetPassword", { kind: "error", code: "UnauthorizedOperation.NoCAMAuthed" });
    expect(await rotateSecret(rig.context, NAME, DUE)).toMatchObject({ error: { code: "AccessDenied" } });
    expect(rig.at("AWSPENDING")).toBeDefined();
    await rotated(rig);
  });

  it("a defect: is told by its kind and place, without its message", async () => {
    const rig = createRig();
    const probe = async () => {
      throw new TypeError(`cannot read ${FIRST_PASSWORD}`);
    };
    const { status, error } = await rotateSecret(rig.run({ probe }), NAME, DUE);
    expect([status, error?.code, error?.effect]).toEqual(["failed", "Internal", "unknown"]);
    expect(error?.message).toContain("TypeError");
    expect(error?.message).not.toContain(FIRST_PASSWORD);
  });

  it("something thrown that is no error: is told as such", async () => {
    const rig = createRig();
    const probe = async () => Promise.reject("text");
    expect(await rotateSecret(rig.run({ probe }), NAME, DUE)).toMatchObject({ error: { code: "Internal" } });
  });
});
