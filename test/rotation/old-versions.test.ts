import { describe, expect, it } from "vitest";
import { verifySecret } from "../../lib/rotation/inspect.ts";
import { rollbackSecret, rotateSecret } from "../../lib/rotation/rotate.ts";
import { INSTANCE } from "./rig.ts";
import { createWorld, DUE, SECRET } from "./ssm-world.ts";

describe("a version from before the secret was the product's, or for another account", () => {
  const migrated = async () => {
    const world = createWorld({ secret: { api: "ModifyInstancePassword" } });
    const good = world.current();
    const keep = {
      versionId: "5".repeat(64),
      text: JSON.stringify({ ...good, password: "a-wrong-passw0rd" }),
    };
    world.replace('{"password":"before-the-product"}');
    await world.store.stage(SECRET, keep);
    await world.store.promote(SECRET, keep.versionId, (await currentId(world)) ?? "");
    return world;
  };
  const currentId = async ({ store }: ReturnType<typeof createWorld>) =>
    (await store.describe(SECRET)).versions.find(({ stages }) => stages.includes("current"))?.versionId;

  it("does not hide that the old password is lost", async () => {
    const world = await migrated();
    const { error } = await rotateSecret(world.run(), SECRET, { ...DUE, force: true });
    expect(error?.code).toBe("OldPasswordError");
  });

  it("does not hide a drift", async () => {
    const world = await migrated();
    expect(await verifySecret(world.run(), SECRET)).toMatchObject({ status: "drift" });
  });

  it.each([
    ["instance", { instanceId: "crs-elsewhere" }],
    ["region", { region: "ap-beijing" }],
  ])("of another %s: its password is not sent to this one", async (_, elsewhere) => {
    const sent: string[] = [];
    const world = createWorld({ secret: { api: "ModifyInstancePassword" } });
    const good = world.current();
    const text = JSON.stringify({ ...good, password: "a-wrong-passw0rd" });
    world.replace(JSON.stringify({ ...good, ...elsewhere, password: "of-another-instance-1" }));
    await world.store.stage(SECRET, { versionId: "5".repeat(64), text });
    await world.store.promote(SECRET, "5".repeat(64), (await currentId(world)) ?? "");
    const probe: typeof world.rig.redis.probe = async (target) => {
      sent.push(target.password);
      return world.rig.redis.probe(target);
    };
    await rotateSecret(world.run({ probe }), SECRET, { ...DUE, force: true });
    expect(sent).toContain("a-wrong-passw0rd");
    expect(sent).not.toContain("of-another-instance-1");
  });
});

describe("a rollback to a password that breaks the rules by now", () => {
  const LOOSE = "only-letters-";

  it("is refused before anything is touched", async () => {
    const world = createWorld({ secret: { password: LOOSE }, instance: { password: LOOSE } });
    await rotateSecret(world.run(), SECRET, DUE);
    world.rig.tencentDb.instance(INSTANCE.instanceId).passwordPolicy = {
      Enabled: true,
      MinLength: 20,
      MinDigitCount: 4,
    };
    const sent = world.rig.calls("ResetPassword");
    const { error } = await rollbackSecret(world.run(), SECRET);
    expect(error).toMatchObject({ code: "PasswordRefused", effect: "none" });
    expect(error?.message).toContain(
      "would not take the previous password: It has fewer than 20 characters. It has fewer than 4 digits.",
    );
    expect(world.rig.calls("ResetPassword")).toBe(sent);
    const { versions } = await world.store.describe(SECRET);
    expect(versions.flatMap(({ stages }) => stages)).not.toContain("pending");
  });

  it("is made where that password still opens Redis", async () => {
    const loose = [{ name: "app_a", password: LOOSE }];
    const secret = { username: "app_a", password: LOOSE, usernames: ["app_a", "app_b"] };
    const world = createWorld({ instance: { accounts: loose }, secret });
    expect(await rotateSecret(world.run(), SECRET, DUE)).toMatchObject({ status: "not-due" });
    expect(await rotateSecret(world.run(), SECRET, { ...DUE, force: true })).toMatchObject({
      status: "rotated",
    });
    world.rig.tencentDb.instance(INSTANCE.instanceId).passwordPolicy = { Enabled: true, MinLength: 20 };
    expect(await rollbackSecret(world.run(), SECRET)).toMatchObject({ status: "rotated" });
    expect(world.current().password).toBe(LOOSE);
  });
});
