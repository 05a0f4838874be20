import { describe, expect, it } from "vitest";
import { RotationError } from "../../lib/errors.ts";
import type { Probe, SecretStore } from "../../lib/ports.ts";
import { planSecret } from "../../lib/rotation/inspect.ts";
import { rollbackSecret, rotateSecret } from "../../lib/rotation/rotate.ts";
import { createRig, INSTANCE, NAME, type Rig } from "./rig.ts";

const DUE = { intervalDays: 30, force: false };
const FORCED = { intervalDays: 30, force: true };
/** Within the rule of API 2.0, too. */
const FIRST_PASSWORD = "firstPassw0rd";
const BY_HAND = "set-by-hand-Pw1";

/** From the moment a version is staged, all proxies reject the first password for so long. */
function lagging(rig: Rig, lagMs: number): { readonly probe: Probe } {
  let until: number | undefined;
  return {
    async probe(target) {
      if (rig.at("AWSPENDING") !== undefined) until ??= rig.clock.now() + lagMs;
      const lags = until !== undefined && rig.clock.now() < until;
      if (lags && target.password === FIRST_PASSWORD) return { answer: "rejected" };
      return rig.redis.probe(target);
    },
  };
}

describe.each(["ModifyInstancePassword", "ModfiyRedisPassword"])("%s", (api) => {
  const rigWith = (context = {}) =>
    createRig({
      instance: { password: FIRST_PASSWORD },
      secret: { api, password: FIRST_PASSWORD },
      context,
    });

  async function rotated(rig: Rig, options = DUE): Promise<void> {
    expect(await rotateSecret(rig.run(), NAME, options)).toMatchObject({ status: "rotated" });
    expect(rig.opens(rig.passwordAt("AWSCURRENT"))).toBe(true);
    expect(rig.at("AWSPENDING")).toBeUndefined();
  }

  it("changes the password with the current one as the old one", async () => {
    const rig = rigWith();
    await rotated(rig);
    expect(rig.calls(api)).toBe(1);
    expect(rig.calls("ResetPassword")).toBe(0);
    expect(rig.opens(FIRST_PASSWORD)).toBe(false);
  });

  it("draws a password that the API takes", async () => {
    const rig = rigWith();
    await rotated(rig);
    expect(rig.passwordAt("AWSCURRENT")).toHaveLength(api === "ModfiyRedisPassword" ? 16 : 30);
  });

  it("finds the old password in the previous version, and sends no wrong one", async () => {
    const rig = rigWith();
    await rotated(rig);
    const previous = rig.passwordAt("AWSPREVIOUS") ?? "";
    await rig.tencentDb.changeByHand(INSTANCE.instanceId, previous);
    await rig.clock.sleep(60_000);
    await rotated(rig, FORCED);
    expect(rig.calls(api)).toBe(2);
  });

  it("sends nothing where the pending password is in force by now", async () => {
    const rig = rigWith();
    const password = "joined-passw0rd";
    rig.putPending({ api, password });
    await rig.tencentDb.changeByHand(INSTANCE.instanceId, password);
    await rotated(rig);
    expect(rig.passwordAt("AWSCURRENT")).toBe(password);
    expect(rig.calls(api)).toBe(0);
  });

  it("touches nothing where no version's password opens Redis, and says which it tried", async () => {
    const rig = rigWith();
    await rotated(rig);
    const before = rig.textAt("AWSCURRENT");
    await rig.tencentDb.changeByHand(INSTANCE.instanceId, BY_HAND);
    await rig.clock.sleep(60_000);
    const { status, error } = await rotateSecret(rig.run(), NAME, FORCED);
    expect({ status, ...error }).toMatchObject({
      status: "failed",
      code: "OldPasswordError",
      effect: "none",
      message: expect.stringContaining("tried: current, previous"),
    });
    expect(rig.calls(api)).toBe(1);
    expect(rig.at("AWSPENDING")).toBeUndefined();
    expect(rig.textAt("AWSCURRENT")).toBe(before);
  });

  it("keeps the pending version where the old password is lost under way", async () => {
    const rig = rigWith();
    const pendingId = rig.putPending({ api, password: "joined-passw0rd" });
    await rig.tencentDb.changeByHand(INSTANCE.instanceId, BY_HAND);
    const { error } = await rotateSecret(rig.run(), NAME, DUE);
    expect(error).toMatchObject({
      code: "OldPasswordError",
      effect: "none",
      message: expect.stringContaining("tried: pending, current"),
    });
    expect(rig.at("AWSPENDING")).toBe(pendingId);
    expect(rig.calls(api)).toBe(0);
  });

  it("is sent four times at most where the API goes on refusing it", async () => {
    const rig = rigWith();
    let sends = 0;
    const changePassword = () => {
      sends += 1;
      return Promise.reject(new RotationError("OldPasswordError", "wrong", { effect: "none" }));
    };
    const controlPlane = { ...rig.controlPlane, changePassword };
    const { error } = await rotateSecret(rig.run({ controlPlane }), NAME, DUE);
    expect([error?.code, sends]).toEqual(["OldPasswordError", 4]);
    await rotated(rig);
  });

  it("does not say that nothing was done where it is lost after a task that failed", async () => {
    const rig = rigWith();
    rig.tencentDb.planNextTask({ ending: "failed" });
    const running = rotateSecret(rig.context, NAME, DUE);
    await rig.clock.sleep(5_000);
    await rig.tencentDb.changeByHand(INSTANCE.instanceId, BY_HAND);
    expect((await running).error).toMatchObject({ code: "OldPasswordError", effect: "unknown" });
    expect(rig.calls(api)).toBe(1);
  });

  it("gets over proxies that reject the right one for two seconds after the version was staged", async () => {
    const rig = rigWith();
    const { probe } = lagging(rig, 2_000);
    expect(await rotateSecret(rig.run({ probe }), NAME, DUE)).toMatchObject({ status: "rotated" });
    expect(rig.opens(rig.passwordAt("AWSCURRENT"))).toBe(true);
    expect(rig.calls(api)).toBe(1);
  });

  it("says at once that Redis cannot be asked any more, instead of calling the old password lost", async () => {
    const rig = rigWith();
    await rig.tencentDb.changeByHand(INSTANCE.instanceId, BY_HAND);
    let probes = 0;
    const probe: Probe = async (target) => {
      probes += 1;
      // The preflight asks with a wrong password and with the current one.
      return probes <= 2 ? rig.redis.probe(target) : { answer: "unknown", reason: "The path is lost." };
    };
    const { error } = await rotateSecret(rig.run({ probe }), NAME, FORCED);
    expect(error).toMatchObject({
      code: "RedisUnreachable",
      message: expect.stringContaining("The path is lost"),
    });
    expect(rig.at("AWSPENDING")).toBeUndefined();
  });

  it("says at once what keeps it from reading the previous version", async () => {
    const rig = rigWith();
    await rotated(rig);
    await rig.tencentDb.changeByHand(INSTANCE.instanceId, BY_HAND);
    await rig.clock.sleep(60_000);
    const previousId = rig.at("AWSPREVIOUS");
    const store: SecretStore = {
      ...rig.store,
      async read(secretId, versionId) {
        if (versionId !== previousId) return rig.store.read(secretId, versionId);
        throw new RotationError("StoreDenied", "GetSecretValue: the key is denied", { effect: "none" });
      },
    };
    const { error } = await rotateSecret(rig.run({ store }), NAME, FORCED);
    expect(error?.code).toBe("StoreDenied");
  });

  it("looks again where the API says that the old password is wrong: another run has changed it", async () => {
    const rig = rigWith();
    rig.tencentDb.failNext(api, { kind: "error", code: "InvalidParameterValue.PasswordError" });
    await rotated(rig);
    expect(rig.calls(api)).toBe(2);
  });

  it("gives up where the API goes on saying so, and keeps the pending version", async () => {
    const rig = rigWith();
    const wrong = { kind: "error", code: "InvalidParameterValue.PasswordError" } as const;
    rig.tencentDb.failNext(api, wrong, { times: 40 });
    const { error } = await rotateSecret(rig.run(), NAME, DUE);
    expect(error?.code).toBe("OldPasswordError");
    expect(rig.calls(api)).toBeLessThanOrEqual(12);
    expect(rig.at("AWSPENDING")).toBeDefined();
  });

  it("needs a path to Redis even where the task's word is enough", async () => {
    const rig = rigWith({ verify: "task" });
    rig.redis.unknownNext(Number.POSITIVE_INFINITY);
    const { error } = await rotateSecret(rig.run(), NAME, DUE);
    expect(error?.code).toBe("RedisUnreachable");
    expect(rig.at("AWSPENDING")).toBeUndefined();
    expect(rig.calls(api)).toBe(0);
  });

  it("says in a plan what a rotation would end with", async () => {
    const rig = rigWith();
    expect(await planSecret(rig.run(), NAME, DUE)).toMatchObject({ status: "planned" });
    await rig.tencentDb.changeByHand(INSTANCE.instanceId, BY_HAND);
    expect((await planSecret(rig.run(), NAME, DUE)).error?.code).toBe("OldPasswordError");
  });

  it("puts the previous password back with the current one as the old one", async () => {
    const rig = rigWith();
    await rotated(rig);
    await rig.clock.sleep(60_000);
    const result = await rollbackSecret(rig.run(), NAME);
    expect(result).toMatchObject({ status: "rotated" });
    expect(rig.opens(FIRST_PASSWORD)).toBe(true);
    expect(rig.passwordAt("AWSCURRENT")).toBe(FIRST_PASSWORD);
  });

  it("gets over a proxy that rejects the current password once, before a rollback", async () => {
    const rig = rigWith();
    await rotated(rig);
    await rig.clock.sleep(60_000);
    const current = rig.passwordAt("AWSCURRENT");
    let lags = true;
    const probe: Probe = async (target) => {
      if (!lags || target.password !== current) return rig.redis.probe(target);
      lags = false;
      return { answer: "rejected" };
    };
    expect(await rollbackSecret(rig.run({ probe }), NAME)).toMatchObject({ status: "rotated" });
    expect(lags).toBe(false);
    expect(rig.passwordAt("AWSCURRENT")).toBe(FIRST_PASSWORD);
  });
});
