import { afterEach, describe, expect, it } from "vitest";
import { tencentRedis } from "../../lib/drivers/tencent-redis.ts";
import type { Account } from "../../lib/ports.ts";
import { answer, apiError, type LoopbackApi, type Reply, startLoopbackApi, text } from "./loopback-api.ts";

const root: Account = {
  region: "ap-guangzhou",
  instanceId: "crs-5a4py64p",
  username: "default",
  api: "ResetPassword",
};
const app: Account = { ...root, username: "app_a", api: "ModifyInstanceAccount" };
const change = { password: "Fresh-Pass-0001", oldPassword: "Stale-Pass-0002" };
const closing: LoopbackApi[] = [];

afterEach(async () => {
  await Promise.all(closing.splice(0).map((api) => api.close()));
});

async function answering(...replies: Reply[]) {
  const api = await startLoopbackApi(replies);
  closing.push(api);
  const paces: string[] = [];
  const controlPlane = tencentRedis({
    endpointUrl: api.url,
    credentials: async () => ({ secretId: "AKIDexample", secretKey: "the-secret-key" }),
    signal: new AbortController().signal,
    clock: { now: () => 0, sleep: async () => {} },
    limiter: async (key) => void paces.push(key),
    timeoutMs: 800,
  });
  const sent = () =>
    api.requests.map(({ headers, body }) => [headers["x-tc-action"], JSON.parse(body)] as const);
  return { controlPlane, sent, paces };
}

describe("the sample in the document of ResetPassword", () => {
  const reply = text(
    '{ "Response": { "RequestId": "137c2607-07d1-4df0-9978-4b57a7ca3465", "TaskId": 16657 } }',
  );

  it("is what is sent, with no field besides, and its answer is understood", async () => {
    const { controlPlane, sent } = await answering(reply);
    const started = await controlPlane.changePassword(root, { password: "zy456987" });
    expect(sent()).toEqual([["ResetPassword", { InstanceId: "crs-5a4py64p", Password: "zy456987" }]]);
    expect(started).toEqual({ taskId: 16657 });
  });

  it("never asks for NoAuth: no reply makes an instance password-free", async () => {
    const { controlPlane, sent } = await answering(
      apiError("InvalidParameterValue.PasswordFreeDenied"),
      reply,
    );
    await expect(controlPlane.changePassword(root, change)).rejects.toMatchObject({ code: "RequestRefused" });
    await controlPlane.changePassword(root, change);
    for (const [, parameters] of sent()) expect(parameters).not.toHaveProperty("NoAuth");
  });

  it.each([
    ["FailedOperation.SystemError", "CloudUnavailable", "unknown"],
    ["InvalidParameter", "RequestRefused", "none"],
    ["InvalidParameter.PermissionDenied", "AccessDenied", "none"],
    ["UnauthorizedOperation.NoCAMAuthed", "AccessDenied", "none"],
  ])("names the error %s, which is %s with effect %s", async (apiCode, code, effect) => {
    const { controlPlane } = await answering(apiError(apiCode));
    const error = controlPlane.changePassword(root, change);
    await expect(error).rejects.toMatchObject({ code, effect, requestId: "request-1" });
  });
});

describe("tencentRedis sends", () => {
  const InstanceId = "crs-5a4py64p";
  const passwords = { OldPassword: "Stale-Pass-0002", Password: "Fresh-Pass-0001" };
  it.each([
    ["ResetPassword", root, { InstanceId, Password: "Fresh-Pass-0001" }],
    [
      "ModifyInstancePassword",
      { ...root, api: "ModifyInstancePassword" } as const,
      { InstanceId, ...passwords },
    ],
    ["ModifyInstanceAccount", app, { InstanceId, AccountName: "app_a", AccountPassword: "Fresh-Pass-0001" }],
    [
      "ModifyInstanceAccount",
      { ...app, username: "default" },
      { InstanceId, AccountName: "root", AccountPassword: "Fresh-Pass-0001" },
    ],
  ])("%s with its documented parameters, at its own pace", async (action, account, parameters) => {
    const { controlPlane, sent, paces } = await answering(answer({ TaskId: 16661 }));
    expect(await controlPlane.changePassword(account, change)).toEqual({ taskId: 16661 });
    expect(sent()).toEqual([[action, parameters]]);
    expect(paces).toEqual([`ap-guangzhou/${action}`]);
  });

  it.each(["InvalidAction", "InvalidParameter.ActionNotFound"])(
    "ModfiyInstancePassword with the same parameters after %s",
    async (apiCode) => {
      const { controlPlane, sent, paces } = await answering(apiError(apiCode), answer({ TaskId: 16661 }));
      await controlPlane.changePassword({ ...root, api: "ModifyInstancePassword" }, change);
      expect(sent()).toEqual([
        ["ModifyInstancePassword", { InstanceId, ...passwords }],
        ["ModfiyInstancePassword", { InstanceId, ...passwords }],
      ]);
      expect(paces).toEqual(["ap-guangzhou/ModifyInstancePassword", "ap-guangzhou/ModfiyInstancePassword"]);
    },
  );

  it("CreateInstanceAccount with its documented parameters", async () => {
    const { controlPlane, sent } = await answering(answer({ TaskId: 16661 }));
    const rights = { privilege: "r", readonlyPolicy: ["master", "replication"] };
    expect(await controlPlane.createAccount(app, "Fresh-Pass-0001", rights)).toEqual({ taskId: 16661 });
    expect(sent()).toEqual([
      [
        "CreateInstanceAccount",
        {
          InstanceId,
          AccountName: "app_a",
          AccountPassword: "Fresh-Pass-0001",
          ReadonlyPolicy: ["master", "replication"],
          Privilege: "r",
        },
      ],
    ]);
  });

  it("DescribeTaskList for both kinds of password task where a custom account is changed", async () => {
    const { controlPlane, sent } = await answering(answer({ Tasks: [] }));
    await controlPlane.newestPasswordTask(app, new Date("2021-12-29T16:00:00Z"));
    expect(sent()[0]?.[1]).toMatchObject({ TaskTypes: ["007", "037"] });
  });

  it.each([
    ["an action of API 2.0", { ...root, api: "ModfiyRedisPassword" } as const, change],
    [
      "a change that lacks the old password",
      { ...root, api: "ModifyInstancePassword" } as const,
      { password: change.password },
    ],
  ])("nothing for %s", async (_name, account, given) => {
    const { controlPlane, sent } = await answering(answer({ TaskId: 1 }));
    await expect(controlPlane.changePassword(account, given)).rejects.toMatchObject({
      code: "Internal",
      effect: "none",
    });
    expect(sent()).toEqual([]);
  });
});

it("masks the old password and the new one in every later message", async () => {
  const message = "from Stale-Pass-0002 to Fresh-Pass-0001";
  const { controlPlane } = await answering(
    answer({ TaskId: 1 }),
    answer({ Status: "failed", TaskMessage: message }),
    apiError("InternalError", message),
  );
  const account: Account = { ...root, api: "ModifyInstancePassword" };
  await controlPlane.changePassword(account, change);
  expect(await controlPlane.describeTask(account, 1)).toMatchObject({ message: "from *** to ***" });
  await expect(controlPlane.createAccount(app, "Other-Pass-0003", RIGHTS)).rejects.toThrow("from *** to ***");
});

const RIGHTS = { privilege: "rw", readonlyPolicy: ["master"] };

describe("tencentRedis reads an account", () => {
  const listed = { AccountName: "app_a", Status: 2, Privilege: "rw", ReadonlyPolicy: ["master"] };

  it.each([
    ["with nothing but its name", { AccountName: "app_a" }, RIGHTS],
    ["with empty fields", { ...listed, Status: null, Privilege: null, ReadonlyPolicy: null }, RIGHTS],
    ["with fields that no document names", { ...listed, Remark: "", Tags: [{}] }, RIGHTS],
    ["in a status that no document names", { ...listed, Status: 9 }, RIGHTS],
    ["while it is changed", { ...listed, Status: 1, Privilege: "r" }, { ...RIGHTS, privilege: "r" }],
    ["without a time", { ...listed, PasswordLastModifiedTime: "" }, RIGHTS],
    ["with a time that is none", { ...listed, PasswordLastModifiedTime: "0000-00-00 00:00:00" }, RIGHTS],
    [
      "with a time in Beijing's zone",
      { ...listed, PasswordLastModifiedTime: "2025-12-01 04:15:07" },
      { ...RIGHTS, passwordChangedAt: new Date("2025-11-30T20:15:07Z") },
    ],
  ])("%s", async (_name, fields, expected) => {
    const { controlPlane, sent } = await answering(answer({ Accounts: [fields], TotalCount: 1 }));
    expect(await controlPlane.describeAccount(app)).toEqual(expected);
    const parameters = { InstanceId: "crs-5a4py64p", Limit: 100, Offset: 0 };
    expect(sent()).toEqual([["DescribeInstanceAccount", parameters]]);
  });

  it("that was deleted and made again", async () => {
    const deleted = { ...listed, Status: 4, Privilege: "r" };
    const { controlPlane } = await answering(answer({ Accounts: [deleted, listed], TotalCount: 2 }));
    expect(await controlPlane.describeAccount(app)).toEqual(RIGHTS);
  });

  it.each([[[]], [null], [[{ ...listed, Status: 4 }]], [[{ ...listed, AccountName: "App_A" }]]])(
    "and does not find it in %j",
    async (Accounts) => {
      const { controlPlane } = await answering(answer({ Accounts }));
      expect(await controlPlane.describeAccount(app)).toBeUndefined();
    },
  );

  it.each([{}, { Accounts: "none" }, { Accounts: [{ Status: 2 }] }])(
    "and takes %j for no answer",
    async (fields) => {
      const { controlPlane } = await answering(answer(fields));
      await expect(controlPlane.describeAccount(app)).rejects.toMatchObject({
        code: "NoAnswer",
        effect: "none",
      });
    },
  );
});
