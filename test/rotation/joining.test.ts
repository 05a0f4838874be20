import { describe, expect, it } from "vitest";
import { RotationError } from "../../lib/errors.ts";
import { rollbackSecret, rotateSecret } from "../../lib/rotation/rotate.ts";
import { DUE, rotated } from "./expectations.ts";
import { createRig, FIRST_PASSWORD, INSTANCE, NAME, type Rig } from "./rig.ts";

describe("a run that finds at the storing that another has stored and sent the password", () => {
  /** Another run of the same action begins right before this one stores its version, and its time ends early. */
  function rigWith(act: (rig: Rig) => Promise<{ readonly status: string }>) {
    const state = { isArmed: false };
    const rig: Rig = createRig({
      taskDurationMs: 60_000,
      storeAt: async ({ call, phase }) => {
        if (call !== "stage" || phase !== "before" || !state.isArmed) return;
        state.isArmed = false;
        expect(await act(rig)).toMatchObject({ status: "in-progress" });
      },
    });
    return { rig, state };
  }

  it("waits for that task in a rotation, and does not send again", async () => {
    const { rig, state } = rigWith((it) => rotateSecret(it.run({}, 32_000), NAME, DUE));
    state.isArmed = true;
    await rotated(rig);
    expect(rig.calls("ResetPassword")).toBe(1);
  });

  it("waits for that task in a rollback, and does not send again", async () => {
    const { rig, state } = rigWith((it) => rollbackSecret(it.run({}, 32_000), NAME));
    await rotated(rig);
    state.isArmed = true;
    expect(await rollbackSecret(rig.run(), NAME)).toMatchObject({ status: "rotated" });
    expect(rig.calls("ResetPassword")).toBe(2);
    expect(rig.passwordAt("AWSCURRENT")).toBe(FIRST_PASSWORD);
  });
});

describe("storing the new version", () => {
  it("says so where the secret was rotated twice meanwhile", async () => {
    let isOvertaken = false;
    const rig: Rig = createRig({
      storeAt: async ({ call, phase }) => {
        if (call !== "stage" || phase !== "before" || isOvertaken) return;
        isOvertaken = true;
        await rotated(rig);
        await rotateSecret(rig.run(), NAME, { ...DUE, force: true });
      },
    });
    const { error } = await rotateSecret(rig.context, NAME, DUE);
    expect(error?.message).toContain(`Secret ${NAME} was rotated twice while this run looked away`);
  });

  it("fails where every id that it may take was released before", async () => {
    const rig = createRig();
    const context = () => rig.run({ digest: () => "0".repeat(64) });
    rig.tencentDb.failNext("ResetPassword", {
      kind: "error",
      code: "InvalidParameterValue.PasswordRuleError",
    });
    expect(await rotateSecret(context(), NAME, DUE)).toMatchObject({ error: { code: "PasswordRefused" } });
    const { error } = await rotateSecret(context(), NAME, DUE);
    expect(error).toMatchObject({
      code: "VersionNotPending",
      effect: "none",
      message: expect.stringContaining(
        `Every version that this rotation of secret ${NAME} could use was released before`,
      ),
    });
  });
});

describe("storing the new version while others make theirs pending", () => {
  it("is tried three times, and then left to the next run", async () => {
    let tries = 0;
    const rig: Rig = createRig({
      storeAt: async ({ call, phase }) => {
        if (phase !== "before") return;
        const pendingId = rig.at("AWSPENDING");
        if (call === "describe" && pendingId !== undefined) await rig.store.release(NAME, pendingId);
        if (call !== "stage") return;
        tries += 1;
        rig.putPending({ password: "joined-password-1" });
      },
    });
    const { error } = await rotateSecret(rig.context, NAME, DUE);
    expect([error?.code, tries, rig.calls("ResetPassword")]).toEqual(["StoreConflict", 3, 0]);
  });

  it("is not tried again where the secret manager fails", async () => {
    let tries = 0;
    const rig: Rig = createRig({
      storeAt: ({ call, phase }) => {
        if (call !== "stage" || phase !== "before") return;
        tries += 1;
        throw new RotationError("StoreUnavailable", "x", { effect: "unknown" });
      },
    });
    const { error } = await rotateSecret(rig.context, NAME, DUE);
    expect([error?.code, tries]).toEqual(["StoreUnavailable", 1]);
  });
});

describe("a password that the API refuses", () => {
  it("as a request, for good: is released, and told of", async () => {
    const rig = createRig();
    rig.tencentDb.failNext("ResetPassword", { kind: "error", code: "FailedOperation.UnSupportError" });
    const { error, versionId } = await rotateSecret(rig.context, NAME, DUE);
    expect([error?.code, rig.at("AWSPENDING")]).toEqual(["RequestRefused", undefined]);
    expect(rig.events).toContainEqual({ type: "released", secretId: NAME, versionId });
  });

  it("by a defect of this program: stays pending, and the defect is told of", async () => {
    const rig = createRig();
    let tries = 0;
    const changePassword = () => {
      tries += 1;
      return Promise.reject(new TypeError("x"));
    };
    const controlPlane = { ...rig.controlPlane, changePassword };
    const { error } = await rotateSecret(rig.run({ controlPlane }), NAME, DUE);
    expect(error).toMatchObject({ code: "Internal", effect: "unknown" });
    expect([tries, rig.at("AWSPENDING") !== undefined]).toEqual([1, true]);
  });
});

describe("an API that asks for the old password", () => {
  it("is not called where Redis has the pending one by then", async () => {
    let looks = 0;
    const rig: Rig = createRig({
      secret: { api: "ModifyInstancePassword" },
      storeAt: async ({ call, phase }) => {
        if (call !== "describe" || phase !== "before") return;
        looks += 1;
        if (looks === 2) await rig.redis.setPassword(INSTANCE.instanceId, "default", "joined-password-1");
      },
    });
    rig.putPending({ password: "joined-password-1" });
    expect(await rotateSecret(rig.context, NAME, DUE)).toMatchObject({ status: "rotated" });
    expect([looks > 1, rig.calls("ModifyInstancePassword")]).toEqual([true, 0]);
  });
});

describe("the making of the missing one of alternating users", () => {
  const rigWith = () => createRig({ secret: { usernames: ["app_a", "app_b"] } });
  const refusals = (rig: Rig) =>
    rig.events.flatMap((event) => (event.type === "refused" ? [event.error] : []));

  it("that is refused for good is told of, and its version released", async () => {
    const rig = rigWith();
    rig.tencentDb.failNext("CreateInstanceAccount", { kind: "error", code: "LimitExceeded" });
    const { error } = await rotateSecret(rig.context, NAME, DUE);
    expect([error?.code, rig.at("AWSPENDING")]).toEqual(["RequestRefused", undefined]);
  });

  it.each([
    ["whose reply was lost", "NoAnswer", "unknown", { code: "NoAnswer", effect: "unknown", message: "Lost" }],
    [
      "that another run was first with",
      "RequestRefused",
      "none",
      { code: "InstanceBusy", effect: "none", message: "Another run has made account app_a meanwhile" },
    ],
  ] as const)("%s is told of as that", async (_, code, effect, told) => {
    const rig = rigWith();
    const createAccount: typeof rig.controlPlane.createAccount = async (...request) => {
      await rig.controlPlane.createAccount(...request);
      await rig.clock.sleep(20_000);
      throw new RotationError(code, "Lost", { effect });
    };
    const controlPlane = { ...rig.controlPlane, createAccount };
    expect(await rotateSecret(rig.run({ controlPlane }), NAME, DUE)).toMatchObject({ status: "rotated" });
    expect(refusals(rig)).toMatchObject([told]);
  });
});
