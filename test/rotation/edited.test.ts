import { describe, expect, it } from "vitest";
import { ssmStore } from "../../lib/drivers/tencent-ssm.ts";
import { abandonSecret } from "../../lib/rotation/abandon.ts";
import { verifySecret } from "../../lib/rotation/inspect.ts";
import { rollbackSecret, rotateSecret } from "../../lib/rotation/rotate.ts";
import { createSsm } from "../cloud/ssm/model.ts";
import { createSsmClient } from "../fakes/ssm-client.ts";
import { createRig, FIRST_PASSWORD, INSTANCE, type RigOptions } from "./rig.ts";

const SECRET = "redis-orders";
const DUE = { intervalDays: 0, force: false };

type Fields = Readonly<Record<string, unknown>>;

/** The rig with its secret in SSM, where a value that is written by hand leaves a pending version pending. */
function createWorld(options: RigOptions = {}) {
  const rig = createRig(options);
  const { clock } = rig;
  const ssm = createSsm({ clock });
  ssm.call("CreateSecret", { SecretName: SECRET, SecretString: rig.textAt("AWSCURRENT") ?? "" });
  const store = ssmStore({ client: createSsmClient({ ssm, clock }), clock });
  const current = () => {
    const { versions } = ssm.inspect(SECRET);
    const found = versions.find(({ versionId }) => versionId === "SSM_Current");
    return JSON.parse(found?.content.SecretString ?? "{}");
  };
  return {
    rig,
    store,
    current,
    run: (changes = {}) => rig.run({ store, ...changes }),
    /** What an operator does in the console. */
    edit(fields: Fields): void {
      const SecretString = JSON.stringify({ ...current(), ...fields });
      ssm.call("UpdateSecret", { SecretName: SECRET, VersionId: "SSM_Current", SecretString });
    },
    replace(SecretString: string): void {
      ssm.call("UpdateSecret", { SecretName: SECRET, VersionId: "SSM_Current", SecretString });
    },
    /** What a run leaves behind that dies right after createSecret. */
    async stagePending(fields: Fields): Promise<void> {
      await store.stage(SECRET, {
        versionId: "5".repeat(64),
        text: JSON.stringify({ ...current(), ...fields }),
      });
    },
  };
}

const accounts = ["app_a", "app_b", "app_c"].map((name) => ({ name, password: `first-${name}-Pw1` }));
const PAIR = { username: "app_a", password: "first-app_a-Pw1", usernames: ["app_a", "app_b"] };

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

  it("its password is not sent to an instance that it is not for", async () => {
    const sent: string[] = [];
    const world = createWorld({ secret: { api: "ModifyInstancePassword" } });
    const good = world.current();
    const text = JSON.stringify({ ...good, password: "a-wrong-passw0rd" });
    world.replace(
      JSON.stringify({ ...good, instanceId: "crs-elsewhere", password: "of-another-instance-1" }),
    );
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

  it("for another region is kept where the current password opens nothing", async () => {
    const world = createWorld();
    await world.stagePending({ password: JOINED });
    await world.rig.tencentDb.changeByHand(INSTANCE.instanceId, JOINED);
    world.edit({ region: "ap-beijing" });
    const { error } = await rotateSecret(world.run(), SECRET, DUE);
    expect(error?.message).toContain("was edited (region)");
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
      "would not take the previous password: It has fewer than 20 characters.",
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
