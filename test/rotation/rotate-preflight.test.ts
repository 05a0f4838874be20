import { describe, expect, it } from "vitest";
import { rotateSecret } from "../../lib/rotation/rotate.ts";
import { DUE, expectRotated } from "./expectations.ts";
import { createRig, NAME, type RigOptions } from "./rig.ts";

/** Somebody else's Redis, which rejects the password. */
const OTHER_REDIS = "10.0.0.77";

describe("before anything is touched", () => {
  it("an instance that takes any password fails the rotation", async () => {
    const rig = createRig({ context: { probe: async () => ({ answer: "accepted" }) } });
    expect(await rotateSecret(rig.context, NAME, DUE)).toMatchObject({
      error: { code: "InstancePasswordFree" },
    });
    expect(rig.at("AWSPENDING")).toBeUndefined();
  });

  it("an address of another Redis is no hindrance where an operator forces it", async () => {
    const rig = createRig({ secret: { host: OTHER_REDIS } });
    const result = await rotateSecret(rig.context, NAME, { ...DUE, force: true });
    expect(rig.calls("ResetPassword")).toBeGreaterThan(0);
    expect(result).toMatchObject({ status: "failed", error: { code: "TaskFailed" } });
  });

  it.each<[string, RigOptions, string]>([
    ["an isolated instance", { instance: { status: -2 } }, "InstanceGone"],
    ["an instance without a password", { instance: { noAuth: true } }, "InstancePasswordFree"],
    [
      "a length that the edition does not take",
      { instance: { type: 3 }, context: { passwordLength: 32 } },
      "PolicyContradiction",
    ],
    ["an address where nobody answers", { secret: { host: "10.0.0.99" } }, "RedisUnreachable"],
    ["an instance that is not there", { secret: { instanceId: "crs-missing" } }, "InstanceNotFound"],
    ["a secret that cannot be read", { secret: { region: "evil.example/" } }, "SecretInvalid"],
    [
      "an address of another Redis, as it seems",
      { secret: { host: OTHER_REDIS } },
      "CurrentPasswordRejected",
    ],
    [
      "an api that cannot change the account",
      { secret: { username: "app", api: "ModfiyRedisPassword" } },
      "SecretInvalid",
    ],
  ])("%s fails the rotation", async (_what, options, code) => {
    const rig = createRig(options);
    const result = await rotateSecret(rig.context, NAME, DUE);
    expect(result).toMatchObject({ status: "failed", error: { code, effect: "none" } });
    expect([rig.calls("ResetPassword"), rig.at("AWSPENDING")]).toEqual([0, undefined]);
  });

  it("an address where nobody answers is no hindrance where the task's word is enough", async () => {
    const rig = createRig({ secret: { host: "10.0.0.99" } });
    const result = await rotateSecret(rig.run({ verify: "task" }), NAME, DUE);
    expect(result).toMatchObject({ status: "rotated" });
    expectRotated(rig);
  });

  it("a run whose time is over does nothing", async () => {
    const rig = createRig({ remainingMs: 0 });
    expect(await rotateSecret(rig.context, NAME, DUE)).toMatchObject({ status: "in-progress" });
    expect(rig.secretsManager.calls.map(({ action }) => action)).toEqual(["CreateSecret"]);
  });
});
