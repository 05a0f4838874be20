import { describe, expect, it } from "vitest";
import { planSecret, statusOfSecret, verifySecret } from "../../lib/rotation/inspect.ts";
import { createRig, DAY_MS, INSTANCE, NAME, type Rig } from "./rig.ts";

const OPTIONS = { intervalDays: 30, force: false };
const setByHand = (rig: Rig, password: string) =>
  rig.redis.setPassword(INSTANCE.instanceId, "default", password);

describe("status", () => {
  it.each([
    ["planned", 40 * DAY_MS],
    ["not-due", 3 * DAY_MS],
  ])("is %s by the age of the current version", async (status, ageMs) => {
    expect(await statusOfSecret(createRig({ ageMs }).context, NAME, { intervalDays: 30 })).toMatchObject({
      status,
    });
  });

  it("is in-progress where a version is pending", async () => {
    const rig = createRig();
    rig.putPending({ password: "pending-password-1" });
    expect(await statusOfSecret(rig.context, NAME, { intervalDays: 30 })).toMatchObject({
      status: "in-progress",
    });
    expect(rig.tencentDb.calls).toEqual([]);
  });

  it("fails where the secret does not exist", async () => {
    const result = await statusOfSecret(createRig().context, "redis/missing", { intervalDays: 30 });
    expect(result).toMatchObject({ status: "failed", error: { code: "SecretNotFound" } });
    expect(result.instanceId).toBeUndefined();
  });

  it("fails where the secret has no current value", async () => {
    const rig = createRig();
    const store = { ...rig.store, read: async () => undefined };
    expect(await statusOfSecret(rig.run({ store }), NAME, { intervalDays: 30 })).toMatchObject({
      error: { code: "SecretInvalid" },
    });
  });
});

describe("plan", () => {
  it.each([
    ["planned", 40 * DAY_MS, false],
    ["not-due", 3 * DAY_MS, false],
    ["planned", 3 * DAY_MS, true],
  ])("is %s, and touches nothing", async (status, ageMs, force) => {
    const rig = createRig({ ageMs });
    expect(await planSecret(rig.context, NAME, { ...OPTIONS, force })).toMatchObject({ status });
    expect([rig.calls("ResetPassword"), rig.calls("PutSecretValue")]).toEqual([0, 0]);
  });

  it("names what would stop the rotation", async () => {
    const rig = createRig({ instance: { noAuth: true } });
    expect(await planSecret(rig.context, NAME, OPTIONS)).toMatchObject({
      status: "failed",
      error: { code: "InstancePasswordFree" },
    });
  });
});

describe("verify", () => {
  it("is ok where the current password opens Redis", async () => {
    expect(await verifySecret(createRig().context, NAME)).toMatchObject({ status: "ok" });
  });

  it.each([
    ["the pending one does", "pending-password-1"],
    ["nor does another version's", "changed-by-hand-1"],
  ])("is drift where it does not, and says: %s", async (says, password) => {
    const rig = createRig();
    rig.putPending({ password: "pending-password-1" });
    await setByHand(rig, password);
    expect(await verifySecret(rig.context, NAME)).toMatchObject({
      status: "drift",
      error: { code: "Drift", message: expect.stringContaining(says) },
    });
  });

  it("fails where Redis cannot be asked", async () => {
    const rig = createRig();
    rig.redis.unknownNext(1);
    expect(await verifySecret(rig.context, NAME)).toMatchObject({
      status: "failed",
      error: { code: "RedisUnreachable" },
    });
  });
});
