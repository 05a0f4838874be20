import { describe, expect, it } from "vitest";
import { abandonSecret } from "../../lib/rotation/abandon.ts";
import { rotateSecret } from "../../lib/rotation/rotate.ts";
import { createRig, FIRST_PASSWORD, NAME, type Rig, type RigOptions } from "./rig.ts";

const FORCED = { intervalDays: 30, force: true };
const A = { name: "app_a", password: "first-a-passw0rd" };
const PAIR: RigOptions = {
  instance: { accounts: [A] },
  secret: { username: "app_a", password: A.password, usernames: ["app_a", "app_b"] },
};
const OLD: RigOptions = { secret: { api: "ModifyInstancePassword" } };

describe("the look right before a password is sent takes long", () => {
  it("a password is sent only with 30 s left: a pair", async () => {
    const rig = createRig(PAIR);
    let looks = 0;
    const context = rig.run({}, 50_000);
    const slow = {
      ...rig.controlPlane,
      async describeAccount(account: Parameters<typeof rig.controlPlane.describeAccount>[0]) {
        looks += 1;
        // The fourth time-out of a read that is tried again.
        if (account.username === "app_b") await rig.clock.sleep(38_000);
        return rig.controlPlane.describeAccount(account);
      },
    };
    await rotateSecret({ ...context, controlPlane: slow }, NAME, FORCED);
    const sentAt = rig.tencentDb.calls.find(({ action }) => action === "CreateInstanceAccount")?.at;
    expect(looks).toBeGreaterThan(0);
    expect(sentAt === undefined || context.deadline() - sentAt >= 30_000).toBe(true);
  });

  it("the labels are read again: what was abandoned meanwhile is not sent", async () => {
    const rig = createRig(OLD);
    let abandoned = false;
    const probe: typeof rig.redis.probe = async (target) => {
      // In the ladder: the pending password was asked for, and the labels were read just before.
      if (rig.at("AWSPENDING") !== undefined && !abandoned && target.password === FIRST_PASSWORD) {
        abandoned = true;
        expect(await abandonSecret(rig.run(), NAME, false)).toMatchObject({ status: "ok" });
        await rig.clock.sleep(5_000);
      }
      return rig.redis.probe(target);
    };
    // A run that dies right after it has sent.
    const dying = {
      ...rig.controlPlane,
      async changePassword(...given: Parameters<typeof rig.controlPlane.changePassword>) {
        await rig.controlPlane.changePassword(...given);
        throw new Error("killed");
      },
    };
    await rotateSecret(rig.run({ probe, controlPlane: dying }), NAME, FORCED);
    expect(abandoned).toBe(true);
    await rig.clock.sleep(60_000);
    // The next run: it can only look among the versions that have a label.
    const { error } = await rotateSecret(rig.run(), NAME, FORCED);
    expect(error?.code).toBeUndefined();
  });
});

describe("what is told", () => {
  it("after a request whose reply was lost, no error says that nothing was done", async () => {
    const rig = createRig(OLD);
    rig.tencentDb.failNext("ModifyInstancePassword", { kind: "reset", carriedOut: true });
    // All the time, half of the proxies have the one password and half the other.
    const probe: typeof rig.redis.probe = async (target) => {
      if (rig.calls("ModifyInstancePassword") === 0) return rig.redis.probe(target);
      return { answer: "rejected" };
    };
    const { error } = await rotateSecret(rig.run({ probe }), NAME, FORCED);
    expect(error && { code: error.code, effect: error.effect }).toEqual({
      code: "OldPasswordError",
      effect: "unknown",
    });
  });
});

describe("a request waits for its turn at the API", () => {
  const waiting = (rig: Rig, waitMs: number, meanwhile: () => Promise<unknown> = async () => {}) => ({
    ...rig.controlPlane,
    changePassword: (async (account, change) => {
      await meanwhile();
      await rig.clock.sleep(waitMs);
      return rig.controlPlane.changePassword(account, change);
    }) satisfies typeof rig.controlPlane.changePassword,
  });

  it("what is abandoned meanwhile is not sent", async () => {
    const rig = createRig();
    const abandon = () => abandonSecret(rig.run(), NAME, true);
    const result = await rotateSecret(rig.run({ controlPlane: waiting(rig, 5_000, abandon) }), NAME, FORCED);
    expect(result).toMatchObject({ status: "failed", error: { code: "VersionNotPending", effect: "none" } });
    expect(rig.calls("ResetPassword")).toBe(0);
    expect(rig.opens(FIRST_PASSWORD)).toBe(true);
  });

  it("nothing is sent when too little time is left by then, and the pending version stays", async () => {
    const rig = createRig();
    const context = rig.run({ controlPlane: waiting(rig, 60_000) }, 80_000);
    expect(await rotateSecret(context, NAME, FORCED)).toMatchObject({
      status: "in-progress",
      error: { code: "InProgress", effect: "none" },
    });
    expect(rig.calls("ResetPassword")).toBe(0);
    expect(rig.at("AWSPENDING")).toBeDefined();
  });

  it("nothing is sent where another run has finished the rotation meanwhile", async () => {
    const rig = createRig();
    const other = () => rotateSecret(rig.run(), NAME, FORCED);
    const result = await rotateSecret(rig.run({ controlPlane: waiting(rig, 5_000, other) }), NAME, FORCED);
    expect(result.status).toBe("rotated");
    expect(rig.calls("ResetPassword")).toBe(1);
    expect(rig.opens(rig.passwordAt("AWSCURRENT"))).toBe(true);
  });
});
