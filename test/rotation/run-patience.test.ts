import { describe, expect, it } from "vitest";
import type { ControlPlane } from "../../lib/ports.ts";
import { rotateSecret } from "../../lib/rotation/rotate.ts";
import { DUE, rotated } from "./expectations.ts";
import { createRig, INSTANCE, NAME, type Rig } from "./rig.ts";

const NAMED = `instance ${INSTANCE.instanceId} in ${INSTANCE.region}`;
const told = (text: string) => expect.stringContaining(text);

describe("a run that stops says where its time ended, and what it has done by then", () => {
  it("before a task was started: nothing", async () => {
    const rig = createRig();
    rig.tencentDb.startOtherFlow(INSTANCE.instanceId, 60_000);
    expect((await rotateSecret(rig.run({}, 10_000), NAME, DUE)).error).toMatchObject({
      effect: "none",
      message: told("The time of this run ended before a task was started."),
    });
  });

  it("before the password could be seen through: nothing", async () => {
    const rig = createRig();
    expect((await rotateSecret(rig.run({}, 20_000), NAME, DUE)).error).toMatchObject({
      effect: "none",
      message: told("The time of this run ended with less than 30 s left to send the password."),
    });
  });

  it("while a task ran: the task is named", async () => {
    const rig = createRig({ taskDurationMs: 60_000 });
    expect((await rotateSecret(rig.run({}, 40_000), NAME, DUE)).error).toMatchObject({
      effect: "unknown",
      message: told("The time of this run ended while waiting for task 16657."),
    });
  });

  it("after a lost reply: nobody knows", async () => {
    const rig = createRig();
    rig.tencentDb.failNext("ResetPassword", { kind: "hang" }, { times: 9 });
    expect(await rotateSecret(rig.run({}, 50_000), NAME, DUE)).toMatchObject({
      status: "in-progress",
      error: { effect: "unknown" },
    });
  });
});

describe("a run gives up", () => {
  it("after three tasks that failed, with the last one's words", async () => {
    const rig = createRig();
    for (let i = 0; i < 3; i++) rig.tencentDb.planNextTask({ ending: "error" });
    expect((await rotateSecret(rig.context, NAME, DUE)).error).toMatchObject({
      code: "TaskFailed",
      effect: "none",
      message: told(
        `3 password tasks of ${NAMED} ended without the new password opening it; the last was 16659: ` +
          "The flow ended with an error. See",
      ),
    });
  });

  it("and does not show the password, where those words quote it", async () => {
    const rig = createRig();
    for (let i = 0; i < 3; i++) rig.tencentDb.planNextTask({ ending: "error" });
    const quoted = () => `${rig.passwordAt("AWSPENDING")} was not taken`;
    const controlPlane: ControlPlane = {
      ...rig.controlPlane,
      async describeTask(...asked) {
        const task = await rig.controlPlane.describeTask(...asked);
        return task.state === "failed" ? { ...task, message: quoted() } : task;
      },
    };
    const { error } = await rotateSecret(rig.run({ controlPlane }), NAME, DUE);
    expect(error?.message).toContain("the last was 16659: *** was not taken");
    expect(error?.message).not.toContain(rig.passwordAt("AWSPENDING"));
  });

  it("after three tasks that succeeded and changed nothing", async () => {
    const rig = createRig();
    for (let i = 0; i < 3; i++) rig.tencentDb.planNextTask({ ending: "succeed", changes: false });
    const { error } = await rotateSecret(rig.context, NAME, DUE);
    expect(error?.message).toContain("without the new password opening it; the last was 16659. See");
  });

  it("after twelve refusals, with the last one's code", async () => {
    const rig = createRig();
    rig.tencentDb.failNext("ResetPassword", { kind: "error", code: "InternalError" }, { times: 11 });
    rig.tencentDb.failNext("ResetPassword", { kind: "error", code: "RequestLimitExceeded" });
    const { error } = await rotateSecret(rig.context, NAME, DUE);
    expect([error?.code, rig.calls("ResetPassword")]).toEqual(["Throttled", 12]);
  });

  it("after sixty refusals because another flow holds the instance", async () => {
    const rig = createRig();
    const busy = { kind: "error", code: "ResourceUnavailable.InstanceStatusAbnormal" } as const;
    rig.tencentDb.failNext("ResetPassword", busy, { times: 99 });
    const { error } = await rotateSecret(rig.run({}, 7_200_000), NAME, DUE);
    expect([error?.code, rig.calls("ResetPassword")]).toEqual(["InstanceBusy", 60]);
  });

  it("where the instance is isolated while it waits", async () => {
    const rig = createRig();
    rig.tencentDb.startOtherFlow(INSTANCE.instanceId, 5_000);
    const running = rotateSecret(rig.context, NAME, DUE);
    await rig.clock.sleep(3_000);
    rig.tencentDb.instance(INSTANCE.instanceId).status = -2;
    const { error } = await running;
    expect(error).toMatchObject({ code: "InstanceGone", effect: "none" });
    expect(error?.message).toMatch(/^Instance crs-5a4py64p in ap-guangzhou is isolated or deleted\. /);
  });

  it("where its version was released while it waited", async () => {
    const rig = createRig();
    rig.tencentDb.startOtherFlow(INSTANCE.instanceId, 30_000);
    const running = rotateSecret(rig.context, NAME, DUE);
    await rig.clock.sleep(10_000);
    await rig.store.release(NAME, rig.at("AWSPENDING") ?? "");
    expect((await running).error).toMatchObject({
      code: "VersionNotPending",
      message: told(`The pending version of secret ${NAME} was released or replaced while this run waited`),
    });
  });
});

describe("a Redis that cannot be asked", () => {
  const loseThePath = (rig: Rig) => rig.redis.unknownNext(Number.POSITIVE_INFINITY);
  const restoreThePath = (rig: Rig) => rig.redis.unknownNext(0);

  it("is no reason to give up while the task runs, however long", async () => {
    const rig = createRig({ taskDurationMs: 90_000 });
    const running = rotateSecret(rig.context, NAME, DUE);
    await rig.clock.sleep(2_000);
    loseThePath(rig);
    await rig.clock.sleep(80_000);
    restoreThePath(rig);
    expect(await running).toMatchObject({ status: "rotated" });
  });

  it("is waited for half a minute each time anew", async () => {
    const rig = createRig();
    rig.putPending({ password: "joined-password-1" });
    loseThePath(rig);
    const running = rotateSecret(rig.context, NAME, DUE);
    await rig.clock.sleep(20_000);
    restoreThePath(rig);
    await rig.clock.sleep(5_000);
    loseThePath(rig);
    await rig.clock.sleep(25_000);
    restoreThePath(rig);
    expect(await running).toMatchObject({ status: "rotated" });
  });

  it("is given up half a minute after the task, and told of with the reason", async () => {
    const rig = createRig();
    const running = rotateSecret(rig.context, NAME, DUE);
    await rig.clock.sleep(2_000);
    loseThePath(rig);
    const { error, durationMs } = await running;
    expect(error).toMatchObject({
      code: "NotVerified",
      message: told(
        `The task for ${NAMED} succeeded, but the new password could not be proven: The connection timed out.`,
      ),
    });
    expect(durationMs).toBeGreaterThanOrEqual(39_000);
    expect(durationMs).toBeLessThan(45_000);
  });
});

describe("the end of the task after the promotion", () => {
  it("is asked for at once: a task that has ended costs no further time", async () => {
    const result = await rotateSecret(createRig({ taskTailMs: 0 }).context, NAME, DUE);
    expect(result.durationMs).toBeLessThan(9_200);
  });

  it("is asked for at the pace of the other looks at the task", async () => {
    const rig = createRig({ taskDurationMs: 60_000, taskTailMs: 55_000 });
    await rotated(rig);
    expect(rig.calls("DescribeTaskInfo")).toBeLessThan(40);
  });

  it("is waited for two minutes at most", async () => {
    const rig = createRig({ taskDurationMs: 400_000, taskTailMs: 395_000 });
    const result = await rotateSecret(rig.context, NAME, DUE);
    expect(result).toMatchObject({ status: "rotated" });
    expect(result.durationMs).toBeGreaterThan(124_000);
    expect(result.durationMs).toBeLessThan(130_000);
  });

  it("is told of where it is a failure", async () => {
    const rig = createRig();
    rig.tencentDb.planNextTask({ ending: "failed", changes: true, tailMs: 4_000 });
    expect((await rotateSecret(rig.context, NAME, DUE)).error?.message).toContain(
      `Task 16657 of ${NAMED} failed after the new password was proven and made current: verify the secret`,
    );
  });
});
