import { describe, expect, it } from "vitest";
import { planSecret } from "../../lib/rotation/inspect.ts";
import { runStep } from "../../lib/rotation/managed.ts";
import { rollbackSecret, rotateSecret } from "../../lib/rotation/rotate.ts";
import { createRig, FIRST_PASSWORD, INSTANCE, NAME, type Rig, type RigOptions } from "./rig.ts";

const DUE = { intervalDays: 30, force: false };
const FORCED = { intervalDays: 30, force: true };
const HOUR_MS = 3_600_000;
const A = { name: "app_a", password: "first-a-passw0rd", privilege: "r", readonlyPolicy: ["replication"] };
const usernames = ["app_a", "app_b"];

const rigWith = (options: RigOptions = {}) =>
  createRig({
    instance: { accounts: [A] },
    secret: { username: "app_a", password: A.password, usernames },
    ...options,
  });

function at(rig: Rig, label: "AWSCURRENT" | "AWSPREVIOUS") {
  const { username, password } = JSON.parse(rig.textAt(label) ?? "{}");
  return { username, opens: rig.opens(password, username) };
}

async function rotated(rig: Rig, options = FORCED): Promise<void> {
  const result = await rotateSecret(rig.run(), NAME, options);
  expect(result).toMatchObject({ status: "rotated", exposureMs: 0 });
  expect(rig.at("AWSPENDING")).toBeUndefined();
}

describe("alternating users", () => {
  it("makes the missing account with the active one's rights, and leaves the active one as it is", async () => {
    const rig = rigWith();
    await rotated(rig, DUE);
    expect(at(rig, "AWSCURRENT")).toEqual({ username: "app_b", opens: true });
    expect(at(rig, "AWSPREVIOUS")).toEqual({ username: "app_a", opens: true });
    const made = rig.tencentDb.instance(INSTANCE.instanceId).accounts.get("app_b");
    expect(made).toMatchObject({ privilege: "r", readonlyPolicy: ["replication"] });
    expect([rig.calls("CreateInstanceAccount"), rig.calls("ModifyInstanceAccount")]).toEqual([1, 0]);
  });

  it("changes each account by turns, so that the version before always opens Redis", async () => {
    const rig = rigWith();
    for (const username of ["app_b", "app_a", "app_b", "app_a"]) {
      await rotated(rig);
      expect(at(rig, "AWSCURRENT")).toEqual({ username, opens: true });
      expect(at(rig, "AWSPREVIOUS").opens).toBe(true);
      await rig.clock.sleep(HOUR_MS);
    }
    expect([rig.calls("CreateInstanceAccount"), rig.calls("ModifyInstanceAccount")]).toEqual([1, 3]);
  });

  it("keeps the password of the active account open at every moment", async () => {
    const rig = rigWith();
    await rotated(rig);
    await rig.clock.sleep(HOUR_MS);
    const refused: unknown[] = [];
    const look = () => {
      const { username, opens } = at(rig, "AWSCURRENT");
      if (!opens) refused.push(username);
    };
    const context = rig.run({
      probe: async (target) => {
        look();
        return rig.redis.probe(target);
      },
    });
    expect(await rotateSecret(context, NAME, FORCED)).toMatchObject({ status: "rotated" });
    expect(refused).toEqual([]);
  });

  it("goes over from the default account, which it leaves as it is", async () => {
    const rig = createRig({ secret: { usernames } });
    await rotated(rig, DUE);
    expect(at(rig, "AWSCURRENT")).toEqual({ username: "app_a", opens: true });
    expect(rig.opens(FIRST_PASSWORD)).toBe(true);
  });

  it("is rotated in four steps as well", async () => {
    const rig = rigWith();
    const token = rig.startManaged();
    for (const step of ["createSecret", "setSecret", "testSecret", "finishSecret"] as const) {
      await runStep(rig.run(), { step, secretId: NAME, token });
    }
    expect(at(rig, "AWSCURRENT")).toEqual({ username: "app_b", opens: true });
    expect(at(rig, "AWSPREVIOUS").opens).toBe(true);
  });

  it("carries on after the reply to CreateInstanceAccount was lost", async () => {
    const rig = rigWith();
    rig.tencentDb.failNext("CreateInstanceAccount", { kind: "reset", carriedOut: true });
    await rotated(rig, DUE);
    expect(rig.tencentDb.passwordsSent(INSTANCE.instanceId)).toMatchObject({ distinct: 1 });
  });

  it("looks again where another run has made the account between the look and the request", async () => {
    const rig = rigWith();
    let looks = 0;
    const context = rig.run({
      controlPlane: {
        ...rig.controlPlane,
        async describeAccount(account) {
          looks += account.username === "app_b" ? 1 : 0;
          const { accounts } = rig.tencentDb.instance(INSTANCE.instanceId);
          const made = accounts.get("app_a");
          if (looks === 1 && account.username === "app_b") {
            if (made !== undefined) accounts.set("app_b", { ...made, name: "app_b" });
            return undefined;
          }
          return rig.controlPlane.describeAccount(account);
        },
      },
    });
    expect(await rotateSecret(context, NAME, DUE)).toMatchObject({ status: "rotated" });
    expect(at(rig, "AWSCURRENT")).toEqual({ username: "app_b", opens: true });
    expect(rig.tencentDb.passwordsSent(INSTANCE.instanceId)).toMatchObject({ distinct: 1 });
  });

  it("makes the account once where two runs start together", async () => {
    const rig = rigWith();
    const results = await Promise.all([
      rotateSecret(rig.run(), NAME, DUE),
      rotateSecret(rig.run(), NAME, DUE),
    ]);
    expect(results.map(({ status }) => status)).toEqual(["rotated", "rotated"]);
    expect(at(rig, "AWSCURRENT")).toEqual({ username: "app_b", opens: true });
    expect(rig.tencentDb.passwordsSent(INSTANCE.instanceId)).toMatchObject({ distinct: 1 });
  });

  it.each([
    ["the default interval", {}, HOUR_MS],
    ["the configured one", { alternationIntervalMs: 10 * HOUR_MS }, 10 * HOUR_MS],
  ])("changes no account within %s of the other, even by force", async (_, context, intervalMs) => {
    const rig = rigWith({ context });
    await rotated(rig, DUE);
    await rig.clock.sleep(intervalMs - 120_000);
    for (const act of [rotateSecret, planSecret]) {
      const { error } = await act(rig.run(), NAME, FORCED);
      expect(error).toMatchObject({ code: "AlternationTooSoon", effect: "none" });
    }
    expect(rig.at("AWSPENDING")).toBeUndefined();
    await rig.clock.sleep(120_000);
    await rotated(rig);
  });

  it("counts a change of the active account that somebody else has made", async () => {
    const rig = rigWith({ instance: { accounts: [A, { name: "app_b", password: "first-b-passw0rd" }] } });
    await rig.tencentDb.changeByHand(INSTANCE.instanceId, A.password, "app_a");
    const { error } = await rotateSecret(rig.run(), NAME, DUE);
    expect(error?.code).toBe("AlternationTooSoon");
    await rig.clock.sleep(HOUR_MS);
    await rotated(rig, DUE);
  });

  it("is not due within that interval, however short the other one is", async () => {
    const rig = rigWith();
    await rotated(rig, DUE);
    const often = { intervalDays: 0, force: false };
    expect(await rotateSecret(rig.run(), NAME, often)).toMatchObject({ status: "not-due" });
  });

  it("rolls back to the other account without sending anything", async () => {
    const rig = rigWith();
    await rotated(rig, DUE);
    await rig.clock.sleep(60_000);
    const sent = rig.tencentDb.passwordsSent(INSTANCE.instanceId).calls;
    expect(await rollbackSecret(rig.run(), NAME)).toMatchObject({ status: "rotated", exposureMs: 0 });
    expect(at(rig, "AWSCURRENT")).toEqual({ username: "app_a", opens: true });
    expect(rig.passwordAt("AWSCURRENT")).toBe(A.password);
    expect(at(rig, "AWSPREVIOUS")).toEqual({ username: "app_b", opens: true });
    expect(rig.tencentDb.passwordsSent(INSTANCE.instanceId).calls).toBe(sent);
  });

  it("needs the active account", async () => {
    const rig = createRig({ secret: { username: "app_a", usernames } });
    const { error } = await rotateSecret(rig.context, NAME, DUE);
    expect(error?.code).toBe("AccountNotFound");
    expect(rig.at("AWSPENDING")).toBeUndefined();
  });
});
