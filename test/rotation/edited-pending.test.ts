import { describe, expect, it } from "vitest";
import type { Probe } from "../../lib/ports.ts";
import { rotateSecret } from "../../lib/rotation/rotate.ts";
import { INSTANCE } from "./rig.ts";
import { accounts, createWorld, DUE, PAIR, SECRET } from "./ssm-world.ts";

describe("a pending version that was stored before an edit", () => {
  const JOINED = "joined-password-1";
  const account = { ...INSTANCE, username: "default", api: "ResetPassword" } as const;

  it("becomes current where Redis has its password and refuses the current one", async () => {
    const world = createWorld();
    await world.stagePending({ password: JOINED });
    await world.rig.tencentDb.changeByHand(INSTANCE.instanceId, JOINED);
    world.edit({ api: "ModifyInstancePassword" });
    expect(await rotateSecret(world.run(), SECRET, DUE)).toMatchObject({ status: "rotated" });
    expect(world.current().password).toBe(JOINED);
    expect(world.rig.calls("ResetPassword")).toBe(0);
  });

  it("is waited for while its task runs", async () => {
    const world = createWorld();
    await world.stagePending({ password: JOINED });
    await world.rig.controlPlane.changePassword(account, { password: JOINED });
    world.edit({ api: "ModifyInstancePassword" });
    expect(await rotateSecret(world.run(), SECRET, DUE)).toMatchObject({ status: "rotated" });
    expect(world.current().password).toBe(JOINED);
    expect(world.rig.calls("ResetPassword")).toBe(1);
  });

  it("is waited for while a proxy lags behind its task", async () => {
    const world = createWorld();
    await world.stagePending({ password: JOINED });
    await world.rig.controlPlane.changePassword(account, { password: JOINED });
    world.edit({ api: "ModifyInstancePassword" });
    const lagsUntil = world.rig.clock.now() + 14_000;
    const probe: Probe = async (target) =>
      target.password === JOINED && world.rig.clock.now() < lagsUntil
        ? { answer: "rejected" }
        : world.rig.redis.probe(target);
    expect(await rotateSecret(world.run({ probe }), SECRET, DUE)).toMatchObject({ status: "rotated" });
    expect(world.current().password).toBe(JOINED);
  });

  it("becomes current where nothing of the pair has been edited", async () => {
    const world = createWorld({ instance: { accounts }, secret: PAIR });
    await world.stagePending({ username: "app_b", password: JOINED });
    expect(await rotateSecret(world.run(), SECRET, DUE)).toMatchObject({ status: "rotated" });
    expect(world.current()).toMatchObject({ username: "app_b", password: JOINED });
  });

  it("is given up where no task was ever started for it, though Redis cannot be asked there", async () => {
    const world = createWorld({ secret: { host: "10.0.0.99" } });
    await world.stagePending({ password: JOINED });
    await world.rig.tencentDb.changeByHand(INSTANCE.instanceId, "set-by-hand-Pw1");
    world.edit({ host: INSTANCE.wanIp });
    const forced = { ...DUE, force: true };
    expect(await rotateSecret(world.run(), SECRET, forced)).toMatchObject({ status: "rotated" });
    expect(world.current().password).not.toBe(JOINED);
    expect(world.rig.opens(world.current().password)).toBe(true);
  });

  it("is given up, and told of, where its task has ended and Redis still refuses it", async () => {
    const world = createWorld();
    await world.stagePending({ password: JOINED });
    world.rig.tencentDb.planNextTask({ changes: false });
    await world.rig.controlPlane.changePassword(account, { password: JOINED });
    world.edit({ ssl: false, api: "ModifyInstancePassword" });
    expect(await rotateSecret(world.run(), SECRET, DUE)).toMatchObject({ status: "rotated" });
    expect(world.current()).toMatchObject({ api: "ModifyInstancePassword" });
    expect(world.rig.opens(world.current().password)).toBe(true);
    expect(world.current().password).not.toBe(JOINED);
    expect(world.rig.events).toContainEqual({
      type: "released",
      secretId: SECRET,
      versionId: "5".repeat(64),
    });
  });

  it("is kept, and the edit named, where nobody can tell whether Redis has its password", async () => {
    const world = createWorld({ secret: { host: "10.0.0.99" } });
    await world.stagePending({ password: JOINED });
    await world.rig.controlPlane.changePassword(account, { password: JOINED });
    world.edit({ host: "10.0.0.98", port: 6380 });
    const { error } = await rotateSecret(world.run(), SECRET, DUE);
    expect(error).toMatchObject({ code: "SecretInvalid", effect: "none" });
    expect(error?.message).toContain(`The secret ${SECRET} was edited (host, port) while version 555`);
    expect(error?.message).toContain("or abandon it by force");
    expect((await world.store.describe(SECRET)).versions).toContainEqual({
      versionId: "5".repeat(64),
      stages: ["pending"],
    });
  });

  it("of a pair is kept, and the other accounts named, where nobody can tell", async () => {
    const world = createWorld({ instance: { accounts }, secret: { ...PAIR, host: "10.0.0.99" } });
    await world.stagePending({ username: "app_b", password: JOINED });
    const idle = { ...INSTANCE, username: "app_b", api: "ModifyInstanceAccount" } as const;
    await world.rig.controlPlane.changePassword(idle, { password: JOINED });
    world.edit({ usernames: ["app_a", "app_c"] });
    const { error } = await rotateSecret(world.run(), SECRET, DUE);
    expect(error?.message).toContain("was edited (usernames, username)");
  });

  it("for another region is kept where the current password opens nothing", async () => {
    const world = createWorld();
    await world.stagePending({ password: JOINED });
    await world.rig.tencentDb.changeByHand(INSTANCE.instanceId, JOINED);
    world.edit({ region: "ap-beijing" });
    const { error } = await rotateSecret(world.run(), SECRET, DUE);
    expect(error?.message).toContain("was edited (region)");
  });
});
