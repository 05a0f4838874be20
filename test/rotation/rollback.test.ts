import { describe, expect, it } from "vitest";
import { rollbackSecret, rotateSecret } from "../../lib/rotation/rotate.ts";
import { rotated } from "./expectations.ts";
import { createRig, FIRST_PASSWORD, NAME } from "./rig.ts";

describe("rollback", () => {
  it("puts the previous password back on both sides", async () => {
    const rig = createRig();
    await rotated(rig);
    const second = rig.passwordAt("AWSCURRENT");
    expect(await rollbackSecret(rig.run(), NAME)).toMatchObject({ status: "rotated" });
    expect(rig.passwordAt("AWSCURRENT")).toBe(FIRST_PASSWORD);
    expect(rig.passwordAt("AWSPREVIOUS")).toBe(second);
    expect([rig.opens(FIRST_PASSWORD), rig.opens(second)]).toEqual([true, false]);
  });

  it("carries on where it was cut off", async () => {
    const rig = createRig();
    await rotated(rig);
    rig.tencentDb.planNextTask({ durationMs: 60_000 });
    expect(await rollbackSecret(rig.run({}, 40_000), NAME)).toMatchObject({ status: "in-progress" });
    expect(await rollbackSecret(rig.run(), NAME)).toMatchObject({ status: "rotated" });
    expect(rig.opens(FIRST_PASSWORD)).toBe(true);
  });

  it("is refused where there is no previous version", async () => {
    const rig = createRig();
    expect(await rollbackSecret(rig.context, NAME)).toMatchObject({ error: { code: "SecretInvalid" } });
  });

  it("is refused where the previous password is the current one", async () => {
    const rig = createRig();
    rig.secretsManager.call("PutSecretValue", {
      SecretId: NAME,
      ClientRequestToken: "edited-by-hand-without-a-new-password",
      SecretString: JSON.stringify({ ...JSON.parse(rig.textAt("AWSCURRENT") ?? ""), note: "edited" }),
    });
    expect(await rollbackSecret(rig.context, NAME)).toMatchObject({ error: { code: "SecretInvalid" } });
    expect(rig.at("AWSPENDING")).toBeUndefined();
  });

  it("is refused while another rotation is pending", async () => {
    const rig = createRig();
    await rotated(rig);
    rig.putPending({ password: "joined-password-1" });
    expect(await rollbackSecret(rig.run(), NAME)).toMatchObject({ error: { code: "RotationPending" } });
  });
});

it("rotates on after an operator has moved the label current back by hand", async () => {
  const rig = createRig();
  const forced = { intervalDays: 30, force: true };
  await rotateSecret(rig.run(), NAME, forced);
  const [newer, older] = [rig.at("AWSCURRENT"), rig.at("AWSPREVIOUS")];
  rig.secretsManager.call("UpdateSecretVersionStage", {
    SecretId: NAME,
    VersionStage: "AWSCURRENT",
    MoveToVersionId: older,
    RemoveFromVersionId: newer,
  });
  await rig.clock.sleep(60_000);
  expect(await rotateSecret(rig.run(), NAME, forced)).toMatchObject({ status: "rotated" });
  expect(rig.opens(rig.passwordAt("AWSCURRENT"))).toBe(true);
  expect([newer, older]).not.toContain(rig.at("AWSCURRENT"));
});
