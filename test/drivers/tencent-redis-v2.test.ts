import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { randomBytes, systemClock } from "../../lib/drivers/runtime.ts";
import { tencentRedis } from "../../lib/drivers/tencent-redis.ts";
import { type TencentRedisV2Options, tencentRedisV2 } from "../../lib/drivers/tencent-redis-v2.ts";
import type { Account, ControlPlane } from "../../lib/ports.ts";
import type { Fault } from "../cloud/tencentdb/faults.ts";
import type { InstanceOptions } from "../cloud/tencentdb/instances.ts";
import { createTencentDb, type TencentDb } from "../cloud/tencentdb/model.ts";
import { startTencentServer, type TencentServerOptions } from "../cloud/tencentdb/server.ts";
import { describeAccountContract } from "../contracts/accounts.contract.ts";
import { describeControlPlaneContract, refusal } from "../contracts/control-plane.contract.ts";
import { createVirtualClock, type VirtualClock } from "../fakes/clock.ts";
import { type Reply, startLoopbackApi, text } from "./loopback-api.ts";

const CREDENTIALS = { secretId: "AKIDexample", secretKey: "the-secret-key" };
// The sample of the document, to the letter.
const OLD = "49A2d!e@f12e";
const NEW = "12D3E@!r5ed";
const CHANGE = { oldPassword: OLD, password: NEW };
const account: Account = {
  region: "ap-guangzhou",
  instanceId: "crs-ifmymj41",
  username: "default",
  api: "ModfiyRedisPassword",
};

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()));
});

/** Requests are signed by the system's clock, whatever time it is for the tasks. No pause is waited for. */
function driver(endpointUrl: string, options: Partial<TencentRedisV2Options> = {}): ControlPlane {
  const connection = {
    endpointUrl,
    credentials: async () => CREDENTIALS,
    signal: new AbortController().signal,
    clock: { now: systemClock.now, sleep: async () => {} },
    limiter: async () => {},
    timeoutMs: 800,
    randomBytes,
    ...options,
  };
  return tencentRedisV2(connection, tencentRedis(connection));
}

async function answering(...replies: Reply[]) {
  const api = await startLoopbackApi(replies);
  closing.push(() => api.close());
  return { api, controlPlane: driver(api.url) };
}

const json = (content: unknown): Reply => text(JSON.stringify(content));
const started = json({ code: 0, message: "", codeDesc: "Success", data: { requestId: 11966 } });
const status = (given: unknown): Reply =>
  json({ code: 0, message: "", codeDesc: "Success", data: { status: given } });

async function atLocalCloud(
  instances: readonly InstanceOptions[],
  server: Partial<TencentServerOptions> = {},
  options: Partial<TencentRedisV2Options> = {},
) {
  const clock = createVirtualClock({ startMs: systemClock.now() });
  const db = createTencentDb({ clock, instances, setPassword: async () => {} });
  const { url, close } = await startTencentServer({
    clock: systemClock,
    services: { redis: db },
    credentials: [CREDENTIALS],
    ...server,
  });
  closing.push(close);
  return { controlPlane: driver(url, options), db, clock, now: clock.now, advance: clock.advance };
}

describeControlPlaneContract("tencentRedisV2", atLocalCloud);
describeAccountContract("tencentRedisV2", atLocalCloud, ["ModfiyRedisPassword"]);

describe("tencentRedisV2 speaks as the document of ModfiyRedisPassword does", () => {
  it("in its sample: redisId, oldPassword and password go out, data.requestId comes back", async () => {
    const { api, controlPlane } = await answering(started);
    expect(await controlPlane.changePassword(account, CHANGE)).toEqual({ taskId: 11966 });

    const [request] = api.requests;
    expect(request?.headers.host).toBe("redis.api.qcloud.com");
    expect(Object.fromEntries(new URLSearchParams(request?.body))).toEqual({
      Action: "ModfiyRedisPassword",
      redisId: "crs-ifmymj41",
      oldPassword: "49A2d!e@f12e",
      password: "12D3E@!r5ed",
      Region: "ap-guangzhou",
      Timestamp: expect.stringMatching(/^\d{10}$/),
      Nonce: expect.stringMatching(/^[1-9]\d*$/),
      SecretId: "AKIDexample",
      SignatureMethod: "HmacSHA256",
      Signature: expect.stringMatching(/^[A-Za-z0-9+/]{43}=$/),
    });
  });

  it.each([11966, "11966"])("with the request id %j", async (requestId) => {
    const { controlPlane } = await answering(json({ code: 0, data: { requestId } }));
    expect(await controlPlane.changePassword(account, CHANGE)).toEqual({ taskId: 11966 });
  });

  it.each([{}, [], null, { requestId: 0 }, { requestId: -1 }, { requestId: "soon" }, { requestId: 1.5 }])(
    "and takes the data %j for no answer, which may have changed the password",
    async (data) => {
      const { controlPlane } = await answering(json({ code: 0, data }));
      const error = await refusal(controlPlane.changePassword(account, CHANGE));
      expect(error).toMatchObject({ code: "NoAnswer", effect: "unknown" });
    },
  );

  it("and sends nothing without the old password", async () => {
    const { api, controlPlane } = await answering(started);
    const error = await refusal(controlPlane.changePassword(account, { password: NEW }));
    expect(error).toMatchObject({ code: "Internal", effect: "none" });
    expect(api.requests).toHaveLength(0);
  });
});

describe("tencentRedisV2 reads its task", () => {
  it.each([
    [0, "running"],
    [1, "running"],
    [2, "succeeded"],
    ["2", "succeeded"],
    [3, "failed"],
    [-1, "failed"],
    ["-1", "failed"],
    [9, "running"],
    ["running", "running"],
    ["SUCCESS", "succeeded"],
    ["succeed", "succeeded"],
    ["failed", "failed"],
    ["error", "failed"],
    ["queued", "running"],
  ])("with the status %j as %s, by API 2.0's DescribeTaskInfo", async (given, state) => {
    const { api, controlPlane } = await answering(started, status(given));
    const { taskId } = await controlPlane.changePassword(account, CHANGE);
    expect(await controlPlane.describeTask(account, taskId)).toEqual({ taskId: 11966, state });
    expect(Object.fromEntries(new URLSearchParams(api.requests[1]?.body))).toMatchObject({
      Action: "DescribeTaskInfo",
      requestId: "11966",
      Region: "ap-guangzhou",
    });
  });

  it("and any other by API 3.0's, with the passwords masked that it sent itself", async () => {
    const failed = json({
      Response: { RequestId: "request-1", Status: "failed", TaskMessage: `set ${NEW} failed` },
    });
    const { api, controlPlane } = await answering(started, failed);
    await controlPlane.changePassword(account, CHANGE);
    expect(await controlPlane.describeTask(account, 42)).toEqual({
      taskId: 42,
      state: "failed",
      message: "set *** failed",
    });
    const elsewhere = { ...account, instanceId: "crs-other000" };
    await controlPlane.describeTask(elsewhere, 11966);
    expect(api.requests.slice(1).map(({ headers }) => headers.host)).toEqual(
      Array(2).fill("redis.tencentcloudapi.com"),
    );
  });
});

describe("tencentRedisV2 in the local cloud", () => {
  let db: TencentDb;
  let clock: VirtualClock;
  let controlPlane: ControlPlane;

  beforeEach(() => begin());

  async function begin(
    server: Partial<TencentServerOptions> = {},
    options: Partial<TencentRedisV2Options> = {},
  ) {
    const { region, instanceId } = account;
    const place = { region, wanIp: "10.0.0.5", port: 6379, password: OLD };
    const instances: InstanceOptions[] = [
      { ...place, instanceId },
      { ...place, instanceId: "crs-isolated", status: -2 },
      { ...place, instanceId: "crs-finance1", region: "ap-shanghai-fsi" },
    ];
    ({ controlPlane, db, clock } = await atLocalCloud(instances, server, options));
  }

  const changed = () => db.passwordChanges(account.instanceId);

  it("starts one task, which changes the password, and follows it to its end", async () => {
    const { taskId } = await controlPlane.changePassword(account, CHANGE);
    expect(await controlPlane.describeTask(account, taskId)).toEqual({ taskId, state: "running" });
    expect(changed()).toBe(0);
    await clock.advance(9_000);
    expect(await controlPlane.describeTask(account, taskId)).toEqual({ taskId, state: "succeeded" });
    expect(db.isPassword(account.instanceId, NEW)).toBe(true);
    expect(new Set(db.calls.map(({ host }) => host))).toEqual(new Set(["redis.api.qcloud.com"]));
  });

  it.each([
    [
      "with text for numbers and codes inside messages",
      { qcloudStyle: { codeAsText: true, codeInMessage: true } },
      {},
    ],
    ["signed by HmacSHA1", {}, { signatureMethod: "HmacSHA1" }],
    [
      "with a temporary key",
      { credentials: [{ ...CREDENTIALS, token: "the-token" }] },
      { credentials: async () => ({ ...CREDENTIALS, token: "the-token" }) },
    ],
  ] as const)("works %s", async (_name, server, options) => {
    await begin(server, options);
    const wrong = controlPlane.changePassword(account, { ...CHANGE, oldPassword: "wrong-0001" });
    expect(await refusal(wrong)).toMatchObject({ code: "OldPasswordError", effect: "none", passing: false });
    const { taskId } = await controlPlane.changePassword(account, CHANGE);
    await clock.advance(9_000);
    expect(await controlPlane.describeTask(account, taskId)).toEqual({ taskId, state: "succeeded" });
  });

  it("takes passwords of every sign that API 2.0 allows, and one that starts with @", async () => {
    await controlPlane.changePassword(account, { ...CHANGE, password: "@a1!@#%^()" });
    await clock.advance(9_000);
    await controlPlane.changePassword(account, { oldPassword: "@a1!@#%^()", password: NEW });
    await clock.advance(9_000);
    expect(db.isPassword(account.instanceId, NEW)).toBe(true);
  });

  it("changes the password in a finance region", async () => {
    const finance = { ...account, region: "ap-shanghai-fsi", instanceId: "crs-finance1" };
    await controlPlane.changePassword(finance, CHANGE);
    await clock.advance(9_000);
    expect(db.isPassword("crs-finance1", NEW)).toBe(true);
  });

  it.each([
    ["a password that breaks the rule", account, { password: "AbcdefgH" }, "PasswordRefused", false],
    ["a password of seventeen", account, { password: "Abcdefgh123456789" }, "PasswordRefused", false],
    ["an empty password", account, { password: "" }, "PasswordRefused", false],
    ["an old password that is wrong", account, { oldPassword: "Old-Pass-01" }, "OldPasswordError", false],
    ["no such instance", { ...account, instanceId: "crs-nowhere1" }, {}, "InstanceNotFound", false],
    // It may be in a flow just as well: whoever looks at the instance sees which.
    ["an isolated instance", { ...account, instanceId: "crs-isolated" }, {}, "InstanceBusy", true],
  ])("is refused %s, with no effect", async (_name, of, change, code, passing) => {
    const error = await refusal(controlPlane.changePassword(of, { ...CHANGE, ...change }));
    expect(error).toMatchObject({ code, effect: "none", passing });
    for (const password of [OLD, NEW, ...Object.values(change)].filter(Boolean)) {
      expect(String(error)).not.toContain(password);
    }
    await clock.advance(10_000);
    expect(changed()).toBe(0);
  });

  it("is refused for now while another task runs, with no effect", async () => {
    await controlPlane.changePassword(account, CHANGE);
    const error = await refusal(controlPlane.changePassword(account, CHANGE));
    expect(error).toMatchObject({ code: "InstanceBusy", effect: "none", passing: true });
  });

  it.each<[Fault, string]>([
    [{ kind: "reset" }, "NoAnswer"],
    [{ kind: "hang" }, "NoAnswer"],
    [{ kind: "not-json" }, "NoAnswer"],
    [{ kind: "empty" }, "NoAnswer"],
    [{ kind: "redirect", location: "/v2/index.php" }, "NoAnswer"],
    [{ kind: "status", status: 500 }, "CloudUnavailable"],
    [{ kind: "error", code: "6000" }, "CloudUnavailable"],
    [{ kind: "error", code: "5100" }, "CloudUnavailable"],
  ])("after a lost reply (%j) says that the effect is unknown, and finds the task", async (fault, code) => {
    const since = new Date(clock.now());
    db.failNext("ModfiyRedisPassword", { ...fault, carriedOut: true });
    const error = await refusal(controlPlane.changePassword(account, CHANGE));
    expect(error).toMatchObject({ code, effect: "unknown", passing: true });
    expect(db.passwordsSent(account.instanceId)).toMatchObject({ calls: 1 });

    const found = await controlPlane.newestPasswordTask(account, since);
    expect(found).toMatchObject({ state: "running" });
    await clock.advance(9_000);
    expect(await controlPlane.describeTask(account, found?.taskId ?? 0)).toMatchObject({
      state: "succeeded",
    });
    expect(changed()).toBe(1);
  });

  it.each(["failed", "error"] as const)("tells that a task ended with %s", async (ending) => {
    db.planNextTask({ ending });
    const { taskId } = await controlPlane.changePassword(account, CHANGE);
    await clock.advance(9_000);
    expect(await controlPlane.describeTask(account, taskId)).toEqual({ taskId, state: "failed" });
  });

  it("asks API 3.0 for everything else", async () => {
    expect(await controlPlane.describeInstance(account)).toMatchObject({ state: "running" });
    expect(await controlPlane.describePasswordPolicy(account)).toBeUndefined();
    expect(await controlPlane.newestPasswordTask(account, new Date(0))).toBeUndefined();
    const reset = { ...account, api: "ResetPassword" as const };
    const { taskId } = await controlPlane.changePassword(reset, { password: "Fresh-Pass-0001" });
    expect(await controlPlane.describeTask(reset, taskId)).toMatchObject({ state: "running" });
    expect(new Set(db.calls.map(({ host }) => host))).toEqual(new Set(["redis.tencentcloudapi.com"]));
  });
});
