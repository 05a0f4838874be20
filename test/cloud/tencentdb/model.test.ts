import { beforeEach, describe, expect, it } from "vitest";
import { createVirtualClock } from "../../fakes/clock.ts";
import { createFakeRedis } from "../../fakes/probe.ts";
import { createTencentDb, type TencentDbOptions } from "./model.ts";

const instanceId = "crs-5a4py64p";
const region = "ap-guangzhou";
const server = { instanceId, region, wanIp: "10.0.0.5", port: 6379, password: "old-pass-1" };
const other = {
  instanceId: "crs-09u2u96z",
  region: "ap-shanghai",
  wanIp: "10.0.0.6",
  port: 6379,
  password: "old-pass-2",
};

let clock = createVirtualClock();
let redis = createFakeRedis([server, other]);
let db = create();

function create(options: Partial<TencentDbOptions> = {}) {
  clock = createVirtualClock();
  redis = createFakeRedis([server, other]);
  const { setPassword } = redis;
  return createTencentDb({ clock, instances: [server, other], setPassword, ...options });
}

function call(action: string, parameters: Record<string, unknown>, change: Record<string, unknown> = {}) {
  const host = "redis.tencentcloudapi.com";
  const request = {
    host,
    method: "POST",
    action,
    version: "2018-04-12",
    region,
    parameters,
    requestId: "r-1",
  };
  return db.dispatch({ ...request, ...change });
}
const reset = (Password = "zy456987") => call("ResetPassword", { InstanceId: instanceId, Password });
const taskStatus = async (TaskId: unknown = 16_657) => (await call("DescribeTaskInfo", { TaskId })).Status;
const instanceStatus = async () => {
  const { InstanceSet } = await call("DescribeInstances", { InstanceId: instanceId });
  return (InstanceSet as { Status: number }[])[0]?.Status;
};
const refusal = (code: string) => expect.objectContaining({ name: "ApiError", code });

beforeEach(() => {
  db = create();
});

describe("a password task", () => {
  it("changes the password near its end and says so a little later", async () => {
    expect(await reset()).toEqual({ TaskId: 16_657 });
    expect(await taskStatus()).toBe("preparing");
    await clock.advance(8_499);
    expect([await taskStatus(), redis.opens(instanceId, "zy456987")]).toEqual(["running", false]);
    await clock.advance(1);
    expect([await taskStatus(), redis.opens(instanceId, "zy456987")]).toEqual(["running", true]);
    expect(redis.opens(instanceId, "old-pass-1")).toBe(false);
    expect(db.passwordChangedAt(instanceId)).toBe(clock.now());
    await clock.advance(500);
    expect(await taskStatus()).toBe("succeed");
  });

  it("holds its instance, and no other, until it has ended", async () => {
    await reset();
    expect(await instanceStatus()).toBe(1);
    await expect(reset()).rejects.toEqual(refusal("ResourceUnavailable.InstanceStatusAbnormal"));
    const elsewhere = { InstanceId: other.instanceId, Password: "zy456987" };
    await expect(call("ResetPassword", elsewhere, { region: other.region })).resolves.toEqual({
      TaskId: 16_658,
    });
    await clock.advance(9_000);
    expect(await instanceStatus()).toBe(2);
    await expect(reset()).resolves.toEqual({ TaskId: 16_659 });
  });

  it.each([
    ["fails before the change", { ending: "failed" }, "failed", "old-pass-1"],
    ["fails after the change", { ending: "failed", changes: true }, "failed", "zy456987"],
    ["ends in error", { ending: "error" }, "error", "old-pass-1"],
    ["never ends", { durationMs: Infinity }, "running", "old-pass-1"],
    ["never ends, but changes it", { durationMs: Infinity, changes: true }, "running", "zy456987"],
    ["has a status of its own", { durationMs: Infinity, statusUntilEnd: "paused" }, "paused", "old-pass-1"],
  ] as const)("%s where planned so", async (_, plan, status, password) => {
    db.planNextTask(plan, instanceId);
    await reset();
    await clock.advance(3_600_000);
    expect([await taskStatus(), redis.opens(instanceId, password)]).toEqual([status, true]);
  });

  it("fails where the Redis behind it does not take the password", async () => {
    db = create({ setPassword: () => Promise.reject(new Error("gone")) });
    await reset();
    await clock.advance(9_000);
    expect([await taskStatus(), db.passwordChanges(instanceId)]).toEqual(["failed", 0]);
  });

  it("takes as long as the options say", async () => {
    db = create({ taskDurationMs: () => 100, taskTailMs: 40 });
    await reset();
    await clock.advance(60);
    expect([await taskStatus(), redis.opens(instanceId, "zy456987")]).toEqual(["running", true]);
    await clock.advance(40);
    expect(await taskStatus()).toBe("succeed");
  });
});

describe("DescribeTaskList", () => {
  const list = async (parameters: Record<string, unknown>) =>
    (await call("DescribeTaskList", parameters)).Tasks;

  it("tells the newest first, in UTC+8", async () => {
    await reset();
    await clock.advance(60_000);
    await reset();
    expect(await list({ InstanceId: instanceId, TaskTypes: ["007"] })).toEqual([
      expect.objectContaining({ TaskId: 16_658, StartTime: "2026-01-01 08:01:00", EndTime: "", Result: 0 }),
      expect.objectContaining({ TaskId: 16_657, EndTime: "2026-01-01 08:00:09", Progress: 100, Result: 2 }),
    ]);
  });

  it.each([
    [{ BeginTime: "2026-01-01 08:01:00" }, [16_658]],
    [{ BeginTime: "2026-01-01 08:01:01" }, []],
    [{ EndTime: "2026-01-01 08:00:59" }, [16_657]],
    [{ Result: [2] }, [16_657]],
    [{ Result: [0, 1] }, [16_658]],
    [{ TaskTypes: ["037"] }, []],
    [{ Limit: 1, Offset: 1 }, [16_657]],
  ])("finds by %j", async (filter, ids) => {
    await reset();
    await clock.advance(60_500);
    await reset();
    const tasks = (await list(filter)) as { TaskId: number }[];
    expect(tasks.map(({ TaskId }) => TaskId)).toEqual(ids);
  });

  it("shows a flow that is no password task as such", async () => {
    db.startOtherFlow(instanceId, 1_000);
    expect(await instanceStatus()).toBe(1);
    expect(await list({ TaskTypes: ["007"] })).toEqual([]);
    expect(await list({})).toHaveLength(1);
  });
});

describe("what is refused", () => {
  const parameters = { InstanceId: instanceId, Password: "zy456987" };
  const fsi = "redis.ap-shanghai-fsi.tencentcloudapi.com";
  it.each([
    ["an unknown action", "ResetPasswords", parameters, {}, "InvalidAction"],
    ["an action of Object's", "toString", parameters, {}, "InvalidAction"],
    ["another version", "ResetPassword", parameters, { version: "2017-03-12" }, "NoSuchVersion"],
    ["no region", "ResetPassword", parameters, { region: undefined }, "MissingParameter"],
    ["an unknown region", "ResetPassword", parameters, { region: "ap-atlantis" }, "UnsupportedRegion"],
    [
      "a finance region on the ordinary host",
      "ResetPassword",
      parameters,
      { region: "ap-shanghai-fsi" },
      "UnsupportedRegion",
    ],
    ["an ordinary region on a finance host", "ResetPassword", parameters, { host: fsi }, "UnsupportedRegion"],
    [
      "an instance of another region",
      "ResetPassword",
      parameters,
      { region: "ap-shanghai" },
      "ResourceNotFound.InstanceNotExists",
    ],
    ["no InstanceId", "ResetPassword", { Password: "zy456987" }, {}, "MissingParameter"],
    ["no Password", "ResetPassword", { InstanceId: instanceId }, {}, "MissingParameter"],
    ["a parameter too many", "ResetPassword", { ...parameters, Account: "x" }, {}, "UnknownParameter"],
    ["a number for a text", "ResetPassword", { ...parameters, InstanceId: 5 }, {}, "InvalidParameter"],
    [
      "a weak password",
      "ResetPassword",
      { ...parameters, Password: "zy" },
      {},
      "InvalidParameterValue.PasswordRuleError",
    ],
    ["an unknown task", "DescribeTaskInfo", { TaskId: 1 }, {}, "InvalidParameter.InvalidParameter"],
    [
      "an unknown instance",
      "DescribeInstances",
      { InstanceId: "crs-0" },
      {},
      "ResourceNotFound.InstanceNotExists",
    ],
    [
      "a time in another form",
      "DescribeTaskList",
      { BeginTime: "2026-01-01T00:00:00Z" },
      {},
      "InvalidParameter",
    ],
    ["a page too large", "DescribeTaskList", { Limit: 101 }, {}, "InvalidParameterValue"],
  ] as const)("%s", async (_, action, given, change, code) => {
    await expect(call(action, given, change)).rejects.toEqual(refusal(code));
  });

  it("serves a finance region on its own host", async () => {
    db.addInstance({ ...server, instanceId: "crs-finance1", region: "ap-shanghai-fsi" });
    const finance = { region: "ap-shanghai-fsi", host: fsi };
    await expect(call("DescribeInstances", { InstanceId: "crs-finance1" }, finance)).resolves.toBeDefined();
  });

  it.each([
    [-2, "ResourceUnavailable.InstanceIsolated"],
    [-3, "ResourceUnavailable.InstanceDeleted"],
    [0, "ResourceUnavailable.InstanceStatusAbnormal"],
    [1, "ResourceUnavailable.InstanceStatusAbnormal"],
  ] as const)("a change of an instance with status %i", async (status, code) => {
    db.instance(instanceId).status = status;
    await expect(reset()).rejects.toEqual(refusal(code));
  });

  it("the 21st call of an action within a second", async () => {
    for (let count = 0; count < 20; count++) await instanceStatus();
    await expect(instanceStatus()).rejects.toEqual(refusal("RequestLimitExceeded"));
    await expect(reset()).resolves.toBeDefined();
    await clock.advance(1_000);
    await expect(instanceStatus()).resolves.toBe(1);
  });
});

describe("faults on demand", () => {
  it("hit as many calls as asked, of the named action and instance", async () => {
    const fault = { kind: "error", code: "FailedOperation.SystemError" } as const;
    db.failNext("ResetPassword", fault, { times: 2, instanceId });
    await expect(instanceStatus()).resolves.toBe(2);
    await expect(reset()).rejects.toEqual(refusal("FailedOperation.SystemError"));
    await expect(reset()).rejects.toEqual(refusal("FailedOperation.SystemError"));
    await expect(reset()).resolves.toBeDefined();
  });

  it.each([true, false])("lose a reply after the effect: %s", async (carriedOut) => {
    db.failNext("ResetPassword", { kind: "reset", carriedOut });
    await expect(reset()).rejects.toMatchObject({ name: "BrokenReply", fault: { kind: "reset" } });
    await clock.advance(9_000);
    expect(redis.opens(instanceId, "zy456987")).toBe(carriedOut);
  });
});

describe("what the test is told", () => {
  it("is every call, without any password", async () => {
    await reset();
    await taskStatus();
    const seen = { host: "redis.tencentcloudapi.com", method: "POST", region, instanceId, requestId: "r-1" };
    expect(db.calls).toEqual([
      { ...seen, action: "ResetPassword", at: clock.now() },
      { ...seen, action: "DescribeTaskInfo", at: clock.now() },
    ]);
  });

  it("is how many different passwords were sent, refused calls included", async () => {
    await reset("zy456987");
    await reset("zy456987").catch(() => {});
    expect(db.passwordsSent(instanceId)).toEqual({ calls: 2, distinct: 1, distinctSinceChange: 1 });
    await clock.advance(9_000);
    await reset("zy456988");
    await reset("zy456989").catch(() => {});
    expect(db.passwordsSent(instanceId)).toEqual({ calls: 4, distinct: 3, distinctSinceChange: 2 });
    expect(db.passwordChanges(instanceId)).toBe(1);
  });

  it("never shows a password", async () => {
    db.failNext("ResetPassword", { kind: "hang", carriedOut: true });
    const lost = await reset("never-shown-1").catch((error: unknown) => error);
    expect(JSON.stringify([db.calls, lost, String(lost)])).not.toContain("never-shown-1");
  });
});
