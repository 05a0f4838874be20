import { describe, expect, it } from "vitest";
import { abandonSecret } from "../../lib/rotation/abandon.ts";
import { rollbackSecret, rotateSecret } from "../../lib/rotation/rotate.ts";
import { FIRST_PASSWORD, INSTANCE } from "./rig.ts";
import { accounts, createWorld, DUE, PAIR, SECRET } from "./ssm-world.ts";

describe("an operator edits the secret while a version is pending", () => {
  it("api: what is forbidden by then is not called, and the edit is kept", async () => {
    const world = createWorld();
    await world.stagePending({ password: "joined-password-1" });
    world.edit({ api: "ModifyInstancePassword" });
    await rotateSecret(world.run(), SECRET, DUE);
    expect(world.rig.calls("ResetPassword")).toBe(0);
    expect(world.current().api).toBe("ModifyInstancePassword");
  });

  it("api, as docs/apis.md advises after OldPasswordError: it heals", async () => {
    const world = createWorld({ secret: { api: "ModifyInstancePassword" } });
    await world.stagePending({ password: "joined-password-1" });
    await world.rig.tencentDb.changeByHand(INSTANCE.instanceId, "set-by-hand-Pw1");
    const before = await rotateSecret(world.run(), SECRET, DUE);
    expect(before.error?.code).toBe("OldPasswordError");
    world.edit({ api: "ResetPassword" });
    expect((await rotateSecret(world.run(), SECRET, { ...DUE, force: true })).error?.code).toBeUndefined();
    expect(world.rig.opens(world.current().password)).toBe(true);
  });

  it("host, as RedisUnreachable asks for: Redis is reached there", async () => {
    const world = createWorld({ secret: { host: "10.0.0.99" } });
    await world.stagePending({ password: "joined-password-1" });
    const before = await rotateSecret(world.run(), SECRET, DUE);
    expect(before.error?.code).toBe("RedisUnreachable");
    world.edit({ host: INSTANCE.wanIp });
    expect((await rotateSecret(world.run(), SECRET, { ...DUE, force: true })).error?.code).toBeUndefined();
    expect(world.current().host).toBe(INSTANCE.wanIp);
  });

  it("usernames: the account that was taken out of the pair is left alone", async () => {
    const world = createWorld({ instance: { accounts }, secret: PAIR });
    await world.stagePending({ username: "app_b", password: "joined-password-1" });
    // app_b belongs to another application from now on.
    world.edit({ usernames: ["app_a", "app_c"] });
    await rotateSecret(world.run(), SECRET, DUE);
    expect(world.rig.opens("first-app_b-Pw1", "app_b")).toBe(true);
    expect(world.current().usernames).toEqual(["app_a", "app_c"]);
  });

  it("a single account becomes a pair: the default account is left as it is", async () => {
    const world = createWorld();
    await world.stagePending({ password: "joined-password-1" });
    world.edit({ usernames: ["app_a", "app_b"] });
    await rotateSecret(world.run(), SECRET, DUE);
    expect(world.rig.opens(FIRST_PASSWORD)).toBe(true);
    expect(world.current().usernames).toEqual(["app_a", "app_b"]);
  });

  it("the pair becomes the one account that is about to be changed: it stays a single one", async () => {
    const world = createWorld({ instance: { accounts }, secret: PAIR });
    await world.stagePending({ username: "app_b", password: "joined-password-1" });
    world.edit({ username: "app_b", password: "first-app_b-Pw1", usernames: undefined });
    expect(await rotateSecret(world.run(), SECRET, DUE)).toMatchObject({ status: "rotated" });
    expect(world.current()).not.toHaveProperty("usernames");
    expect(world.rig.opens(world.current().password, "app_b")).toBe(true);
  });

  it("username, of a single account: the one that was named before is left alone", async () => {
    const secret = { username: "app_a", password: "first-app_a-Pw1" };
    const world = createWorld({ instance: { accounts }, secret });
    await world.stagePending({ password: "joined-password-1" });
    world.edit({ username: "app_c", password: "first-app_c-Pw1" });
    expect(await rotateSecret(world.run(), SECRET, DUE)).toMatchObject({ status: "rotated" });
    expect(world.current().username).toBe("app_c");
    expect(world.rig.opens("first-app_a-Pw1", "app_a")).toBe(true);
  });

  it("username, to the idle one of the pair: the account that clients use now is not changed in place", async () => {
    const world = createWorld({ instance: { accounts }, secret: PAIR });
    await world.stagePending({ username: "app_b", password: "joined-password-1" });
    world.edit({ username: "app_b", password: "first-app_b-Pw1" });
    const client = world.current();
    await world.rig.clock.sleep(60_000);
    await rotateSecret(world.run(), SECRET, DUE);
    expect(world.rig.opens(client.password, client.username)).toBe(true);
  });

  it.each([
    ["the pair becomes a single account", PAIR, { username: "app_b" }, { usernames: undefined }, "app_b"],
    ["another instance", {}, {}, { instanceId: "crs-elsewhere" }, undefined],
  ])(
    "%s, with the pending password in force: some command of the product goes on",
    async (_, secret, staged, edited, account) => {
      const world = createWorld({ instance: { accounts }, secret });
      await world.stagePending({ ...staged, password: "joined-password-1" });
      await world.rig.tencentDb.changeByHand(INSTANCE.instanceId, "joined-password-1", account);
      world.edit(edited);
      const messages: unknown[] = [];
      for (const force of [false, true]) {
        messages.push((await rotateSecret(world.run(), SECRET, { ...DUE, force })).error?.message);
        messages.push((await abandonSecret(world.run(), SECRET, force)).error?.message);
      }
      expect(messages).toContain(undefined);
    },
  );
});

it("a rollback that is refused speaks of the previous version, not of a pending one", async () => {
  const world = createWorld({ instance: { accounts } });
  await rotateSecret(world.run(), SECRET, DUE);
  world.edit({ username: "app_a", password: "first-app_a-Pw1" });
  const { error } = await rollbackSecret(world.run(), SECRET);
  expect(error?.message).not.toContain("pending");
});
