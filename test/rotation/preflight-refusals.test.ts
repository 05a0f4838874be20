import { describe, expect, it } from "vitest";
import { planSecret } from "../../lib/rotation/inspect.ts";
import { rotateSecret } from "../../lib/rotation/rotate.ts";
import { DUE, rotated } from "./expectations.ts";
import { createRig, INSTANCE, NAME, type Rig, type RigOptions } from "./rig.ts";

const NAMED = "instance crs-5a4py64p in ap-guangzhou";
const rejected = async () => ({ answer: "rejected" }) as const;

describe("what would stop a rotation is told with the instance's name", () => {
  it.each<[string, RigOptions, string]>([
    [
      "an isolated instance",
      { instance: { status: -2 } },
      "Instance crs-5a4py64p in ap-guangzhou is isolated or deleted. ",
    ],
    [
      "an instance without a password",
      { instance: { noAuth: true } },
      "Instance crs-5a4py64p in ap-guangzhou answers without a password. ",
    ],
    [
      "an instance that takes any password",
      { context: { probe: async () => ({ answer: "accepted" }) } },
      "Instance crs-5a4py64p in ap-guangzhou takes any password. ",
    ],
    [
      "no path to it",
      { secret: { host: "10.0.0.99" } },
      "Instance crs-5a4py64p in ap-guangzhou cannot be asked, so a new password could not be proven: The connection was refused. ",
    ],
    [
      "another port than its own, where the password is rejected",
      { secret: { port: 6380 }, context: { probe: rejected } },
      `The current password is rejected at 10.0.0.5:6380, and ${NAMED} listens at 10.0.0.5:6379: the secret may name another Redis. `,
    ],
    [
      "another host than its own, where the password is rejected",
      { secret: { host: "10.0.0.77" }, context: { probe: rejected } },
      `The current password is rejected at 10.0.0.77:6379, and ${NAMED} listens at 10.0.0.5:6379: the secret may name another Redis. `,
    ],
  ])("%s", async (_, options, message) => {
    const { error } = await planSecret(createRig(options).context, NAME, DUE);
    expect(error?.effect).toBe("none");
    expect(error?.message.startsWith(message)).toBe(true);
  });

  it("alternating users that were changed a moment ago, with the minutes left", async () => {
    const accounts = [{ name: "app_a", password: "first-a-passw0rd" }];
    const secret = { username: "app_a", password: "first-a-passw0rd", usernames: ["app_a", "app_b"] };
    const rig = createRig({ instance: { accounts }, secret });
    await rotateSecret(rig.context, NAME, DUE);
    await rig.clock.sleep(60_000);
    const { error } = await rotateSecret(rig.run(), NAME, { ...DUE, force: true });
    expect(error?.message).toMatch(
      /^Account app_a of instance crs-5a4py64p in ap-guangzhou must stay as it is for another 59 minutes: clients may still use it\. /,
    );
  });
});

describe("a plan asks no more than it needs", () => {
  it("of Redis: whether it tells a right password from a wrong one", async () => {
    for (const secret of [{}, { api: "ModifyInstancePassword" }]) {
      const rig = createRig({ secret });
      expect(await planSecret(rig.context, NAME, DUE)).toMatchObject({ status: "planned" });
      expect(rig.redis.probes).toBe(2);
    }
  });

  it("of the control plane: the default account is there", async () => {
    const rig = createRig({ secret: { api: "ModifyInstanceAccount" } });
    await planSecret(rig.context, NAME, DUE);
    expect(rig.tencentDb.calls.map(({ action }) => action)).toEqual([
      "DescribeInstances",
      "DescribeInstancePasswordPolicy",
    ]);
  });

  it("of the control plane: the address that it has just told is not asked for again", async () => {
    const rig = createRig({ secret: { host: undefined, port: undefined } });
    await rotated(rig);
    expect(rig.calls("DescribeInstances")).toBe(1);
  });
});

describe("a new password", () => {
  it("has the operator's length", async () => {
    const rig = createRig({ context: { passwordLength: 20 } });
    await rotated(rig);
    expect(rig.passwordAt("AWSCURRENT")).toHaveLength(20);
  });

  it("keeps the instance's own rule", async () => {
    const rig = createRig();
    const describePasswordPolicy = async () => ({
      minLength: 32,
      minLetters: 4,
      minDigits: 12,
      minSpecials: 12,
    });
    const controlPlane = { ...rig.controlPlane, describePasswordPolicy };
    expect(await rotateSecret(rig.run({ controlPlane }), NAME, DUE)).toMatchObject({ status: "rotated" });
    const password = rig.passwordAt("AWSCURRENT") ?? "";
    expect(password).toHaveLength(32);
    expect(password.match(/\d/g)?.length).toBeGreaterThanOrEqual(12);
    expect(password.match(/[._]/g)?.length).toBeGreaterThanOrEqual(12);
  });
});

describe("the missing one of alternating users", () => {
  it("gets the usual rights where the control plane does not tell the active one's", async () => {
    const rig = createRig({ secret: { usernames: ["app_a", "app_b"] } });
    const describeAccount = async () => undefined;
    const controlPlane = { ...rig.controlPlane, describeAccount };
    expect(await rotateSecret(rig.run({ controlPlane }), NAME, DUE)).toMatchObject({ status: "rotated" });
    expect(rig.tencentDb.instance(INSTANCE.instanceId).accounts.get("app_a")).toMatchObject({
      privilege: "rw",
      readonlyPolicy: ["master"],
    });
  });
});

describe("the old password that an API asks for", () => {
  it("is not guessed where Redis cannot be asked", async () => {
    const rig: Rig = createRig({
      secret: { api: "ModifyInstancePassword" },
      storeAt: ({ call, phase }) => {
        if (call === "stage" && phase === "after") rig.redis.unknownNext(Number.POSITIVE_INFINITY);
      },
    });
    const { error } = await rotateSecret(rig.context, NAME, DUE);
    expect(error).toMatchObject({ code: "RedisUnreachable", effect: "none" });
    expect([rig.calls("ModifyInstancePassword"), rig.at("AWSPENDING") !== undefined]).toEqual([0, true]);
  });

  it("is named by the API and the instance where no version has it", async () => {
    const rig = createRig({ secret: { api: "ModifyInstancePassword" } });
    await rig.redis.setPassword(INSTANCE.instanceId, "default", "changed-by-hand-1");
    const { error } = await rotateSecret(rig.context, NAME, DUE);
    expect(error?.message).toContain(
      `ModifyInstancePassword asks for the old password, and no version's password opens ${NAMED}; tried: current`,
    );
  });
});
