import { describe, expect, it } from "vitest";
import { RotationError } from "../../lib/errors.ts";
import { rollbackSecret, rotateSecret } from "../../lib/rotation/rotate.ts";
import { createRig, DAY_MS, FIRST_PASSWORD, INSTANCE, NAME, type Rig, type RigOptions } from "./rig.ts";

/** Somebody else's Redis, which rejects the password. */
const OTHER_REDIS = "10.0.0.77";
const DUE = { intervalDays: 30, force: false };

async function rotated(rig: Rig): Promise<void> {
  expect(await rotateSecret(rig.run(), NAME, DUE)).toMatchObject({ status: "rotated" });
  expectRotated(rig);
}

function expectRotated(rig: Rig): void {
  expect(rig.at("AWSPENDING")).toBeUndefined();
  expect(rig.passwordAt("AWSPREVIOUS")).toBe(FIRST_PASSWORD);
  expect(rig.passwordAt("AWSCURRENT")).not.toBe(FIRST_PASSWORD);
  expect(rig.opens(rig.passwordAt("AWSCURRENT"))).toBe(true);
  expect(rig.opens(FIRST_PASSWORD)).toBe(false);
  expect(rig.tencentDb.passwordsSent(INSTANCE.instanceId).distinct).toBe(1);
}

describe("a driven run", () => {
  it("leaves the new password in Redis and current, the old one previous, and nothing pending", async () => {
    const rig = createRig();
    const result = await rotateSecret(rig.context, NAME, DUE);
    expectRotated(rig);
    expect(result).toMatchObject({
      secretId: NAME,
      instanceId: INSTANCE.instanceId,
      region: INSTANCE.region,
      status: "rotated",
      versionId: rig.at("AWSCURRENT"),
      taskId: 16_657,
    });
    // The task changes the password 500 ms before its end; the probe comes every 100 ms.
    expect(result.durationMs).toBeGreaterThanOrEqual(8_500);
    expect(result.exposureMs).toBeLessThanOrEqual(200);
  });

  it("keeps every other field of the secret, known or not", async () => {
    const rig = createRig();
    await rotated(rig);
    const { versions } = rig.secretsManager.inspect(NAME);
    const [before, after] = versions.map(({ content }) => JSON.parse(content?.SecretString ?? ""));
    expect({ ...after, password: FIRST_PASSWORD }).toEqual(before);
    expect(after.team).toEqual({ name: "orders", pager: 7 });
  });

  it("stores the password before it sends it", async () => {
    const stored: boolean[] = [];
    const rig: Rig = createRig({
      context: {
        controlPlane: {
          ...createRig().controlPlane,
          describeInstance: (instance) => rig.controlPlane.describeInstance(instance),
          describeTask: (instance, taskId) => rig.controlPlane.describeTask(instance, taskId),
          changePassword: (instance, password) => {
            stored.push(rig.passwordAt("AWSPENDING") === password);
            return rig.controlPlane.changePassword(instance, password);
          },
        },
      },
    });
    await rotated(rig);
    expect(stored).toEqual([true]);
  });

  it("promotes as soon as AUTH proves the password, and ends when the task has ended", async () => {
    const rig = createRig({ taskDurationMs: 20_000, taskTailMs: 12_000 });
    const result = await rotateSecret(rig.context, NAME, DUE);
    expect(result).toMatchObject({ status: "rotated" });
    expect(result.exposureMs).toBeLessThanOrEqual(200);
    expect(result.durationMs).toBeGreaterThanOrEqual(20_000);
  });

  it("does not wait beyond its time for the end of the task", async () => {
    const rig = createRig({ taskDurationMs: 300_000, taskTailMs: 295_000 });
    const result = await rotateSecret(rig.run({}, 40_000), NAME, DUE);
    expect(result).toMatchObject({ status: "rotated" });
    expect(result.durationMs).toBeLessThan(45_000);
  });

  it("says so where the task fails after its password was proven", async () => {
    const rig = createRig();
    rig.tencentDb.planNextTask({ ending: "failed", changes: true, tailMs: 4_000 });
    const result = await rotateSecret(rig.context, NAME, DUE);
    expect(result).toMatchObject({ status: "failed", error: { code: "TaskFailed", effect: "applied" } });
    expect(rig.opens(rig.passwordAt("AWSCURRENT"))).toBe(true);
  });

  it("tells of each step and of the task, in order", async () => {
    const rig = createRig();
    await rotated(rig);
    const told = rig.events.map((event) => (event.type === "step" ? event.step : event.type));
    expect(told).toEqual(["createSecret", "sent", "task", "setSecret", "testSecret", "finishSecret", "task"]);
  });

  it("skips a secret whose current version is young, unless forced", async () => {
    const rig = createRig({ ageMs: 29 * DAY_MS });
    expect(await rotateSecret(rig.context, NAME, DUE)).toMatchObject({
      status: "not-due",
      versionId: rig.at("AWSCURRENT"),
    });
    expect(rig.opens(FIRST_PASSWORD)).toBe(true);
    expect(await rotateSecret(rig.context, NAME, { ...DUE, force: true })).toMatchObject({
      status: "rotated",
    });
    expectRotated(rig);
  });

  it("finds the address by DescribeInstances where the secret has none", async () => {
    await rotated(createRig({ secret: { host: undefined, port: undefined } }));
  });

  it("rotates a drifted secret, whose current password opens nothing", async () => {
    const rig = createRig();
    await rig.redis.setPassword(INSTANCE.instanceId, "default", "changed-by-hand-1");
    expect(await rotateSecret(rig.context, NAME, DUE)).toMatchObject({ status: "rotated" });
    expect(rig.opens(rig.passwordAt("AWSCURRENT"))).toBe(true);
  });
});

describe("a driven run that finds a pending version", () => {
  it("joins it, though the current version is young", async () => {
    const rig = createRig({ ageMs: DAY_MS });
    rig.putPending({ password: "joined-password-1" });
    await rotated(rig);
    expect(rig.passwordAt("AWSCURRENT")).toBe("joined-password-1");
  });

  it("finishes without sending anything where Redis has the password already", async () => {
    const rig = createRig();
    rig.putPending({ password: "joined-password-1" });
    await rig.redis.setPassword(INSTANCE.instanceId, "default", "joined-password-1");
    const result = await rotateSecret(rig.context, NAME, DUE);
    expect(result).toMatchObject({ status: "rotated" });
    expect(result.exposureMs).toBeUndefined();
    expect(rig.calls("ResetPassword")).toBe(0);
    expect(rig.passwordAt("AWSCURRENT")).toBe("joined-password-1");
  });

  it("waits for the task that another run has started instead of sending again", async () => {
    const rig = createRig();
    rig.putPending({ password: "joined-password-1" });
    await rig.controlPlane.changePassword(INSTANCE, "joined-password-1");
    await rotated(rig);
    expect(rig.calls("ResetPassword")).toBe(1);
  });

  it("gives a placeholder without a value its value", async () => {
    const rig = createRig();
    const token = rig.startManaged();
    await rotated(rig);
    expect(rig.at("AWSCURRENT")).toBe(token);
  });

  it("takes the label off a version that became current without it, and sends nothing more", async () => {
    const rig = createRig({
      storeAt: ({ call, phase }) => {
        if (call === "promote" && phase === "between" && !died) {
          died = true;
          throw new RotationError("StoreUnavailable", "died here", { effect: "unknown" });
        }
      },
    });
    let died = false;
    expect(await rotateSecret(rig.context, NAME, DUE)).toMatchObject({ status: "failed" });
    expect(rig.at("AWSPENDING")).toBe(rig.at("AWSCURRENT"));
    expect(await rotateSecret(rig.run(), NAME, DUE)).toMatchObject({ status: "not-due" });
    expectRotated(rig);
    expect(rig.calls("ResetPassword")).toBe(1);
  });

  it("rotates where a label was left on the current version by another function", async () => {
    const rig = createRig();
    rig.secretsManager.call("UpdateSecretVersionStage", {
      SecretId: NAME,
      VersionStage: "AWSPENDING",
      MoveToVersionId: rig.at("AWSCURRENT") ?? "",
    });
    await rotated(rig);
  });

  it("refuses one that is for another instance or account", async () => {
    const rig = createRig();
    rig.putPending({ instanceId: "crs-another", password: "joined-password-1" });
    const { error } = await rotateSecret(rig.context, NAME, DUE);
    expect(error).toMatchObject({ code: "SecretInvalid", message: expect.stringContaining("instanceId") });
    expect(rig.calls("ResetPassword")).toBe(0);
  });
});

describe("two driven runs at once", () => {
  it("stage one version, send one password and both end well", async () => {
    const rig = createRig();
    const results = await Promise.all([
      rotateSecret(rig.run(), NAME, DUE),
      rotateSecret(rig.run(), NAME, DUE),
    ]);
    expect(results.map(({ status }) => status)).toEqual(["rotated", "rotated"]);
    expect(new Set(results.map(({ versionId }) => versionId)).size).toBe(1);
    expectRotated(rig);
  });

  it("do not rotate twice where one is over before the other has staged", async () => {
    const rig: Rig = createRig({
      storeAt: async ({ call, phase }) => {
        if (call !== "stage" || phase !== "before" || overtaken) return;
        overtaken = true;
        await rotated(rig);
      },
    });
    let overtaken = false;
    await rotated(rig);
    expect(rig.calls("ResetPassword")).toBe(1);
  });

  it("leave it to the next run where the secret was rotated twice meanwhile", async () => {
    const rig: Rig = createRig({
      storeAt: async ({ call, phase }) => {
        if (call !== "stage" || phase !== "before" || overtaken) return;
        overtaken = true;
        await rotated(rig);
        expect(await rotateSecret(rig.run(), NAME, { ...DUE, force: true })).toMatchObject({
          status: "rotated",
        });
      },
    });
    let overtaken = false;
    const result = await rotateSecret(rig.context, NAME, DUE);
    expect(result).toMatchObject({ status: "failed", error: { code: "StoreConflict", effect: "none" } });
    expect(rig.opens(rig.passwordAt("AWSCURRENT"))).toBe(true);
    expect(rig.calls("ResetPassword")).toBe(2);
  });
});

describe("before anything is touched", () => {
  it("an instance that takes any password fails the rotation", async () => {
    const rig = createRig({ context: { probe: async () => ({ answer: "accepted" }) } });
    expect(await rotateSecret(rig.context, NAME, DUE)).toMatchObject({
      error: { code: "InstancePasswordFree" },
    });
    expect(rig.at("AWSPENDING")).toBeUndefined();
  });

  it("an address of another Redis is no hindrance where an operator forces it", async () => {
    const rig = createRig({ secret: { host: OTHER_REDIS } });
    const result = await rotateSecret(rig.context, NAME, { ...DUE, force: true });
    expect(rig.calls("ResetPassword")).toBeGreaterThan(0);
    expect(result).toMatchObject({ status: "failed", error: { code: "TaskFailed" } });
  });

  it.each<[string, RigOptions, string]>([
    ["an isolated instance", { instance: { status: -2 } }, "InstanceGone"],
    ["an instance without a password", { instance: { noAuth: true } }, "InstancePasswordFree"],
    [
      "a length that the edition does not take",
      { instance: { type: 3 }, context: { passwordLength: 32 } },
      "PolicyContradiction",
    ],
    ["an address where nobody answers", { secret: { host: "10.0.0.99" } }, "RedisUnreachable"],
    ["an instance that is not there", { secret: { instanceId: "crs-missing" } }, "InstanceNotFound"],
    ["a secret that cannot be read", { secret: { region: "evil.example/" } }, "SecretInvalid"],
    [
      "an address of another Redis, as it seems",
      { secret: { host: OTHER_REDIS } },
      "CurrentPasswordRejected",
    ],
    ["an api that is not there yet", { secret: { api: "ModfiyRedisPassword" } }, "SecretInvalid"],
  ])("%s fails the rotation", async (_what, options, code) => {
    const rig = createRig(options);
    const result = await rotateSecret(rig.context, NAME, DUE);
    expect(result).toMatchObject({ status: "failed", error: { code, effect: "none" } });
    expect([rig.calls("ResetPassword"), rig.at("AWSPENDING")]).toEqual([0, undefined]);
  });

  it("an address where nobody answers is no hindrance where the task's word is enough", async () => {
    const rig = createRig({ secret: { host: "10.0.0.99" } });
    const result = await rotateSecret(rig.run({ verify: "task" }), NAME, DUE);
    expect(result).toMatchObject({ status: "rotated" });
    expectRotated(rig);
  });

  it("a run whose time is over does nothing", async () => {
    const rig = createRig({ remainingMs: 0 });
    expect(await rotateSecret(rig.context, NAME, DUE)).toMatchObject({ status: "in-progress" });
    expect(rig.secretsManager.calls.map(({ action }) => action)).toEqual(["CreateSecret"]);
  });
});

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

describe("near its deadline", () => {
  it("a run stops in progress while the task runs, and the next carries on without sending again", async () => {
    const rig = createRig({ taskDurationMs: 60_000 });
    const first = await rotateSecret(rig.run({}, 40_000), NAME, DUE);
    expect(first).toMatchObject({
      status: "in-progress",
      taskId: 16_657,
      versionId: rig.at("AWSPENDING"),
      error: { code: "InProgress", effect: "unknown" },
    });
    await rotated(rig);
    expect(rig.calls("ResetPassword")).toBe(1);
  });

  it("a run with 20 s left sends nothing, and the next carries on", async () => {
    const rig = createRig();
    const first = await rotateSecret(rig.run({}, 20_000), NAME, DUE);
    expect(first).toMatchObject({ status: "in-progress", error: { code: "InProgress", effect: "none" } });
    expect(rig.calls("ResetPassword")).toBe(0);
    await rotated(rig);
  });
});

describe("a run that was overtaken while it waited", () => {
  /** Runs `meanwhile` at the first call of `name` in the given phase, once. */
  function rigWith(name: string, phase: string, meanwhile: (rig: Rig) => Promise<void>): Rig {
    let done = false;
    const rig: Rig = createRig({
      storeAt: async (moment) => {
        if (moment.call !== name || moment.phase !== phase || done) return;
        done = true;
        await meanwhile(rig);
      },
    });
    return rig;
  }

  it("does not promote what it proved before another rotation", async () => {
    const rig = rigWith("promote", "before", async () => {
      await rotateSecret(rig.run(), NAME, DUE);
      await rotateSecret(rig.run(), NAME, { ...DUE, force: true });
    });
    const result = await rotateSecret(rig.context, NAME, DUE);
    expect(result).toMatchObject({ status: "failed", error: { code: "StoreConflict", effect: "none" } });
    expect(rig.opens(rig.passwordAt("AWSCURRENT"))).toBe(true);
  });

  it("takes a promotion that another run has made for its own", async () => {
    const rig = rigWith("promote", "before", async () => {
      await rotateSecret(rig.run(), NAME, DUE);
    });
    await rotated(rig);
  });

  it("promotes what Redis has though its label was taken off", async () => {
    const rig = rigWith("promote", "before", async () => {
      await rig.store.release(NAME, rig.at("AWSPENDING") ?? "");
      rig.secretsManager.call("PutSecretValue", {
        SecretId: NAME,
        ClientRequestToken: "written-by-hand-while-rotating-000",
        SecretString: "{}",
      });
    });
    expect(await rotateSecret(rig.context, NAME, DUE)).toMatchObject({ status: "rotated" });
    expect(rig.opens(rig.passwordAt("AWSCURRENT"))).toBe(true);
  });

  it("does not send a password that was abandoned meanwhile", async () => {
    const rig = createRig();
    rig.tencentDb.startOtherFlow(INSTANCE.instanceId, 30_000);
    const running = rotateSecret(rig.context, NAME, DUE);
    await rig.clock.sleep(10_000);
    await rig.store.release(NAME, rig.at("AWSPENDING") ?? "");
    expect(await running).toMatchObject({
      status: "failed",
      error: { code: "VersionNotPending", effect: "none" },
    });
    expect(rig.calls("ResetPassword")).toBe(0);
  });

  it("ends well where another run has finished while it waited for a busy instance", async () => {
    const rig = createRig();
    rig.tencentDb.startOtherFlow(INSTANCE.instanceId, 30_000);
    const running = rotateSecret(rig.context, NAME, DUE);
    await rig.clock.sleep(10_000);
    const pendingId = rig.at("AWSPENDING") ?? "";
    await rig.store.promote(NAME, pendingId, rig.at("AWSCURRENT") ?? "");
    expect(await running).toMatchObject({ status: "rotated", versionId: pendingId });
    expect([rig.calls("ResetPassword"), rig.at("AWSPENDING")]).toEqual([0, undefined]);
  });
});

describe("proof", () => {
  it("where only the task's word counts, a task that another has started counts for nothing", async () => {
    const rig = createRig();
    rig.putPending({ password: "joined-password-1" });
    await rig.controlPlane.changePassword(INSTANCE, "set-in-the-console-1");
    await rig.clock.sleep(20_000);
    rig.redis.unknownNext(Number.POSITIVE_INFINITY);
    expect(await rotateSecret(rig.run({ verify: "task" }), NAME, DUE)).toMatchObject({ status: "rotated" });
    expect(rig.opens("joined-password-1")).toBe(true);
    expect(rig.passwordAt("AWSCURRENT")).toBe("joined-password-1");
  });

  it("an old password that cannot be asked about delays the promotion, and does not stop it", async () => {
    const rig = createRig();
    const probe: typeof rig.redis.probe = async (target) => {
      const changed = rig.opens(rig.passwordAt("AWSPENDING"));
      if (changed && target.password === FIRST_PASSWORD) return { answer: "unknown", reason: "No answer." };
      return rig.redis.probe(target);
    };
    const result = await rotateSecret(rig.run({ probe }), NAME, DUE);
    expect(result).toMatchObject({ status: "rotated" });
    expect(result.exposureMs).toBeGreaterThan(10_000);
  });

  it("Redis out of reach before a joined password is sent: nothing is sent", async () => {
    const rig = createRig();
    rig.putPending({ password: "joined-password-1" });
    rig.redis.unknownNext(Number.POSITIVE_INFINITY);
    const result = await rotateSecret(rig.context, NAME, DUE);
    expect(result).toMatchObject({ status: "failed", error: { code: "RedisUnreachable", effect: "none" } });
    expect(rig.calls("ResetPassword")).toBe(0);
    rig.redis.unknownNext(0);
    await rotated(rig);
  });

  it("stays open while the task runs, and then ten seconds more", async () => {
    const rig = createRig();
    const probe: typeof rig.redis.probe = async (target) =>
      target.password === FIRST_PASSWORD ? { answer: "accepted" } : rig.redis.probe(target);
    expect(await rotateSecret(rig.run({ probe }, 12_000), NAME, DUE)).toMatchObject({
      status: "in-progress",
    });
    await rotated(rig);
  });

  it("Redis out of reach after the change: holds, says so, and the next run finishes", async () => {
    const rig = createRig();
    const rotating = rotateSecret(rig.context, NAME, DUE);
    await rig.clock.sleep(2_000);
    rig.redis.unknownNext(Number.POSITIVE_INFINITY);
    const result = await rotating;
    expect(result).toMatchObject({ status: "failed", error: { code: "NotVerified", effect: "applied" } });
    expect(rig.opens(rig.passwordAt("AWSPENDING"))).toBe(true);
    rig.redis.unknownNext(0);
    await rotated(rig);
    expect(rig.calls("ResetPassword")).toBe(1);
  });

  it.each([
    ["OldPasswordAccepted", "an old password that is accepted still", "accepted", "accepted"],
    ["NewPasswordRejected", "a new password that only some connections take", "flaky", "rejected"],
    ["NotVerified", "a path that breaks during the proof", "unknown", "rejected"],
  ])("%s: %s keeps the version pending", async (code, _what, news, old) => {
    const rig = createRig();
    let asked = 0;
    const probe: typeof rig.redis.probe = async (target) => {
      const verdict = await rig.redis.probe(target);
      if (!rig.opens(rig.passwordAt("AWSPENDING"))) return verdict;
      if (target.password === FIRST_PASSWORD) return { answer: old === "accepted" ? "accepted" : "rejected" };
      asked += 1;
      if (news === "unknown" && asked > 1) return { answer: "unknown", reason: "The path broke." };
      if (news === "flaky" && asked % 3 === 0) return { answer: "rejected" };
      return verdict;
    };
    const result = await rotateSecret(rig.run({ probe }), NAME, DUE);
    expect(result).toMatchObject({ status: "failed", error: { code } });
    expect(rig.passwordAt("AWSCURRENT")).toBe(FIRST_PASSWORD);
    await rotated(rig);
  });

  it("where the task's word is enough, a path that breaks during the proof is no hindrance", async () => {
    const rig = createRig();
    const probe: typeof rig.redis.probe = async (target) => {
      const verdict = await rig.redis.probe(target);
      const changed = rig.opens(rig.passwordAt("AWSPENDING"));
      return changed && target.password === FIRST_PASSWORD ? { answer: "unknown", reason: "x" } : verdict;
    };
    expect(await rotateSecret(rig.run({ probe, verify: "task" }), NAME, DUE)).toMatchObject({
      status: "rotated",
    });
  });
});

describe("rollback", () => {
  it("puts the previous password back on both sides", async () => {
    const rig = createRig();
    await rotated(rig);
    const second = rig.passwordAt("AWSCURRENT");
    expect(await rollbackSecret(rig.run(), NAME)).toMatchObject({ status: "rotated" });
    expect(rig.passwordAt("AWSCURRENT")).toBe(FIRST_PASSWORD);
    expect(rig.passwordAt("AWSPREVIOUS")).toBe(second);
    expect([rig.opens(FIRST_PASSWORD), rig.opens(second)]).toEqual([true, false]);
  });

  it("carries on where it was cut off", async () => {
    const rig = createRig();
    await rotated(rig);
    rig.tencentDb.planNextTask({ durationMs: 60_000 });
    expect(await rollbackSecret(rig.run({}, 40_000), NAME)).toMatchObject({ status: "in-progress" });
    expect(await rollbackSecret(rig.run(), NAME)).toMatchObject({ status: "rotated" });
    expect(rig.opens(FIRST_PASSWORD)).toBe(true);
  });

  it("is refused where there is no previous version", async () => {
    const rig = createRig();
    expect(await rollbackSecret(rig.context, NAME)).toMatchObject({ error: { code: "SecretInvalid" } });
  });

  it("is refused where the previous password is the current one", async () => {
    const rig = createRig();
    rig.secretsManager.call("PutSecretValue", {
      SecretId: NAME,
      ClientRequestToken: "edited-by-hand-without-a-new-password",
      SecretString: JSON.stringify({ ...JSON.parse(rig.textAt("AWSCURRENT") ?? ""), note: "edited" }),
    });
    expect(await rollbackSecret(rig.context, NAME)).toMatchObject({ error: { code: "SecretInvalid" } });
    expect(rig.at("AWSPENDING")).toBeUndefined();
  });

  it("is refused while another rotation is pending", async () => {
    const rig = createRig();
    await rotated(rig);
    rig.putPending({ password: "joined-password-1" });
    expect(await rollbackSecret(rig.run(), NAME)).toMatchObject({ error: { code: "RotationPending" } });
  });
});
