import { describe, expect, it } from "vitest";
import { planSecret, statusOfSecret, verifySecret } from "../../lib/rotation/inspect.ts";
import { runStep } from "../../lib/rotation/managed.ts";
import { rotateSecret } from "../../lib/rotation/rotate.ts";
import { DUE, rotated } from "./expectations.ts";
import { createRig, FIRST_PASSWORD, INSTANCE, NAME } from "./rig.ts";

const FORCED = { ...DUE, force: true };
const told = (text: string) => expect.stringContaining(text);

describe("a plan", () => {
  it("names a wrong address, unless the rotation is to be forced", async () => {
    const rig = createRig({ secret: { host: "10.0.0.77" } });
    const { error } = await planSecret(rig.context, NAME, DUE);
    expect(error?.code).toBe("CurrentPasswordRejected");
    expect(await planSecret(rig.context, NAME, FORCED)).toMatchObject({ status: "planned" });
  });

  it("finds a rotation under way, also where it is to be forced", async () => {
    const rig = createRig();
    rig.putPending({ password: "joined-password-1" });
    expect(await planSecret(rig.context, NAME, FORCED)).toMatchObject({ status: "in-progress" });
  });

  it("of alternating users that were just changed is not due, unless it is to be forced: then it is too soon", async () => {
    const accounts = [{ name: "app_a", password: "first-a-passw0rd" }];
    const secret = { username: "app_a", password: "first-a-passw0rd", usernames: ["app_a", "app_b"] };
    const rig = createRig({ instance: { accounts }, secret });
    await rotateSecret(rig.context, NAME, DUE);
    expect(await planSecret(rig.run(), NAME, DUE)).toMatchObject({ status: "not-due" });
    expect(await planSecret(rig.run(), NAME, FORCED)).toMatchObject({
      error: { code: "AlternationTooSoon" },
    });
  });
});

describe("verify", () => {
  it("says why Redis could not be asked", async () => {
    const rig = createRig();
    rig.redis.unknownNext(1);
    const { error } = await verifySecret(rig.context, NAME);
    expect(error).toMatchObject({
      code: "RedisUnreachable",
      effect: "none",
      message: told(`Redis of secret ${NAME} could not be asked: The connection timed out.`),
    });
  });

  it("names the previous version where that one opens Redis", async () => {
    const rig = createRig();
    await rotated(rig);
    await rig.redis.setPassword(INSTANCE.instanceId, "default", FIRST_PASSWORD);
    expect(await verifySecret(rig.run(), NAME)).toMatchObject({
      status: "drift",
      error: {
        effect: "none",
        message: told(
          `The current password of secret ${NAME} does not open Redis; the previous one does: a rollback makes it current. `,
        ),
      },
    });
  });
});

describe("a secret that cannot be worked with", () => {
  it("has no current value", async () => {
    const rig = createRig();
    const store = { ...rig.store, read: async () => undefined };
    expect((await statusOfSecret(rig.run({ store }), NAME, { intervalDays: 30 })).error).toMatchObject({
      effect: "none",
      message: told(`Secret ${NAME} has no current value: put the instance's JSON into it first. `),
    });
  });

  it.each([
    ["username", { username: "app_a", api: "ModifyInstanceAccount" }],
    ["region, instanceId", { region: "ap-beijing", instanceId: "crs-another" }],
  ])("has a pending version for something else: %s", async (differing, fields) => {
    const rig = createRig();
    const token = rig.startManaged();
    rig.putPending({ password: "joined-password-1", ...fields }, token);
    const proof = runStep(rig.context, { step: "testSecret", secretId: NAME, token });
    await expect(proof).rejects.toMatchObject({
      code: "SecretInvalid",
      effect: "none",
      message:
        `The pending version of secret ${NAME} is not for the instance and account of the current one ` +
        `(${differing} differ): abandon it by force, and rotate anew`,
    });
  });
});
