import { beforeEach, describe, expect, it } from "vitest";
import { createVirtualClock } from "../../fakes/clock.ts";
import { createFakeRedis } from "../../fakes/probe.ts";
import { createTencentDb, type TencentDbOptions } from "./model.ts";

const instanceId = "crs-5a4py64p";
const region = "ap-guangzhou";
const accounts = [
  { name: "app_a", password: "old-pass-a", passwordChangedAtMs: Date.UTC(2025, 11, 31, 23, 59, 59) },
  { name: "app_b", password: "old-pass-b", privilege: "r" },
];
const server = { instanceId, region, wanIp: "10.0.0.5", port: 6379, password: "old-pass-1", accounts };

let clock = createVirtualClock();
let redis = createFakeRedis([server]);
let db = create();

function create(options: Partial<TencentDbOptions> = {}) {
  clock = createVirtualClock();
  redis = createFakeRedis([server]);
  return createTencentDb({ clock, instances: [server], setPassword: redis.setPassword, ...options });
}

beforeEach(() => {
  db = create();
});

function call(action: string, parameters: Record<string, unknown>, version = "2018-04-12") {
  const host = version === "2.0" ? "redis.api.qcloud.com" : "redis.tencentcloudapi.com";
  return db.dispatch({ host, method: "POST", action, version, region, parameters, requestId: "r-1" });
}

const refusal = (code: string) => expect.objectContaining({ name: "ApiError", code });
const listed = async () => {
  const { Accounts } = await call("DescribeInstanceAccount", {
    InstanceId: instanceId,
    Limit: 20,
    Offset: 0,
  });
  return Accounts as { AccountName: string; Status: number; PasswordLastModifiedTime: string }[];
};

/** Each way to change a password, with the account that it changes. */
const OLD = "old-pass-1";
const NEW = "newPass#22";
const WAYS = [
  ["ResetPassword", "default", { InstanceId: instanceId, Password: NEW }],
  ["ModifyInstancePassword", "default", { InstanceId: instanceId, OldPassword: OLD, Password: NEW }],
  ["ModfiyInstancePassword", "default", { InstanceId: instanceId, OldPassword: OLD, Password: NEW }],
  ["ModifyInstanceAccount", "default", { InstanceId: instanceId, AccountName: "root", AccountPassword: NEW }],
  ["ModifyInstanceAccount", "app_a", { InstanceId: instanceId, AccountName: "app_a", AccountPassword: NEW }],
  [
    "CreateInstanceAccount",
    "app_c",
    {
      ...{ InstanceId: instanceId, AccountName: "app_c", AccountPassword: NEW },
      ...{ ReadonlyPolicy: ["master"], Privilege: "rw" },
    },
  ],
  ["ModfiyRedisPassword", "default", { redisId: instanceId, oldPassword: OLD, password: NEW }, "2.0"],
] as const;

describe.each(WAYS)("%s of the account %s", (action, account, parameters, version = undefined) => {
  it("changes that account's password in the Redis behind it, and counts", async () => {
    expect(await call(action, parameters, version)).toEqual({
      [version === undefined ? "TaskId" : "requestId"]: 16_657,
    });
    await clock.advance(9_000);
    const opens = ["default", "app_a", "app_b", "app_c"].filter((each) => redis.opens(instanceId, NEW, each));
    expect(opens).toEqual([account]);
    expect(db.passwordsSent(instanceId, account)).toMatchObject({ calls: 1, distinct: 1 });
    expect(db.passwordsSent(instanceId)).toMatchObject({ calls: 1 });
    expect([db.passwordChanges(instanceId), db.passwordChanges(instanceId, account)]).toEqual([1, 1]);
    expect(db.passwordChanges(instanceId, "app_b")).toBe(0);
    expect(db.passwordChangedAt(instanceId, account)).toBe(clock.now() - 500);
  });

  it("is refused while another task holds the instance, and limited in pace", async () => {
    await call("ModifyInstanceAccount", { InstanceId: instanceId, AccountName: "app_b", Privilege: "rw" });
    const busy = refusal("ResourceUnavailable.InstanceStatusAbnormal");
    const limited = refusal("RequestLimitExceeded");
    const spent = action === "ModifyInstanceAccount" ? 19 : 20;
    for (let count = 0; count < spent; count++) {
      await expect(call(action, parameters, version)).rejects.toEqual(busy);
    }
    await expect(call(action, parameters, version)).rejects.toEqual(limited);
  });

  it("is listed as a task of its kind", async () => {
    await call(action, parameters, version);
    const TaskTypes = [action.endsWith("Account") ? "037" : "007"];
    const { Tasks } = await call("DescribeTaskList", { InstanceId: instanceId, TaskTypes });
    expect(Tasks).toEqual([expect.objectContaining({ TaskId: 16_657 })]);
  });
});

describe("an old password", () => {
  const modify = (OldPassword: string) =>
    call("ModifyInstancePassword", { InstanceId: instanceId, OldPassword, Password: NEW });
  const wrong = refusal("InvalidParameterValue.PasswordError");

  it.each(["", "old-pass-a", "newPass#22"])("is refused where it is %j", async (old) => {
    const code = old === "" ? "PasswordEmpty" : "PasswordError";
    await expect(modify(old)).rejects.toEqual(refusal(`InvalidParameterValue.${code}`));
  });

  it("is the new one once a task has changed it, by whatever way", async () => {
    await call("ResetPassword", { InstanceId: instanceId, Password: NEW });
    await clock.advance(9_000);
    await expect(modify(OLD)).rejects.toEqual(wrong);
    await expect(modify(NEW)).resolves.toEqual({ TaskId: 16_658 });
  });

  it("is the one that was set by hand", async () => {
    await db.changeByHand(instanceId, "by-hand-33");
    expect(redis.opens(instanceId, "by-hand-33")).toBe(true);
    expect([db.isPassword(instanceId, OLD), db.isPassword(instanceId, "by-hand-33")]).toEqual([false, true]);
    expect(db.passwordChanges(instanceId)).toBe(0);
    await expect(modify(OLD)).rejects.toEqual(wrong);
    await expect(modify("by-hand-33")).resolves.toBeDefined();
  });

  it("is none where the instance was made without one", async () => {
    db.addInstance({ ...server, instanceId: "crs-unknown1", password: undefined as never });
    const given = { InstanceId: "crs-unknown1", OldPassword: OLD, Password: NEW };
    await expect(call("ModifyInstancePassword", given)).rejects.toEqual(wrong);
  });
});

describe("DescribeInstanceAccount", () => {
  it("tells every account, the default one as root, with its time in UTC+8", async () => {
    const common = { InstanceId: instanceId, Status: 2, ReadonlyPolicy: ["master"], Remark: "" };
    expect(await listed()).toEqual(
      [
        { AccountName: "root", Privilege: "rw", PasswordLastModifiedTime: "" },
        { AccountName: "app_a", Privilege: "rw", PasswordLastModifiedTime: "2026-01-01 07:59:59" },
        { AccountName: "app_b", Privilege: "r", PasswordLastModifiedTime: "" },
      ].map((account) => expect.objectContaining({ ...common, ...account })),
    );
  });

  it("tells of an account that is changed that it is in a change, until its task has ended", async () => {
    await call("ModifyInstanceAccount", {
      InstanceId: instanceId,
      AccountName: "app_b",
      AccountPassword: NEW,
    });
    const status = async () => (await listed()).map(({ Status }) => Status);
    expect(await status()).toEqual([2, 2, 1]);
    await clock.advance(8_999);
    expect(await status()).toEqual([2, 2, 1]);
    await clock.advance(1);
    expect(await status()).toEqual([2, 2, 2]);
    expect((await listed()).at(-1)?.PasswordLastModifiedTime).toBe("2026-01-01 08:00:08");
  });

  it("has a new account once its password opens Redis", async () => {
    const [, , parameters] = WAYS[5];
    await call("CreateInstanceAccount", parameters);
    expect((await listed()).map(({ AccountName }) => AccountName)).not.toContain("app_c");
    await clock.advance(8_500);
    expect((await listed()).at(-1)).toMatchObject({ AccountName: "app_c", Status: 1 });
  });
});

describe("what is refused", () => {
  const modify = { InstanceId: instanceId, AccountName: "app_a", AccountPassword: NEW };
  const make = {
    ...{ InstanceId: instanceId, AccountName: "app_c", AccountPassword: NEW },
    ...{ ReadonlyPolicy: ["master"], Privilege: "rw" },
  };
  const missing = "ResourceNotFound.AccountDoesNotExists";
  it.each([
    ["an unknown account", "ModifyInstanceAccount", { ...modify, AccountName: "app_z" }, missing],
    [
      "the default account by another name",
      "ModifyInstanceAccount",
      { ...modify, AccountName: "default" },
      missing,
    ],
    [
      "a password-free account",
      "ModifyInstanceAccount",
      { ...modify, NoAuth: true },
      "InvalidParameterValue.PasswordFreeDenied",
    ],
    [
      "an encrypted password",
      "ModifyInstanceAccount",
      { ...modify, EncryptPassword: true },
      "UnsupportedOperation",
    ],
    [
      "other rights of the default account",
      "ModifyInstanceAccount",
      { ...modify, AccountName: "root", Privilege: "r" },
      "InvalidParameter.NotSupported",
    ],
    ["an unheard-of right", "ModifyInstanceAccount", { ...modify, Privilege: "x" }, "InvalidParameterValue"],
    [
      "an unheard-of target",
      "CreateInstanceAccount",
      { ...make, ReadonlyPolicy: ["any"] },
      "InvalidParameterValue",
    ],
    [
      "a new account that only writes",
      "CreateInstanceAccount",
      { ...make, Privilege: "w" },
      "InvalidParameterValue",
    ],
    ["a new account without rights", "CreateInstanceAccount", modify, "MissingParameter"],
    [
      "an account that is there",
      "CreateInstanceAccount",
      { ...make, AccountName: "app_a" },
      "InvalidParameter.IllegalParameterError",
    ],
    [
      "a long name",
      "CreateInstanceAccount",
      { ...make, AccountName: "a".repeat(33) },
      "InvalidParameter.IllegalParameterError",
    ],
    ["no page", "DescribeInstanceAccount", { InstanceId: instanceId }, "MissingParameter"],
    [
      "encryption, which ModifyInstancePassword does not know",
      "ModifyInstancePassword",
      { InstanceId: instanceId, OldPassword: OLD, Password: NEW, EncryptPassword: false },
      "UnknownParameter",
    ],
  ] as const)("%s", async (_, action, parameters, code) => {
    await expect(call(action, parameters)).rejects.toEqual(refusal(code));
  });

  it("an account on an edition that has none", async () => {
    db.addInstance({ ...server, instanceId: "crs-ckv00001", type: 3 });
    const given = { ...make, InstanceId: "crs-ckv00001", AccountPassword: "abcdefg1" };
    await expect(call("CreateInstanceAccount", given)).rejects.toEqual(
      refusal("FailedOperation.UnSupportError"),
    );
  });

  it("an action that an old endpoint does not know", async () => {
    db = create({ unknownActions: ["ModifyInstancePassword"] });
    const given = { InstanceId: instanceId, OldPassword: OLD, Password: NEW };
    await expect(call("ModifyInstancePassword", given)).rejects.toEqual(refusal("InvalidAction"));
    await expect(call("ModfiyInstancePassword", given)).resolves.toBeDefined();
  });
});

describe("API 2.0", () => {
  it("tells the status of a task in numbers", async () => {
    await call("ModfiyRedisPassword", { redisId: instanceId, oldPassword: OLD, password: NEW }, "2.0");
    const status = async () => (await call("DescribeTaskInfo", { requestId: 16_657 }, "2.0")).status;
    expect(await status()).toBe(0);
    await clock.advance(8_000);
    expect(await status()).toBe(1);
    await clock.advance(1_000);
    expect(await status()).toBe(2);
    expect(await call("DescribeTaskInfo", { TaskId: 16_657 })).toMatchObject({ Status: "succeed" });
  });

  it.each([
    ["failed", 3],
    ["error", -1],
  ] as const)("tells a task that ended with %s as %i", async (ending, status) => {
    db.planNextTask({ ending });
    await call("ModfiyRedisPassword", { redisId: instanceId, oldPassword: OLD, password: NEW }, "2.0");
    await clock.advance(9_000);
    expect(await call("DescribeTaskInfo", { requestId: 16_657 }, "2.0")).toEqual({ status });
  });

  it("is served at its own host alone, and nothing else there", async () => {
    const request = { method: "POST", action: "DescribeTaskInfo", region, parameters: {}, requestId: "r-1" };
    const places = [
      { host: "redis.tencentcloudapi.com", version: "2.0" },
      { host: "redis.api.qcloud.com", version: "2018-04-12" },
    ];
    for (const place of places) {
      await expect(db.dispatch({ ...request, ...place })).rejects.toEqual(refusal("NoSuchVersion"));
    }
  });
});
