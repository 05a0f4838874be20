import { afterEach, describe, expect, it } from "vitest";
import { systemClock } from "../../lib/drivers/runtime.ts";
import { type TencentRedisOptions, tencentRedis } from "../../lib/drivers/tencent-redis.ts";
import type { Account, Clock } from "../../lib/ports.ts";
import type { InstanceOptions } from "../cloud/tencentdb/instances.ts";
import { createTencentDb } from "../cloud/tencentdb/model.ts";
import { startTencentServer } from "../cloud/tencentdb/server.ts";
import { describeAccountContract } from "../contracts/accounts.contract.ts";
import { describeControlPlaneContract } from "../contracts/control-plane.contract.ts";
import { createVirtualClock } from "../fakes/clock.ts";
import { createFakeControlPlane } from "../fakes/control-plane.ts";
import { answer, apiError, type Reply, startLoopbackApi } from "./loopback-api.ts";

const CREDENTIALS = { secretId: "AKIDexample", secretKey: "the-secret-key" };
const closing: (() => Promise<void>)[] = [];

afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()));
});

/** Waits for nothing: the pauses between two requests of a read. */
const impatient = (now: () => number): Clock => ({ now, sleep: async () => {} });

function driver(endpointUrl: string, options: Partial<TencentRedisOptions> = {}) {
  return tencentRedis({
    endpointUrl,
    credentials: async () => CREDENTIALS,
    signal: new AbortController().signal,
    clock: impatient(() => 0),
    limiter: async () => {},
    timeoutMs: 800,
    ...options,
  });
}

async function atLocalCloud(instances: readonly InstanceOptions[]) {
  const clock = createVirtualClock({ startMs: systemClock.now() });
  const db = createTencentDb({ clock, instances, setPassword: async () => {} });
  // Requests are signed by the system's clock, whatever time it is for the tasks.
  const server = await startTencentServer({
    clock: systemClock,
    services: { redis: db },
    credentials: [CREDENTIALS],
  });
  closing.push(() => server.close());
  return { controlPlane: driver(server.url), db, now: clock.now, advance: clock.advance };
}

async function faked(instances: readonly InstanceOptions[]) {
  const clock = createVirtualClock();
  const db = createTencentDb({ clock, instances, setPassword: async () => {} });
  const controlPlane = createFakeControlPlane({ model: db, clock: impatient(clock.now) });
  return { controlPlane, db, now: clock.now, advance: clock.advance };
}

describeControlPlaneContract("tencentRedis", atLocalCloud);
describeAccountContract("tencentRedis", atLocalCloud);

describeControlPlaneContract("the fake control plane", faked);
describeAccountContract("the fake control plane", faked, [
  ...(["ResetPassword", "ModifyInstancePassword", "ModifyInstanceAccount", "ModfiyRedisPassword"] as const),
]);

const instance: Account = {
  region: "ap-guangzhou",
  instanceId: "crs-5a4py64p",
  username: "default",
  api: "ResetPassword",
};
const change = { password: "Fresh-Pass-0001" };

async function answering(...replies: Reply[]) {
  const api = await startLoopbackApi(replies);
  closing.push(() => api.close());
  return { api, controlPlane: driver(api.url) };
}

describe("tencentRedis asks", () => {
  it("for ResetPassword with the instance and the password, and nothing else", async () => {
    const { api, controlPlane } = await answering(answer({ TaskId: 16657 }));
    await controlPlane.changePassword(instance, change);
    expect(JSON.parse(api.requests[0]?.body ?? "")).toEqual({
      InstanceId: "crs-5a4py64p",
      Password: "Fresh-Pass-0001",
    });
  });

  it("for password tasks since a time that it writes in Beijing's zone, rounded down to the second", async () => {
    const { api, controlPlane } = await answering(answer({ Tasks: [] }));
    await controlPlane.newestPasswordTask(instance, new Date("2021-12-29T16:00:00.999Z"));
    expect(JSON.parse(api.requests[0]?.body ?? "")).toEqual({
      InstanceId: "crs-5a4py64p",
      TaskTypes: ["007"],
      BeginTime: "2021-12-30 00:00:00",
      Limit: 100,
    });
  });

  it("each region at its own host and pace", async () => {
    const { api } = await answering(answer({ Tasks: [] }));
    const paces: string[] = [];
    const controlPlane = driver(api.url, { site: "intl", limiter: async (key) => void paces.push(key) });
    await controlPlane.newestPasswordTask({ ...instance, region: "ap-singapore" }, new Date(0));
    await controlPlane.newestPasswordTask({ ...instance, region: "ap-shanghai-fsi" }, new Date(0));
    expect(api.requests.map(({ headers }) => [headers.host, headers["x-tc-region"]])).toEqual([
      ["redis.intl.tencentcloudapi.com", "ap-singapore"],
      ["redis.ap-shanghai-fsi.tencentcloudapi.com", "ap-shanghai-fsi"],
    ]);
    expect(paces).toEqual(["ap-singapore/DescribeTaskList", "ap-shanghai-fsi/DescribeTaskList"]);
  });

  it("nowhere where the region is not one", async () => {
    const { api, controlPlane } = await answering(answer({ TaskId: 1 }));
    const strange = { ...instance, region: "127.0.0.1:9/-fsi" };
    await expect(controlPlane.changePassword(strange, change)).rejects.toMatchObject({
      code: "ConfigurationInvalid",
      effect: "none",
    });
    expect(api.requests).toHaveLength(0);
  });
});

describe("tencentRedis reads a started task", () => {
  it.each([16657, "16657", Number.MAX_SAFE_INTEGER])("with the id %j", async (TaskId) => {
    const { controlPlane } = await answering(answer({ TaskId }));
    const { taskId } = await controlPlane.changePassword(instance, change);
    expect(taskId).toBe(Number(TaskId));
  });

  it.each([
    {},
    { TaskId: null },
    { TaskId: "soon" },
    { TaskId: "" },
    { TaskId: 0 },
    { TaskId: -1 },
    { TaskId: 1.5 },
  ])("and takes %j for no answer, which may have changed the password", async (fields) => {
    const { controlPlane } = await answering(answer(fields));
    await expect(controlPlane.changePassword(instance, change)).rejects.toMatchObject({
      code: "NoAnswer",
      effect: "unknown",
      requestId: "request-1",
    });
  });
});

describe("tencentRedis reads an instance", () => {
  const listed = {
    InstanceId: "crs-5a4py64p",
    Status: 2,
    WanIp: "10.0.0.5",
    Port: 6379,
    NoAuth: false,
    Type: 15,
  };

  it.each([
    [
      "with every field",
      {},
      { state: "running", host: "10.0.0.5", port: 6379, passwordFree: false, edition: "redis" },
    ],
    ["of Type 4", { Type: 4 }, { edition: "ckv" }],
    ["in a status that no document names", { Status: 7 }, { state: "busy" }],
    ["in a negative status that no document names", { Status: -9 }, { state: "busy" }],
  ])("%s", async (_name, fields, expected) => {
    const { controlPlane } = await answering(answer({ InstanceSet: [{ ...listed, ...fields }] }));
    expect(await controlPlane.describeInstance(instance)).toMatchObject(expected);
  });

  it("without an address yet", async () => {
    const { controlPlane } = await answering(
      answer({ InstanceSet: [{ ...listed, Status: 0, WanIp: "", Port: 0, NoAuth: null, Type: null }] }),
    );
    expect(await controlPlane.describeInstance(instance)).toEqual({
      state: "busy",
      passwordFree: false,
      edition: "redis",
    });
  });

  it("among others", async () => {
    const other = { ...listed, InstanceId: "crs-other000", Status: -3 };
    const { controlPlane } = await answering(answer({ InstanceSet: [other, listed] }));
    expect(await controlPlane.describeInstance(instance)).toMatchObject({ state: "running" });
  });

  it.each([[[]], [null], [[{ ...listed, InstanceId: "crs-other000" }]]])(
    "and does not find it in %j",
    async (InstanceSet) => {
      const { controlPlane } = await answering(answer({ InstanceSet }));
      await expect(controlPlane.describeInstance(instance)).rejects.toMatchObject({
        code: "InstanceNotFound",
      });
    },
  );

  it.each([{}, { InstanceSet: "none" }, { InstanceSet: [{ ...listed, Status: "running" }] }])(
    "and takes %j for no answer",
    async (fields) => {
      const { controlPlane } = await answering(answer(fields));
      await expect(controlPlane.describeInstance(instance)).rejects.toMatchObject({
        code: "NoAnswer",
        effect: "none",
      });
    },
  );
});

describe("tencentRedis reads a password policy", () => {
  it.each([
    ["that is left out", answer({})],
    ["that is null", answer({ PasswordPolicy: null })],
    ["that is not enabled", answer({ PasswordPolicy: { MinLength: 20 } })],
    ["that the credentials may not see", apiError("UnauthorizedOperation.NoCAMAuthed")],
    ["that the edition does not have", apiError("InvalidParameter.NotSupported")],
    ["under an unheard-of code", apiError("SomethingNew")],
  ])("%s as none", async (_name, reply) => {
    const { controlPlane } = await answering(reply);
    expect(await controlPlane.describePasswordPolicy(instance)).toBeUndefined();
  });

  it("and does not take missing credentials for a policy that is not there", async () => {
    const { api } = await answering(answer({}));
    const controlPlane = driver(api.url, { credentials: async () => ({ secretId: "", secretKey: "" }) });
    await expect(controlPlane.describePasswordPolicy(instance)).rejects.toMatchObject({
      code: "CredentialsMissing",
    });
  });
});

describe("tencentRedis reads a task", () => {
  it.each([
    ["preparing", "running"],
    ["running", "running"],
    ["Succeed", "succeeded"],
    ["FAILED", "failed"],
    ["Error", "failed"],
    ["succeeding", "running"],
  ])("with the status %s as %s", async (Status, state) => {
    const { controlPlane } = await answering(answer({ Status, TaskMessage: null }));
    expect(await controlPlane.describeTask(instance, 1)).toEqual({ taskId: 1, state });
  });

  it("and masks the password that it sent before in what the cloud says of the failure", async () => {
    const { controlPlane } = await answering(
      answer({ TaskId: 1 }),
      answer({ Status: "failed", TaskMessage: "set Fresh-Pass-0001 failed" }),
    );
    await controlPlane.changePassword(instance, change);
    expect(await controlPlane.describeTask(instance, 1)).toMatchObject({ message: "set *** failed" });
  });

  it.each([
    [0, "running"],
    [1, "running"],
    [2, "succeeded"],
    [3, "running"],
    [4, "failed"],
    [null, "running"],
  ])("with the result %j as %s", async (Result, state) => {
    const { controlPlane } = await answering(answer({ Tasks: [{ TaskId: 1, Result }] }));
    expect(await controlPlane.newestPasswordTask(instance, new Date(0))).toEqual({ taskId: 1, state });
  });

  it("and picks the newest, in whatever order they come", async () => {
    const { controlPlane } = await answering(
      answer({
        Tasks: [
          { TaskId: 3, StartTime: "2021-12-30 00:00:05", Result: 2 },
          { TaskId: 2, StartTime: "2021-12-30 00:00:05", Result: 4 },
          { TaskId: 9, StartTime: "2021-12-30 00:00:01", Result: 4 },
          { TaskId: 1, StartTime: null, Result: 4 },
        ],
      }),
    );
    expect(await controlPlane.newestPasswordTask(instance, new Date(0))).toEqual({
      taskId: 3,
      state: "succeeded",
    });
  });

  it.each([{}, { Tasks: "none" }, { Tasks: [{ TaskId: "x" }] }])(
    "and takes %j for no answer",
    async (fields) => {
      const { controlPlane } = await answering(answer(fields));
      const task = controlPlane.newestPasswordTask(instance, new Date(0));
      await expect(task).rejects.toMatchObject({ code: "NoAnswer", effect: "none" });
    },
  );
});
