import { describe, expect, it } from "vitest";
import { ERRORS } from "../../lib/errors.ts";
import { planSecret, verifySecret } from "../../lib/rotation/inspect.ts";
import { rollbackSecret, rotateSecret } from "../../lib/rotation/rotate.ts";
import { createRig, INSTANCE, NAME, type Rig, type RigOptions } from "./rig.ts";

const DUE = { intervalDays: 30, force: false };
const FORCED = { intervalDays: 30, force: true };
const HOUR_MS = 3_600_000;
const A = { name: "app_a", password: "first-a-passw0rd", privilege: "r" };
const usernames = ["app_a", "app_b"];

const rigWith = (options: RigOptions = {}) =>
  createRig({
    instance: { accounts: [A] },
    secret: { username: "app_a", password: A.password, usernames },
    ...options,
  });

/** What a client holds that reads the secret now. */
function read(rig: Rig): { readonly username: string; readonly password: string } {
  return JSON.parse(rig.textAt("AWSCURRENT") ?? "{}");
}

const opens = (rig: Rig, { username, password }: ReturnType<typeof read>) => rig.opens(password, username);

function moveCurrentBack(rig: Rig): void {
  rig.secretsManager.call("UpdateSecretVersionStage", {
    SecretId: NAME,
    VersionStage: "AWSCURRENT",
    MoveToVersionId: rig.at("AWSPREVIOUS"),
    RemoveFromVersionId: rig.at("AWSCURRENT"),
  });
}

describe("alternating users: the interval counts from when clients can read a version", () => {
  it("leaves the account of a client that read the secret a minute ago alone, after a promotion that came late", async () => {
    const rig = rigWith();
    rig.tencentDb.planNextTask({ durationMs: 60_000 });
    expect(await rotateSecret(rig.run({}, 45_000), NAME, FORCED)).toMatchObject({ status: "in-progress" });
    await rig.clock.sleep(2 * HOUR_MS);
    const client = read(rig);
    await rig.clock.sleep(60_000);
    expect(await rotateSecret(rig.run(), NAME, FORCED)).toMatchObject({ status: "rotated" });
    expect(read(rig).username).toBe("app_b");
    // The operator, or the next timer, again.
    await rotateSecret(rig.run(), NAME, FORCED);
    expect(opens(rig, client)).toBe(true);
  });

  it("also without force, where the version was pending for a month", async () => {
    const rig = rigWith();
    rig.tencentDb.planNextTask({ durationMs: 60_000 });
    await rotateSecret(rig.run({}, 45_000), NAME, DUE);
    await rig.clock.sleep(31 * 24 * HOUR_MS);
    const client = read(rig);
    await rig.clock.sleep(60_000);
    await rotateSecret(rig.run(), NAME, DUE);
    await rotateSecret(rig.run(), NAME, DUE);
    expect(opens(rig, client)).toBe(true);
  });

  it("also where an operator has moved the label current back by hand", async () => {
    const rig = rigWith();
    await rotateSecret(rig.run(), NAME, FORCED);
    await rig.clock.sleep(2 * HOUR_MS);
    const client = read(rig);
    await rig.clock.sleep(60_000);
    moveCurrentBack(rig);
    await rotateSecret(rig.run(), NAME, FORCED);
    expect(opens(rig, client)).toBe(true);
  });
});

describe("alternating users: a rollback lasts", () => {
  it("though a slow run has still to promote what was rolled back", async () => {
    let overtaken = false;
    const rig = rigWith({
      async storeAt({ call, phase }) {
        if (overtaken || call !== "promote" || phase !== "before") return;
        overtaken = true;
        expect(await rotateSecret(rig.run(), NAME, FORCED)).toMatchObject({ status: "rotated" });
        expect(await rollbackSecret(rig.run(), NAME)).toMatchObject({ status: "rotated" });
      },
    });
    await rotateSecret(rig.run(), NAME, FORCED);
    expect(overtaken).toBe(true);
    expect(read(rig).username).toBe("app_a");
  });
});

describe("alternating users: the active account is lost", () => {
  const rotatedTwoHoursAgo = async () => {
    const rig = rigWith();
    expect(await rotateSecret(rig.run(), NAME, FORCED)).toMatchObject({ status: "rotated" });
    await rig.clock.sleep(2 * HOUR_MS);
    return rig;
  };

  it("what verify advises after the active account was changed by hand, helps", async () => {
    const rig = await rotatedTwoHoursAgo();
    await rig.tencentDb.changeByHand(INSTANCE.instanceId, "set-by-hand-Pw1", "app_b");
    const { error } = await verifySecret(rig.run(), NAME);
    expect(error?.message).toContain("the previous one does: a rollback makes it current");
    expect(error?.message).toContain(ERRORS.Drift.next);
    // "a rollback makes it current"
    expect((await rollbackSecret(rig.run(), NAME)).error?.code).toBeUndefined();
    expect(opens(rig, read(rig))).toBe(true);
  });

  it("a rollback makes the previous account current, which is still there, after the active one was deleted", async () => {
    const rig = await rotatedTwoHoursAgo();
    rig.tencentDb.instance(INSTANCE.instanceId).accounts.delete("app_b");
    expect((await rollbackSecret(rig.run(), NAME)).error?.code).toBeUndefined();
    expect(read(rig).username).toBe("app_a");
  });
});

it("a plan says what would stop the rotation that is due", async () => {
  const rig = rigWith({ instance: { accounts: [A, { name: "app_b", password: "first-b-passw0rd" }] } });
  await rig.tencentDb.changeByHand(INSTANCE.instanceId, A.password, "app_a");
  const planned = await planSecret(rig.run(), NAME, DUE);
  const rotated = await rotateSecret(rig.run(), NAME, DUE);
  expect(planned.error?.code).toBe(rotated.error?.code);
});

it("rolled back twice it is where it was", async () => {
  const rig = rigWith();
  await rotateSecret(rig.run(), NAME, FORCED);
  const before = read(rig);
  await rig.clock.sleep(60_000);
  expect(await rollbackSecret(rig.run(), NAME)).toMatchObject({ status: "rotated" });
  await rig.clock.sleep(60_000);
  expect(await rollbackSecret(rig.run(), NAME)).toMatchObject({ status: "rotated" });
  expect(read(rig)).toEqual(before);
  expect(opens(rig, before)).toBe(true);
});
