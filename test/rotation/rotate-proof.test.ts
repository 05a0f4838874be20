import { describe, expect, it } from "vitest";
import { rotateSecret } from "../../lib/rotation/rotate.ts";
import { DUE, rotated } from "./expectations.ts";
import { ACCOUNT, createRig, FIRST_PASSWORD, INSTANCE, NAME, type Rig } from "./rig.ts";

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
    await rig.controlPlane.changePassword(ACCOUNT, { password: "set-in-the-console-1" });
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
