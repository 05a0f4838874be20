import { beforeEach, describe, expect, it } from "vitest";
import { RotationError } from "../../lib/errors.ts";
import type { Account, PasswordApi } from "../../lib/ports.ts";
import type { Fault } from "../cloud/tencentdb/faults.ts";
import type { InstanceOptions } from "../cloud/tencentdb/instances.ts";
import { type ControlPlaneUnderTest, refusal } from "./control-plane.contract.ts";

const instanceId = "crs-accounts";
const region = "ap-guangzhou";
const root: Account = { region, instanceId, username: "default", api: "ResetPassword" };
const app: Account = { ...root, username: "app_a", api: "ModifyInstanceAccount" };
const missing: Account = { ...app, username: "app_b" };
const ckv: Account = { ...app, instanceId: "crs-accounts-ckv" };

const OLD = "Stale-Pass-0001";
const NEW = "Fresh#Pass0002";
const CHANGED_AT_MS = Date.UTC(2025, 10, 30, 20, 15, 7);

const INSTANCES: readonly InstanceOptions[] = [
  {
    ...{ instanceId, region, wanIp: "10.0.0.5", port: 6379, password: OLD },
    accounts: [
      { name: "app_a", password: OLD, readonlyPolicy: ["replication"], passwordChangedAtMs: CHANGED_AT_MS },
      { name: "app_c", password: OLD, privilege: "r" },
    ],
  },
  { instanceId: ckv.instanceId, region, wanIp: "10.0.0.6", port: 6379, type: 3 },
];

const ROOT_APIS: readonly PasswordApi[] = [
  "ResetPassword",
  "ModifyInstancePassword",
  "ModifyInstanceAccount",
];
const TOO_LONG: Readonly<Record<PasswordApi, number>> = {
  ResetPassword: 33,
  ModifyInstancePassword: 31,
  ModifyInstanceAccount: 65,
  ModfiyRedisPassword: 17,
};
const RIGHTS = { privilege: "r", readonlyPolicy: ["replication"] };

/** What every control plane promises of accounts. `rootApis` are those by which it changes the default account's password. */
export function describeAccountContract(
  name: string,
  setup: (instances: readonly InstanceOptions[]) => Promise<ControlPlaneUnderTest>,
  rootApis: readonly PasswordApi[] = ROOT_APIS,
): void {
  describe(`${name} keeps the contract on accounts`, () => {
    let given: ControlPlaneUnderTest;
    beforeEach(async () => {
      given = await setup(INSTANCES);
    });

    const change = { password: NEW, oldPassword: OLD };
    const start = (account: Account) => given.controlPlane.changePassword(account, change);
    const actions = () => given.db.calls.map(({ action }) => action);
    const accounts = [...rootApis.map((api) => ({ ...root, api })), app];

    describe.each(accounts)("changePassword of $username by $api", (account) => {
      const { username, api } = account;

      it("starts one task, which changes that account's password and no other's", async () => {
        const { taskId } = await start(account);
        expect(given.db.isPassword(instanceId, OLD, username)).toBe(true);
        await given.advance(9_000);
        expect(await given.controlPlane.describeTask(account, taskId)).toEqual({
          taskId,
          state: "succeeded",
        });
        const opens = ["default", "app_a", "app_c"].filter((each) =>
          given.db.isPassword(instanceId, NEW, each),
        );
        expect(opens).toEqual([username]);
        expect(given.db.passwordsSent(instanceId, username)).toMatchObject({ calls: 1 });
      });

      it("is asked whether it is still wanted right before it is sent, and is not where it is not", async () => {
        const unwanted = new RotationError("VersionNotPending", "It was released", { effect: "none" });
        const ready = () => Promise.reject(unwanted);
        const error = await refusal(given.controlPlane.changePassword(account, { ...change, ready }));
        expect(error).toBe(unwanted);
        await given.controlPlane.changePassword(account, { ...change, ready: async () => {} });
        expect(given.db.passwordsSent(instanceId, username)).toMatchObject({ calls: 1 });
      });

      it("is found again after a lost reply, whose effect is unknown", async () => {
        given.db.failNext(api, { kind: "reset", carriedOut: true });
        const since = new Date(given.now());
        const error = await refusal(start(account));
        expect(error).toMatchObject({ code: "NoAnswer", effect: "unknown", passing: true });
        expect(await given.controlPlane.newestPasswordTask(account, since)).toMatchObject({
          state: "running",
        });
        expect(given.db.passwordsSent(instanceId)).toMatchObject({ calls: 1 });
      });

      it("is refused for now while another task runs on the instance", async () => {
        given.db.startOtherFlow(instanceId);
        const error = await refusal(start(account));
        expect(error).toMatchObject({ code: "InstanceBusy", effect: "none", passing: true });
      });

      it("is refused for good with a password that is too long", async () => {
        const password = `a1${"b".repeat(TOO_LONG[api] - 2)}`;
        const error = await refusal(given.controlPlane.changePassword(account, { ...change, password }));
        expect(error).toMatchObject({ code: "PasswordRefused", effect: "none" });
      });

      it("shows neither password in what it throws", async () => {
        const message = `from ${OLD} to ${NEW}`;
        given.db.failNext(api, { kind: "error", code: "UnauthorizedOperation", message });
        const error = await refusal(given.controlPlane.changePassword(account, change));
        expect(error).toMatchObject({ code: "AccessDenied", effect: "none" });
        expect(String(error)).not.toContain(NEW);
        if (api === "ModifyInstancePassword" || api === "ModfiyRedisPassword") {
          expect(String(error)).not.toContain(OLD);
        }
      });
    });

    const asking = rootApis.filter((api) => /^(ModifyInstance|ModfiyRedis)Password$/.test(api));
    it.each(asking)("%s is refused where the old password is wrong, with no effect", async (api) => {
      const account = { ...root, api };
      const wrong = { ...change, oldPassword: "Never-It-0003" };
      const error = await refusal(given.controlPlane.changePassword(account, wrong));
      expect(error).toMatchObject({ code: "OldPasswordError", effect: "none", passing: false });
      expect(String(error)).not.toContain("Never-It-0003");
    });

    describe.each(asking.filter((api) => api === "ModifyInstancePassword"))("%s", (api) => {
      const account = { ...root, api };
      const unknown: Fault = { kind: "error", code: "InvalidAction" };

      it("is sent under its misspelt name where the endpoint does not know the right one", async () => {
        given.db.failNext("ModifyInstancePassword", unknown);
        await start(account);
        await given.advance(9_000);
        expect(actions()).toEqual(["ModifyInstancePassword", "ModfiyInstancePassword"]);
        expect(given.db.isPassword(instanceId, NEW)).toBe(true);
      });

      it("has the same refusals under its misspelt name", async () => {
        given.db.failNext("ModifyInstancePassword", unknown);
        const wrong = { ...change, oldPassword: "Never-It-0003" };
        const error = await refusal(given.controlPlane.changePassword(account, wrong));
        expect(error).toMatchObject({ code: "OldPasswordError", effect: "none" });
      });

      it("is refused for good where the endpoint knows neither name", async () => {
        given.db.failNext("ModifyInstancePassword", unknown);
        given.db.failNext("ModfiyInstancePassword", unknown);
        expect(await refusal(start(account))).toMatchObject({ code: "RequestRefused", effect: "none" });
      });

      it.each([
        { kind: "reset" },
        { kind: "error", code: "FailedOperation.SystemError" },
        { kind: "error", code: "UnsupportedOperation" },
      ] as const)("is sent once where anything else went wrong: %j", async (broken) => {
        given.db.failNext("ModifyInstancePassword", broken);
        await refusal(start(account));
        expect(actions()).toEqual(["ModifyInstancePassword"]);
      });
    });

    it("changes no account that is not there", async () => {
      const error = await refusal(start(missing));
      expect(error).toMatchObject({ code: "AccountNotFound", effect: "none", passing: false });
    });

    describe("describeAccount", () => {
      it("tells of a custom account what it may do, and when its password was changed", async () => {
        expect(await given.controlPlane.describeAccount(app)).toEqual({
          privilege: "rw",
          readonlyPolicy: ["replication"],
          passwordChangedAt: new Date(CHANGED_AT_MS),
        });
      });

      it("tells of the default account, too, and nothing of a time that nobody knows", async () => {
        expect(await given.controlPlane.describeAccount(root)).toEqual({
          privilege: "rw",
          readonlyPolicy: ["master"],
        });
      });

      it("tells of an account while it is changed, and its new time after that", async () => {
        await start(app);
        expect(await given.controlPlane.describeAccount(app)).toMatchObject({
          passwordChangedAt: new Date(CHANGED_AT_MS),
        });
        await given.advance(9_000);
        const changedAt = new Date(Math.floor((given.now() - 500) / 1_000) * 1_000);
        expect(await given.controlPlane.describeAccount(app)).toMatchObject({ passwordChangedAt: changedAt });
      });

      it("finds no account that is missing or deleted", async () => {
        expect(await given.controlPlane.describeAccount(missing)).toBeUndefined();
        const { accounts: all } = given.db.instance(instanceId);
        const deleted = all.get("app_c");
        if (deleted !== undefined) deleted.status = 4;
        expect(await given.controlPlane.describeAccount({ ...app, username: "app_c" })).toBeUndefined();
      });

      it("finds an account on the third page", async () => {
        const many = Array.from({ length: 230 }, (_, index) => ({ name: `app_${index}` }));
        const crowded = { instanceId: "crs-crowded1", region, wanIp: "10.0.0.7", port: 6379, accounts: many };
        given.db.addInstance(crowded);
        const last = { ...app, instanceId: "crs-crowded1", username: "app_229" };
        expect(await given.controlPlane.describeAccount(last)).toMatchObject({ privilege: "rw" });
        expect(await given.controlPlane.describeAccount({ ...last, username: "app_230" })).toBeUndefined();
      });

      it("fails where the instance is not there", async () => {
        const nowhere = { ...app, instanceId: "crs-nowhere1" };
        const error = await refusal(given.controlPlane.describeAccount(nowhere));
        expect(error).toMatchObject({ code: "InstanceNotFound", effect: "none" });
      });
    });

    describe("createAccount", () => {
      it("is asked whether it is still wanted right before it is sent, and is not where it is not", async () => {
        const unwanted = new RotationError("VersionNotPending", "It was released", { effect: "none" });
        const ready = () => Promise.reject(unwanted);
        const error = await refusal(given.controlPlane.createAccount(missing, NEW, RIGHTS, ready));
        expect(error).toBe(unwanted);
        expect(actions()).not.toContain("CreateInstanceAccount");
      });

      it("starts one task, which makes the account with its password and its rights", async () => {
        const { taskId } = await given.controlPlane.createAccount(missing, NEW, RIGHTS);
        await given.advance(9_000);
        expect(await given.controlPlane.describeTask(missing, taskId)).toEqual({
          taskId,
          state: "succeeded",
        });
        expect(await given.controlPlane.describeAccount(missing)).toMatchObject(RIGHTS);
        expect(given.db.isPassword(instanceId, NEW, "app_b")).toBe(true);
        expect(actions().filter((action) => action === "CreateInstanceAccount")).toHaveLength(1);
      });

      it("leaves no account behind where its task fails", async () => {
        given.db.planNextTask({ ending: "failed" });
        await given.controlPlane.createAccount(missing, NEW, RIGHTS);
        await given.advance(9_000);
        expect(await given.controlPlane.describeAccount(missing)).toBeUndefined();
      });

      it.each([
        ["is there already", app, NEW, "RequestRefused"],
        ["has a name that none may have", { ...app, username: "app b" }, NEW, "RequestRefused"],
        ["is for an edition without accounts", ckv, NEW, "RequestRefused"],
        ["has a password that breaks the rule", missing, "short", "PasswordRefused"],
      ])("is refused where the account %s", async (_name, account, password, code) => {
        const error = await refusal(given.controlPlane.createAccount(account, password, RIGHTS));
        expect(error).toMatchObject({ code, effect: "none", passing: false });
      });

      it("has an unknown effect where its reply is lost, and shows no password", async () => {
        given.db.failNext("CreateInstanceAccount", { kind: "reset", carriedOut: true });
        const since = new Date(given.now());
        const error = await refusal(given.controlPlane.createAccount(missing, NEW, RIGHTS));
        expect(error).toMatchObject({ code: "NoAnswer", effect: "unknown" });
        expect(String(error)).not.toContain(NEW);
        expect(await given.controlPlane.newestPasswordTask(missing, since)).toMatchObject({
          state: "running",
        });
      });
    });

    describe("newestPasswordTask", () => {
      it("counts every account's tasks for a custom account", async () => {
        const since = new Date(given.now());
        const { taskId } = await start({ ...app, username: "app_c" });
        expect(await given.controlPlane.newestPasswordTask(app, since)).toMatchObject({ taskId });
        await given.advance(10_000);
        const newer = await start(root);
        expect(await given.controlPlane.newestPasswordTask(app, since)).toMatchObject(newer);
      });

      it("counts no custom account's tasks for an API of the default account alone", async () => {
        const since = new Date(given.now());
        await start(app);
        expect(await given.controlPlane.newestPasswordTask(root, since)).toBeUndefined();
      });
    });
  });
}
