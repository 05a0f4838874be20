import { describe, expect, it } from "vitest";
import { rollbackSecret, rotateSecret } from "../../lib/rotation/rotate.ts";
import { DUE, rotated } from "./expectations.ts";
import { createRig, NAME, type Rig } from "./rig.ts";

const refusal = (why: string) => ({
  effect: "none",
  message: expect.stringContaining(`Secret ${NAME} cannot be rolled back: ${why}. `),
});

function editByHand(rig: Rig, fields: object): void {
  rig.secretsManager.call("PutSecretValue", {
    SecretId: NAME,
    ClientRequestToken: "edited-by-hand-in-the-console-of-aws",
    SecretString: JSON.stringify({ ...JSON.parse(rig.textAt("AWSCURRENT") ?? ""), ...fields }),
  });
}

describe("a rollback says why it is refused", () => {
  it("without a previous version", async () => {
    const { error } = await rollbackSecret(createRig().context, NAME);
    expect(error).toMatchObject({ code: "SecretInvalid", ...refusal("it has no previous version") });
  });

  it("where there is nothing to go back to", async () => {
    const rig = createRig();
    editByHand(rig, { note: "edited" });
    const { error } = await rollbackSecret(rig.context, NAME);
    expect(error).toMatchObject({
      code: "SecretInvalid",
      ...refusal("the previous password is the current"),
    });
  });

  it("where the previous version is for another instance", async () => {
    const rig = createRig({ secret: { instanceId: "crs-another" } });
    editByHand(rig, { instanceId: "crs-5a4py64p", password: "typed-by-hand-1" });
    const { error } = await rollbackSecret(rig.context, NAME);
    expect(error).toMatchObject({
      code: "SecretInvalid",
      effect: "none",
      message: expect.stringContaining(
        `The previous version of secret ${NAME} is not for the instance and account of the current one ` +
          "(instanceId differ): there is nothing to roll back to. ",
      ),
    });
  });

  it("while another rotation is pending", async () => {
    const rig = createRig();
    await rotated(rig);
    rig.putPending({ password: "joined-password-1" });
    const { error } = await rollbackSecret(rig.run(), NAME);
    expect(error).toMatchObject({ code: "RotationPending", ...refusal("a rotation is pending") });
  });

  it("where another rotation stores its password at the same moment", async () => {
    let isOvertaken = true;
    const rig: Rig = createRig({
      storeAt: async ({ call, phase }) => {
        if (call !== "stage" || phase !== "before" || isOvertaken) return;
        isOvertaken = true;
        const other = await rotateSecret(rig.run({}, 20_000), NAME, { ...DUE, force: true });
        expect(other).toMatchObject({ status: "in-progress" });
      },
    });
    await rotated(rig);
    isOvertaken = false;
    const sent = rig.calls("ResetPassword");
    const { error } = await rollbackSecret(rig.run(), NAME);
    expect(error).toMatchObject({ code: "RotationPending", ...refusal("another rotation came first") });
    expect(rig.calls("ResetPassword")).toBe(sent);
  });
});

describe("a rollback", () => {
  it("is begun also where the current password is rejected at an address that is not the instance's own", async () => {
    const rig = createRig();
    await rotated(rig);
    editByHand(rig, { host: "10.0.0.77", password: "typed-by-hand-1" });
    const sent = rig.calls("ResetPassword");
    await rollbackSecret(rig.run(), NAME);
    expect(rig.calls("ResetPassword")).toBeGreaterThan(sent);
  });

  it("goes back to the other one of two users also where both have the same password", async () => {
    const accounts = [
      { name: "app_a", password: "first-a-passw0rd" },
      { name: "app_b", password: "first-a-passw0rd" },
    ];
    const secret = { username: "app_a", password: "first-a-passw0rd", usernames: ["app_a", "app_b"] };
    const rig = createRig({ instance: { accounts }, secret });
    editByHand(rig, { username: "app_b" });
    expect(await rollbackSecret(rig.context, NAME)).toMatchObject({ status: "rotated" });
    expect(JSON.parse(rig.textAt("AWSCURRENT") ?? "").username).toBe("app_a");
  });
});
