import { describe, expect, it } from "vitest";
import { planSecret, verifySecret } from "../../lib/rotation/inspect.ts";
import { runStep } from "../../lib/rotation/managed.ts";
import { rotateSecret } from "../../lib/rotation/rotate.ts";
import { createRig, FIRST_PASSWORD, INSTANCE, NAME } from "./rig.ts";

const DUE = { intervalDays: 30, force: false };
const APP_PASSWORD = "first-app-passw0rd";
const withApp = { accounts: [{ name: "app", password: APP_PASSWORD }] };
const appSecret = { username: "app", password: APP_PASSWORD };

describe("a custom account", () => {
  it("is changed, and no other", async () => {
    const rig = createRig({ instance: withApp, secret: appSecret });
    expect(await rotateSecret(rig.context, NAME, DUE)).toMatchObject({ status: "rotated" });
    expect(rig.opens(rig.passwordAt("AWSCURRENT"), "app")).toBe(true);
    expect(rig.opens(APP_PASSWORD, "app")).toBe(false);
    expect(rig.opens(FIRST_PASSWORD)).toBe(true);
    expect(rig.calls("ModifyInstanceAccount")).toBe(1);
    expect(rig.calls("ResetPassword")).toBe(0);
  });

  it("is rotated in four steps", async () => {
    const rig = createRig({ instance: withApp, secret: appSecret });
    const token = rig.startManaged();
    for (const step of ["createSecret", "setSecret", "testSecret", "finishSecret"] as const) {
      await runStep(rig.run(), { step, secretId: NAME, token });
    }
    expect(rig.at("AWSCURRENT")).toBe(token);
    expect(rig.opens(rig.passwordAt("AWSCURRENT"), "app")).toBe(true);
  });

  it("must exist before anything is touched", async () => {
    const rig = createRig({ secret: appSecret });
    for (const act of [rotateSecret, planSecret]) {
      const { error } = await act(rig.run(), NAME, DUE);
      expect(error).toMatchObject({
        code: "AccountNotFound",
        effect: "none",
        message: expect.stringContaining("app"),
      });
    }
    expect(rig.at("AWSPENDING")).toBeUndefined();
  });

  it("that is deleted does not exist", async () => {
    const rig = createRig({ instance: withApp, secret: appSecret });
    const account = rig.tencentDb.instance(INSTANCE.instanceId).accounts.get("app");
    if (account === undefined) throw new Error("The account is missing");
    account.status = 4;
    const { error } = await rotateSecret(rig.context, NAME, DUE);
    expect(error?.code).toBe("AccountNotFound");
  });

  it("keeps its password where the default account has none", async () => {
    const rig = createRig({ instance: { ...withApp, noAuth: true }, secret: appSecret });
    expect(await rotateSecret(rig.context, NAME, DUE)).toMatchObject({ status: "rotated" });
  });

  it("waits for a task of another account, and then sends its own", async () => {
    const rig = createRig({
      instance: { accounts: [...withApp.accounts, { name: "other", password: "another-passw0rd" }] },
      secret: appSecret,
    });
    const other = { ...INSTANCE, username: "other", api: "ModifyInstanceAccount" } as const;
    rig.putPending({ ...appSecret, password: "joined-passw0rd" });
    await rig.controlPlane.changePassword(other, { password: "changed-passw0rd" });
    expect(await rotateSecret(rig.run(), NAME, DUE)).toMatchObject({ status: "rotated" });
    expect(rig.opens("joined-passw0rd", "app")).toBe(true);
    expect(rig.opens("changed-passw0rd", "other")).toBe(true);
    expect(rig.calls("ModifyInstanceAccount")).toBe(2);
  });

  it("called root is the default account, also by the API of custom ones", async () => {
    const rig = createRig({ secret: { username: "root", api: "ModifyInstanceAccount" } });
    expect(await rotateSecret(rig.context, NAME, DUE)).toMatchObject({ status: "rotated" });
    expect(rig.opens(rig.passwordAt("AWSCURRENT"))).toBe(true);
    expect(JSON.parse(rig.textAt("AWSCURRENT") ?? "").username).toBe("root");
  });

  it("is what verify asks for", async () => {
    const rig = createRig({ instance: withApp, secret: appSecret });
    expect(await verifySecret(rig.context, NAME)).toMatchObject({ status: "ok" });
    await rig.tencentDb.changeByHand(INSTANCE.instanceId, "set-by-hand-Pw1", "app");
    expect(await verifySecret(rig.context, NAME)).toMatchObject({ status: "drift" });
  });
});
