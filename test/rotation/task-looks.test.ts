import { describe, expect, it } from "vitest";
import type { Probe } from "../../lib/ports.ts";
import { rotateSecret } from "../../lib/rotation/rotate.ts";
import { changeInConsole } from "./console.ts";
import { DUE, expectRotated, rotated } from "./expectations.ts";
import { createRig, FIRST_PASSWORD, INSTANCE, NAME, type Rig } from "./rig.ts";

const JOINED = { password: "joined-password-1" };
const NOWHERE = { host: "10.0.0.99" };

describe("a run that has just stored its version itself", () => {
  it("sends it without looking first: nobody else can have sent it", async () => {
    const rig = createRig();
    await rotated(rig);
    const actions = rig.tencentDb.calls.map(({ action }) => action);
    expect(actions.filter((action) => action !== "DescribeTaskInfo")).toEqual([
      "DescribeInstances",
      "DescribeInstancePasswordPolicy",
      "ResetPassword",
    ]);
  });
});

describe("a refusal", () => {
  it("is told of, with its error", async () => {
    const rig = createRig();
    rig.tencentDb.failNext("ResetPassword", { kind: "error", code: "RequestLimitExceeded" });
    await rotated(rig);
    const { instanceId, region } = INSTANCE;
    expect(rig.events.filter(({ type }) => type === "refused")).toEqual([
      {
        type: "refused",
        secretId: NAME,
        instanceId,
        region,
        error: expect.objectContaining({ code: "Throttled", effect: "none" }),
      },
    ]);
  });

  it("because the instance is busy is not met by sending again before it is free", async () => {
    const rig: Rig = createRig({
      storeAt: ({ call, phase }) => {
        if (call === "stage" && phase === "after") rig.tencentDb.startOtherFlow(INSTANCE.instanceId, 30_000);
      },
    });
    await rotated(rig);
    expect(rig.calls("ResetPassword")).toBe(2);
  });

  it("for another reason is no reason to ask for the instance's state", async () => {
    const rig = createRig();
    rig.tencentDb.failNext("ResetPassword", { kind: "error", code: "RequestLimitExceeded" });
    await rotated(rig);
    expect(rig.calls("DescribeInstances")).toBe(1);
  });

  it("is no lost reply: a password that is refused for good after it is released", async () => {
    const rig = createRig();
    rig.tencentDb.failNext("ResetPassword", { kind: "error", code: "RequestLimitExceeded" });
    rig.tencentDb.failNext("ResetPassword", {
      kind: "error",
      code: "InvalidParameterValue.PasswordRuleError",
    });
    expect(await rotateSecret(rig.context, NAME, DUE)).toMatchObject({ error: { code: "PasswordRefused" } });
    expect(rig.at("AWSPENDING")).toBeUndefined();
  });

  it("leaves Redis as it was: a run that stops after it says so", async () => {
    const rig = createRig();
    rig.tencentDb.failNext("ResetPassword", { kind: "error", code: "RequestLimitExceeded" }, { times: 99 });
    expect(await rotateSecret(rig.run({}, 45_000), NAME, DUE)).toMatchObject({
      status: "in-progress",
      error: { effect: "none" },
    });
  });

  it("comes twelve times in most of a minute before the run gives up", async () => {
    const rig = createRig();
    rig.tencentDb.failNext("ResetPassword", { kind: "error", code: "RequestLimitExceeded" }, { times: 99 });
    const { status, durationMs } = await rotateSecret(rig.context, NAME, DUE);
    expect(status).toBe("failed");
    expect(durationMs).toBeGreaterThan(45_000);
    expect(durationMs).toBeLessThan(90_000);
  });
});

describe("where only the task's word counts", () => {
  it("a task from the console is not taken for the own one whose reply was lost", async () => {
    const rig = createRig({ secret: NOWHERE, context: { verify: "task" } });
    rig.tencentDb.failNext("ResetPassword", { kind: "hang" });
    const running = rotateSecret(rig.context, NAME, DUE);
    await rig.clock.sleep(1_000);
    await changeInConsole(rig, "set-in-the-console-1");
    expect(await running).toMatchObject({ status: "rotated" });
    expect(rig.opens(rig.passwordAt("AWSCURRENT"))).toBe(true);
  });

  it("a task from the console is not taken for one of a version that was found pending", async () => {
    const rig = createRig({ secret: NOWHERE, context: { verify: "task" } });
    rig.putPending(JOINED);
    await changeInConsole(rig, "set-in-the-console-1");
    expect(await rotateSecret(rig.context, NAME, DUE)).toMatchObject({ status: "rotated" });
    expect(rig.opens(JOINED.password)).toBe(true);
  });
});

describe("a version that is found pending", () => {
  it.each(["auth", "task"] as const)(
    "is not sent again while a task that has just succeeded does not show in Redis yet (VERIFY=%s)",
    async (verify) => {
      const rig = createRig();
      rig.putPending(JOINED);
      await changeInConsole(rig, JOINED.password);
      await rig.clock.sleep(9_000);
      const shownAt = rig.clock.now() + 5_000;
      const probe: Probe = async (target) => {
        if (target.password === JOINED.password && rig.clock.now() < shownAt) return { answer: "rejected" };
        return rig.redis.probe(target);
      };
      expect(await rotateSecret(rig.run({ probe, verify }), NAME, DUE)).toMatchObject({ status: "rotated" });
      expect([rig.passwordAt("AWSCURRENT"), rig.calls("ResetPassword")]).toEqual([JOINED.password, 1]);
      expectRotated(rig);
    },
  );

  it("is looked for at the instance's address where the secret has none", async () => {
    const rig = createRig({ secret: { host: undefined, port: undefined } });
    rig.putPending(JOINED);
    await rotated(rig);
    expect(rig.calls("DescribeInstances")).toBe(1);
  });

  it("says nothing of an exposure before this run saw that Redis had another password", async () => {
    const rig = createRig();
    rig.putPending(JOINED);
    const { exposureMs } = await rotateSecret(rig.context, NAME, DUE);
    expect(exposureMs).toBeLessThanOrEqual(200);
    expect(rig.opens(FIRST_PASSWORD)).toBe(false);
  });
});

describe("the last of several tasks that did not bring the password", () => {
  it("is told of by its own words, not by an earlier one's", async () => {
    const rig = createRig();
    rig.tencentDb.planNextTask({ ending: "error" });
    rig.tencentDb.planNextTask({ ending: "error" });
    rig.tencentDb.planNextTask({ ending: "succeed", changes: false });
    const { error } = await rotateSecret(rig.context, NAME, DUE);
    expect(error?.message).toContain("the last was 16659. See");
  });
});
