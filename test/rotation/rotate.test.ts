import { describe, expect, it } from "vitest";
import { RotationError } from "../../lib/errors.ts";
import { rotateSecret } from "../../lib/rotation/rotate.ts";
import { DUE, expectRotated, rotated } from "./expectations.ts";
import { ACCOUNT, createRig, DAY_MS, FIRST_PASSWORD, INSTANCE, NAME, type Rig } from "./rig.ts";

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
          changePassword: (account, change) => {
            stored.push(rig.passwordAt("AWSPENDING") === change.password);
            return rig.controlPlane.changePassword(account, change);
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
    await rig.controlPlane.changePassword(ACCOUNT, { password: "joined-password-1" });
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

  it("starts afresh where it is for another instance, and the current password opens this one", async () => {
    const rig = createRig();
    const staleId = rig.putPending({ instanceId: "crs-another", password: "joined-password-1" });
    await rotated(rig);
    expect(rig.passwordAt("AWSCURRENT")).not.toBe("joined-password-1");
    expect(rig.at("AWSCURRENT")).not.toBe(staleId);
  });

  it("refuses one that is for another instance where the current password opens nothing", async () => {
    const rig = createRig();
    rig.putPending({ instanceId: "crs-another", password: "joined-password-1" });
    await rig.redis.setPassword(INSTANCE.instanceId, "default", "changed-by-hand-1");
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
