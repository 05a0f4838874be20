import { describe, expect, it } from "vitest";
import { abandonSecret } from "../../lib/rotation/abandon.ts";
import { ACCOUNT, createRig, FIRST_PASSWORD, INSTANCE, NAME, type Rig } from "./rig.ts";

const setByHand = (rig: Rig, password: string) =>
  rig.redis.setPassword(INSTANCE.instanceId, "default", password);

describe("abandon", () => {
  it("takes the label off a pending version whose password never reached Redis", async () => {
    const rig = createRig();
    rig.putPending({ password: "pending-password-1" });
    expect(await abandonSecret(rig.context, NAME, false)).toMatchObject({ status: "ok" });
    expect([rig.at("AWSPENDING"), rig.passwordAt("AWSCURRENT")]).toEqual([undefined, FIRST_PASSWORD]);
  });

  it("does nothing where nothing is pending", async () => {
    const rig = createRig();
    expect(await abandonSecret(rig.context, NAME, false)).toMatchObject({ status: "ok" });
    expect(rig.calls("UpdateSecretVersionStage")).toBe(0);
  });

  it("takes the label off a version without a value", async () => {
    const rig = createRig();
    rig.startManaged();
    expect(await abandonSecret(rig.context, NAME, false)).toMatchObject({ status: "ok" });
    expect(rig.at("AWSPENDING")).toBeUndefined();
  });

  it("keeps a version whose password opens Redis", async () => {
    const rig = createRig();
    rig.putPending({ password: "pending-password-1" });
    await setByHand(rig, "pending-password-1");
    expect(await abandonSecret(rig.context, NAME, true)).toMatchObject({
      error: { code: "RotationPending" },
    });
    expect(rig.at("AWSPENDING")).toBeDefined();
  });

  it("keeps a version whose task still runs", async () => {
    const rig = createRig();
    rig.putPending({ password: "pending-password-1" });
    await rig.controlPlane.changePassword(ACCOUNT, { password: "pending-password-1" });
    expect(await abandonSecret(rig.context, NAME, true)).toMatchObject({
      error: { code: "RotationPending" },
    });
  });

  it("keeps a version where Redis cannot be asked, unless forced", async () => {
    const rig = createRig();
    rig.putPending({ password: "pending-password-1" });
    rig.redis.unknownNext(Number.POSITIVE_INFINITY);
    expect(await abandonSecret(rig.context, NAME, false)).toMatchObject({
      error: { code: "RedisUnreachable" },
    });
    expect(await abandonSecret(rig.context, NAME, true)).toMatchObject({ status: "ok" });
    expect(rig.at("AWSPENDING")).toBeUndefined();
  });

  it.each([true, false])(
    "keeps a version whose task succeeded where Redis cannot be asked (force: %s)",
    async (force) => {
      const rig = createRig();
      rig.putPending({ password: "pending-password-1" });
      await rig.controlPlane.changePassword(ACCOUNT, { password: "pending-password-1" });
      await rig.clock.sleep(20_000);
      rig.redis.unknownNext(Number.POSITIVE_INFINITY);
      const { error } = await abandonSecret(rig.run(), NAME, force);
      expect(error?.code).toBe(force ? "RotationPending" : "NotVerified");
      expect(rig.at("AWSPENDING")).toBeDefined();
    },
  );

  it("sees a running task though the control plane's clock is three seconds behind", async () => {
    const rig = createRig();
    await rig.controlPlane.changePassword(ACCOUNT, { password: "pending-password-1" });
    await rig.clock.sleep(3_000);
    rig.putPending({ password: "pending-password-1" });
    expect(await abandonSecret(rig.run(), NAME, false)).toMatchObject({ error: { code: "RotationPending" } });
  });

  it("gives up a version whose password a succeeded task did not bring into Redis", async () => {
    const rig = createRig();
    rig.putPending({ password: "pending-password-1" });
    await rig.controlPlane.changePassword(ACCOUNT, { password: "set-in-the-console-1" });
    await rig.clock.sleep(20_000);
    expect(await abandonSecret(rig.run(), NAME, false)).toMatchObject({ status: "ok" });
    expect(rig.at("AWSPENDING")).toBeUndefined();
  });

  it.each([
    ["region", {}, { region: "ap-beijing" }],
    ["instance", {}, { instanceId: "crs-elsewhere" }],
    ["account", {}, { username: "app_b" }],
    [
      "pair",
      { username: "app_a", usernames: ["app_a", "app_b"] },
      { username: "app_b", usernames: ["app_b", "app_a"] },
    ],
  ])(
    "gives up a version for another %s whose password opens Redis by force alone",
    async (_, secret, fields) => {
      const rig = createRig({ secret });
      rig.putPending({ ...fields, password: "pending-password-1" });
      for (const account of ["default", "app_b"])
        await rig.redis.setPassword(INSTANCE.instanceId, account, "pending-password-1");
      expect((await abandonSecret(rig.run(), NAME, false)).error?.code).toBe("RotationPending");
      expect(await abandonSecret(rig.run(), NAME, true)).toMatchObject({ status: "ok" });
      expect(rig.at("AWSPENDING")).toBeUndefined();
    },
  );

  it("gives up a version of an instance that is gone", async () => {
    const rig = createRig();
    rig.putPending({ password: "pending-password-1" });
    rig.tencentDb.instance(INSTANCE.instanceId).status = -2;
    expect(await abandonSecret(rig.context, NAME, false)).toMatchObject({ status: "ok" });
  });
});
