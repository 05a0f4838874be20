import { describe, expect, it } from "vitest";
import { RotationError } from "../../lib/errors.ts";
import type { ControlPlane, SecretStore } from "../../lib/ports.ts";
import { rollbackSecret, rotateSecret } from "../../lib/rotation/rotate.ts";
import { createRig, FIRST_PASSWORD, INSTANCE, NAME, type Rig } from "./rig.ts";

const DUE = { intervalDays: 30, force: false };
const FORCED = { intervalDays: 30, force: true };
const HOUR_MS = 3_600_000;
const A = { name: "app_a", password: "first-a-passw0rd" };
const B = { name: "app_b", password: "first-b-passw0rd" };
const usernames = ["app_a", "app_b"];

const rigWith = (accounts: readonly (typeof A)[]) =>
  createRig({ instance: { accounts }, secret: { username: "app_a", password: A.password, usernames } });

function current(rig: Rig) {
  const { username = "default", password } = JSON.parse(rig.textAt("AWSCURRENT") ?? "{}");
  return { username, opens: rig.opens(password, username) };
}

/** DescribeInstanceAccount as it may be: with the custom accounts alone. */
function withoutRoot({ controlPlane }: Rig): { readonly controlPlane: ControlPlane } {
  const describeAccount: ControlPlane["describeAccount"] = async (account) =>
    account.username === "default" ? undefined : controlPlane.describeAccount(account);
  return { controlPlane: { ...controlPlane, describeAccount } };
}

/** A store that tells this moment as the one since when the current version is current. */
function changedAt({ store }: Rig, moment: Date | undefined): SecretStore {
  return {
    ...store,
    async describe(secretId) {
      const { currentSince: _, ...description } = await store.describe(secretId);
      return { ...description, ...(moment && { currentSince: moment }) };
    },
  };
}

describe("alternating users, where less is told than usual", () => {
  it("counts from the version alone where the control plane does not know when the active account was changed", async () => {
    const rig = rigWith([A, B]);
    await rig.tencentDb.changeByHand(INSTANCE.instanceId, A.password, "app_a");
    const controlPlane: ControlPlane = {
      ...rig.controlPlane,
      async describeAccount(account) {
        const { passwordChangedAt: _, ...rights } = (await rig.controlPlane.describeAccount(account)) ?? {
          privilege: "rw",
          readonlyPolicy: ["master"],
        };
        return rights;
      },
    };
    expect(await rotateSecret(rig.run({ controlPlane }), NAME, DUE)).toMatchObject({ status: "rotated" });
  });

  it("goes over from a default account that the control plane does not list to one that is there", async () => {
    const rig = createRig({ instance: { accounts: [A] }, secret: { usernames } });
    const { controlPlane } = withoutRoot(rig);
    expect(await rotateSecret(rig.run({ controlPlane }), NAME, DUE)).toMatchObject({ status: "rotated" });
    expect(current(rig)).toEqual({ username: "app_a", opens: true });
    expect(rig.opens(FIRST_PASSWORD)).toBe(true);
  });

  it("rolls back to a default account that the control plane does not list, after a change by hand", async () => {
    const rig = createRig({ secret: { usernames } });
    expect(await rotateSecret(rig.run(), NAME, DUE)).toMatchObject({ status: "rotated" });
    await rig.tencentDb.changeByHand(INSTANCE.instanceId, "set-by-hand-Pw1");
    await rig.clock.sleep(60_000);
    const { controlPlane } = withoutRoot(rig);
    expect(await rollbackSecret(rig.run({ controlPlane }), NAME)).toMatchObject({ status: "rotated" });
    expect(current(rig)).toEqual({ username: "default", opens: true });
    expect(rig.opens(FIRST_PASSWORD)).toBe(true);
  });

  it("takes an edit of a secret that was never rotated for no rotation", async () => {
    const rig = rigWith([A, B]);
    const store = changedAt(rig, new Date(rig.clock.now()));
    expect(await rotateSecret(rig.run({ store }), NAME, DUE)).toMatchObject({ status: "rotated" });
  });

  it("counts from the version's own date where the store cannot tell since when it is current", async () => {
    const rig = rigWith([A]);
    expect(await rotateSecret(rig.run(), NAME, DUE)).toMatchObject({ status: "rotated" });
    const store = changedAt(rig, undefined);
    expect((await rotateSecret(rig.run({ store }), NAME, FORCED)).error?.code).toBe("AlternationTooSoon");
    await rig.clock.sleep(HOUR_MS);
    expect(await rotateSecret(rig.run({ store }), NAME, FORCED)).toMatchObject({ status: "rotated" });
  });

  it("ends where it may not read the accounts when the password is about to be sent, and sends nothing", async () => {
    const rig = rigWith([A]);
    const controlPlane: ControlPlane = {
      ...rig.controlPlane,
      async describeAccount(account) {
        if (rig.at("AWSPENDING") === undefined) return rig.controlPlane.describeAccount(account);
        throw new RotationError("AccessDenied", "DescribeInstanceAccount: denied", { effect: "none" });
      },
    };
    const result = await rotateSecret(rig.run({ controlPlane }), NAME, DUE);
    expect(result).toMatchObject({ status: "failed", error: { code: "AccessDenied" } });
    expect(result.durationMs).toBeLessThan(1_000);
    expect([rig.calls("CreateInstanceAccount"), rig.calls("ModifyInstanceAccount")]).toEqual([0, 0]);
  });
});
