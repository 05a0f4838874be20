import { beforeEach, describe, expect, it } from "vitest";
import type { Account, ControlPlane } from "../../lib/ports.ts";
import type { Fault } from "../cloud/tencentdb/faults.ts";
import type { InstanceOptions } from "../cloud/tencentdb/instances.ts";
import type { TencentDb } from "../cloud/tencentdb/model.ts";

export interface ControlPlaneUnderTest {
  readonly controlPlane: ControlPlane;
  /** What stands behind it: instances, faults and plans are set here. Its tasks take 9 s of the time below. */
  readonly db: TencentDb;
  /** Milliseconds since the epoch, by the clock of `db`. */
  readonly now: () => number;
  /** Lets that time pass. */
  readonly advance: (durationMs: number) => Promise<void>;
}

const region = "ap-guangzhou";
const account = { username: "default", api: "ResetPassword" } as const;
const place = { wanIp: "10.0.0.5", port: 6379 };
const normal: Account = { ...account, region, instanceId: "crs-normal01" };
const neighbour: Account = { ...account, region, instanceId: "crs-normal02" };
const finance: Account = { ...account, region: "ap-shanghai-fsi", instanceId: "crs-finance1" };
const isolated: Account = { ...account, region, instanceId: "crs-isolated" };
const withPolicy: Account = { ...account, region, instanceId: "crs-policy01" };
const ckv: Account = { ...account, region, instanceId: "crs-ckv00001" };

const INSTANCES: readonly InstanceOptions[] = [
  { ...normal, ...place },
  { ...neighbour, ...place },
  { ...finance, ...place },
  { ...isolated, ...place, status: -2 },
  {
    ...withPolicy,
    ...place,
    passwordPolicy: { Enabled: true, MinLength: 20, MinLetterCount: 4, MinDigitCount: 3, MinSpecialCount: 2 },
  },
  { ...ckv, ...place, type: 3 },
];

const PASSWORD = "Fresh-Pass-0001";
const OFTEN = { times: 20 };
const fault = (code: string): Fault => ({ kind: "error", code });

/** What every control plane promises of instances, of the default account and of tasks. `setup` is called for each test, with the instances that must be there. */
export function describeControlPlaneContract(
  name: string,
  setup: (instances: readonly InstanceOptions[]) => Promise<ControlPlaneUnderTest>,
): void {
  describe(`${name} keeps the control plane's contract`, () => {
    let given: ControlPlaneUnderTest;
    beforeEach(async () => {
      given = await setup(INSTANCES);
    });

    describe("describeInstance", () => {
      it("tells where a running instance listens", async () => {
        expect(await given.controlPlane.describeInstance(normal)).toEqual({
          state: "running",
          host: "10.0.0.5",
          port: 6379,
          passwordFree: false,
          edition: "redis",
        });
      });

      it.each([
        [0, "busy"],
        [1, "busy"],
        [2, "running"],
        [-2, "gone"],
        [-3, "gone"],
      ] as const)("tells of status %i that the instance is %s", async (status, state) => {
        given.db.instance(normal.instanceId).status = status;
        expect(await given.controlPlane.describeInstance(normal)).toMatchObject({ state });
      });

      it("tells that another flow holds the instance", async () => {
        given.db.startOtherFlow(normal.instanceId);
        expect(await given.controlPlane.describeInstance(normal)).toMatchObject({ state: "busy" });
      });

      it("tells that an instance answers without a password", async () => {
        given.db.instance(normal.instanceId).noAuth = true;
        expect(await given.controlPlane.describeInstance(normal)).toMatchObject({ passwordFree: true });
      });

      it("tells a CKV edition from a Redis one", async () => {
        expect(await given.controlPlane.describeInstance(ckv)).toMatchObject({ edition: "ckv" });
      });

      it("finds an instance of a finance region", async () => {
        expect(await given.controlPlane.describeInstance(finance)).toMatchObject({ state: "running" });
      });

      it.each([
        { region, instanceId: "crs-nowhere1" },
        { region: "ap-beijing", instanceId: normal.instanceId },
      ])("does not find $instanceId in $region", async (ref) => {
        const found = given.controlPlane.describeInstance(ref);
        await expect(found).rejects.toMatchObject({ code: "InstanceNotFound", effect: "none" });
      });
    });

    describe("describePasswordPolicy", () => {
      it("tells the instance's own rule", async () => {
        expect(await given.controlPlane.describePasswordPolicy(withPolicy)).toEqual({
          minLength: 20,
          minLetters: 4,
          minDigits: 3,
          minSpecials: 2,
        });
      });

      it("tells the API's defaults for what a rule leaves out", async () => {
        given.db.instance(normal.instanceId).passwordPolicy = { Enabled: true };
        expect(await given.controlPlane.describePasswordPolicy(normal)).toEqual({
          minLength: 8,
          minLetters: 1,
          minDigits: 1,
          minSpecials: 1,
        });
      });

      it("tells nothing of an instance without a rule, or with one that is switched off", async () => {
        expect(await given.controlPlane.describePasswordPolicy(normal)).toBeUndefined();
        given.db.instance(normal.instanceId).passwordPolicy = { Enabled: false, MinLength: 20 };
        expect(await given.controlPlane.describePasswordPolicy(normal)).toBeUndefined();
      });

      it.each(["InvalidAction", "UnsupportedOperation", "FailedOperation.UnSupportError"])(
        "takes %s for no rule",
        async (code) => {
          given.db.failNext("DescribeInstancePasswordPolicy", fault(code), OFTEN);
          expect(await given.controlPlane.describePasswordPolicy(withPolicy)).toBeUndefined();
        },
      );

      it("does not take a passing failure for no rule", async () => {
        given.db.failNext("DescribeInstancePasswordPolicy", fault("RequestLimitExceeded"), OFTEN);
        const policy = given.controlPlane.describePasswordPolicy(withPolicy);
        await expect(policy).rejects.toMatchObject({ code: "Throttled", effect: "none" });
      });
    });

    describe("changePassword", () => {
      it("starts one task, which changes the password", async () => {
        const { taskId } = await given.controlPlane.changePassword(normal, { password: PASSWORD });
        expect(taskId).toBeGreaterThan(0);
        expect(given.db.passwordChanges(normal.instanceId)).toBe(0);
        await given.advance(9_000);
        expect(given.db.passwordChanges(normal.instanceId)).toBe(1);
        expect(given.db.passwordsSent(normal.instanceId)).toMatchObject({ calls: 1 });
      });

      it("changes the password in a finance region", async () => {
        await given.controlPlane.changePassword(finance, { password: PASSWORD });
        expect(given.db.passwordsSent(finance.instanceId)).toMatchObject({ calls: 1 });
      });

      it.each([
        ["breaks the API's rule", normal, "short", "PasswordRefused"],
        ["breaks the instance's own rule", withPolicy, PASSWORD, "PasswordRefused"],
        ["has a special character for a CKV edition", ckv, PASSWORD, "PasswordRefused"],
        ["is for an isolated instance", isolated, PASSWORD, "InstanceGone"],
        ["is for no instance", { ...normal, instanceId: "crs-nowhere1" }, PASSWORD, "InstanceNotFound"],
      ])("refuses a password that %s, with no effect", async (_name, ref, password, code) => {
        const error = await refusal(given.controlPlane.changePassword(ref, { password }));
        expect(error).toMatchObject({ code, effect: "none", passing: false });
        expect(String(error)).not.toContain(password);
      });

      it("is refused for now while another task runs, with no effect", async () => {
        await given.controlPlane.changePassword(normal, { password: PASSWORD });
        const error = await refusal(given.controlPlane.changePassword(normal, { password: PASSWORD }));
        expect(error).toMatchObject({ code: "InstanceBusy", effect: "none", passing: true });
      });

      it.each([
        ["RequestLimitExceeded", "Throttled", "none"],
        ["ResourceInUse.InstanceBeenLocked", "InstanceBusy", "none"],
        ["FailedOperation.SystemError", "CloudUnavailable", "unknown"],
        ["InternalError", "CloudUnavailable", "unknown"],
        ["UnauthorizedOperation.NoCAMAuthed", "AccessDenied", "none"],
        ["InvalidParameter.PermissionDenied", "AccessDenied", "none"],
        ["UnsupportedOperation", "RequestRefused", "none"],
      ])("throws for %s: %s, effect %s, after one call", async (apiCode, code, effect) => {
        given.db.failNext("ResetPassword", fault(apiCode));
        const error = await refusal(given.controlPlane.changePassword(normal, { password: PASSWORD }));
        expect(error).toMatchObject({ code, effect, requestId: expect.stringMatching(/./) });
        expect(given.db.passwordsSent(normal.instanceId)).toMatchObject({ calls: 1 });
      });

      it.each([
        [{ kind: "reset" }, "NoAnswer"],
        [{ kind: "hang" }, "NoAnswer"],
        [{ kind: "not-json" }, "NoAnswer"],
        [{ kind: "empty" }, "NoAnswer"],
        [{ kind: "status", status: 502 }, "CloudUnavailable"],
      ] as const)("after a lost reply ($0.kind) says that the effect is unknown", async (broken, code) => {
        given.db.failNext("ResetPassword", { ...broken, carriedOut: true });
        const since = new Date(given.now());
        const error = await refusal(given.controlPlane.changePassword(normal, { password: PASSWORD }));
        expect(error).toMatchObject({ code, effect: "unknown", passing: true });
        expect(given.db.passwordsSent(normal.instanceId)).toMatchObject({ calls: 1 });
        expect(await given.controlPlane.newestPasswordTask(normal, since)).toMatchObject({
          state: "running",
        });
      });
    });

    describe("describeTask", () => {
      it("follows a task from running to succeeded", async () => {
        const { taskId } = await given.controlPlane.changePassword(normal, { password: PASSWORD });
        expect(await given.controlPlane.describeTask(normal, taskId)).toEqual({ taskId, state: "running" });
        await given.advance(8_000);
        expect(await given.controlPlane.describeTask(normal, taskId)).toEqual({ taskId, state: "running" });
        await given.advance(1_000);
        expect(await given.controlPlane.describeTask(normal, taskId)).toEqual({ taskId, state: "succeeded" });
      });

      it.each(["failed", "error"] as const)("tells why a task ended with %s", async (ending) => {
        given.db.planNextTask({ ending });
        const { taskId } = await given.controlPlane.changePassword(normal, { password: PASSWORD });
        await given.advance(9_000);
        expect(await given.controlPlane.describeTask(normal, taskId)).toEqual({
          taskId,
          state: "failed",
          message: expect.stringMatching(/./),
        });
      });

      it.each(["RUNNING", "queued"])("takes the status %s for running", async (statusUntilEnd) => {
        given.db.planNextTask({ statusUntilEnd });
        const { taskId } = await given.controlPlane.changePassword(normal, { password: PASSWORD });
        expect(await given.controlPlane.describeTask(normal, taskId)).toEqual({ taskId, state: "running" });
      });

      it("refuses a task that is not there", async () => {
        const error = await refusal(given.controlPlane.describeTask(normal, 4_711));
        expect(error).toMatchObject({ code: "RequestRefused", effect: "none" });
      });

      it.each([fault("InternalError"), { kind: "reset" }] as const)(
        "fails without an effect when the cloud does ($kind)",
        async (broken) => {
          given.db.failNext("DescribeTaskInfo", broken, OFTEN);
          const error = await refusal(given.controlPlane.describeTask(normal, 1));
          expect(error).toMatchObject({ effect: "none", passing: true });
        },
      );
    });

    describe("newestPasswordTask", () => {
      it("finds none where there is none, or only another instance's or another kind's", async () => {
        const since = new Date(given.now());
        await given.controlPlane.changePassword(neighbour, { password: PASSWORD });
        given.db.startOtherFlow(normal.instanceId);
        expect(await given.controlPlane.newestPasswordTask(normal, since)).toBeUndefined();
      });

      it("finds a task that started in the very second", async () => {
        const since = new Date(given.now());
        const { taskId } = await given.controlPlane.changePassword(normal, { password: PASSWORD });
        expect(await given.controlPlane.newestPasswordTask(normal, since)).toEqual({
          taskId,
          state: "running",
        });
      });

      it("finds the newest of several, and none that started before", async () => {
        const since = new Date(given.now());
        given.db.planNextTask({ ending: "failed" });
        const first = await given.controlPlane.changePassword(normal, { password: PASSWORD });
        await given.advance(10_000);
        expect(await given.controlPlane.newestPasswordTask(normal, since)).toMatchObject({
          taskId: first.taskId,
          state: "failed",
        });

        const second = await given.controlPlane.changePassword(normal, { password: PASSWORD });
        await given.advance(10_000);
        expect(await given.controlPlane.newestPasswordTask(normal, since)).toEqual({
          taskId: second.taskId,
          state: "succeeded",
        });
        const later = new Date(given.now());
        expect(await given.controlPlane.newestPasswordTask(normal, later)).toBeUndefined();
      });
    });
  });
}

/** What the promise is rejected with; fails where it is not. */
export function refusal(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    (value) => expect.fail(`There is an answer: ${JSON.stringify(value)}`),
    (error: unknown) => error,
  );
}
