import { createHmac } from "node:crypto";
import { request } from "node:http";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createVirtualClock, type VirtualClock } from "../../../fakes/clock.ts";
import { createTencentDb, type TencentDb } from "../model.ts";
import { startTencentServer, type TencentServer } from "../server.ts";
import { createQcloudFront, type QcloudAnswerStyle, type QcloudFront } from "./front.ts";

const instanceId = "crs-ifmymj41";
const key = { secretId: "AKIDlocal", secretKey: "local-key" };
const temporary = { secretId: "AKIDtemporary", secretKey: "temporary-key", token: "temporary-token" };
const HOST = "redis.api.qcloud.com";
const PATH = "/v2/index.php";
const OLD = "49A2d!e@f12e";
const NEW = "12D3E@!r5ed";
const CHANGE = { redisId: instanceId, oldPassword: OLD, password: NEW };

let clock: VirtualClock;
let db: TencentDb;
let front: QcloudFront;

beforeEach(() => {
  clock = createVirtualClock();
  db = createTencentDb({
    clock,
    instances: [
      { instanceId, region: "ap-guangzhou", wanIp: "10.0.0.5", port: 6379, password: OLD },
      {
        instanceId: "crs-finance1",
        region: "ap-shanghai-fsi",
        wanIp: "10.0.0.6",
        port: 6379,
        password: OLD,
      },
    ],
    setPassword: async () => {},
    firstTaskId: 11_966,
  });
  front = frontWith();
});

function frontWith(style: QcloudAnswerStyle = {}): QcloudFront {
  return createQcloudFront({ clock, service: db, credentials: [key, temporary], style });
}

let nonces = 0;

function signed(
  params: Readonly<Record<string, string>>,
  { method = "POST", secretKey = key.secretKey } = {},
): URLSearchParams {
  const all: Record<string, string> = {
    Region: "ap-guangzhou",
    Timestamp: String(Math.floor(clock.now() / 1_000)),
    Nonce: String(++nonces),
    SecretId: key.secretId,
    SignatureMethod: "HmacSHA256",
    ...params,
  };
  const pairs = Object.keys(all)
    .sort()
    .map((name) => `${name}=${all[name]}`);
  const hash = all.SignatureMethod === "HmacSHA256" ? "sha256" : "sha1";
  const text = `${method}${HOST}${PATH}?${pairs.join("&")}`;
  return new URLSearchParams({
    ...all,
    Signature: createHmac(hash, secretKey).update(text).digest("base64"),
  });
}

const send = (form: URLSearchParams, method = "POST") =>
  front({ method, host: HOST, path: PATH, form, requestId: `request-${nonces}` });

const change = (params: Readonly<Record<string, string>> = {}) =>
  send(signed({ Action: "ModfiyRedisPassword", ...CHANGE, ...params }));

const task = (requestId: string) => send(signed({ Action: "DescribeTaskInfo", requestId }));

describe("the local API 2.0", () => {
  it("changes the password of the document's sample and tells of the task", async () => {
    expect(await change()).toEqual({
      code: 0,
      message: "",
      codeDesc: "Success",
      data: { requestId: 11_966 },
    });
    expect(await task("11966")).toMatchObject({ code: 0, data: { status: 0 } });
    await clock.advance(5_000);
    expect(await task("11966")).toMatchObject({ code: 0, data: { status: 1 } });
    expect(db.isPassword(instanceId, OLD)).toBe(true);
    await clock.advance(4_000);
    expect(await task("11966")).toMatchObject({ code: 0, data: { status: 2 } });
    expect(db.isPassword(instanceId, NEW)).toBe(true);
  });

  it.each(["POST", "GET"])("serves %s, signed by either method", async (method) => {
    for (const SignatureMethod of ["HmacSHA256", "HmacSHA1"]) {
      const form = signed({ Action: "DescribeTaskInfo", requestId: "1", SignatureMethod }, { method });
      expect(await send(form, method)).toMatchObject({ code: 11201, codeDesc: "InvalidParameter" });
    }
  });

  it.each([
    ["gz", instanceId],
    ["ap-guangzhou", instanceId],
    ["shjr", "crs-finance1"],
    ["ap-shanghai-fsi", "crs-finance1"],
  ])("knows the region %s", async (Region, redisId) => {
    expect(await change({ Region, redisId })).toMatchObject({ code: 0 });
  });

  it.each([
    ["an empty password", { password: "" }, 10501],
    ["a wrong old password", { oldPassword: "49A2d!e@f12f" }, 10502],
    ["a password that breaks the rule", { password: "AbcdefgH" }, 11058],
    ["no such instance", { redisId: "crs-nowhere1" }, 10701],
    ["an instance of another region", { Region: "bj" }, 10701],
    ["a region that is none", { Region: "moon" }, 4000],
    ["an unknown parameter", { Password: "x" }, 4000],
    ["another action", { Action: "ClearRedis" }, 6100],
  ])("refuses %s with its number", async (_name, params, code) => {
    expect(await change(params)).toMatchObject({ code, message: expect.stringMatching(/./) });
    await clock.advance(10_000);
    expect(db.isPassword(instanceId, OLD)).toBe(true);
  });

  it.each([-2, -3, 1] as const)("refuses an instance in status %i", async (status) => {
    db.instance(instanceId).status = status;
    expect(await change()).toMatchObject({ code: 10702, codeDesc: "InstanceStatusAbnormal" });
  });

  it("refuses what is too often", async () => {
    for (let call = 0; call < 20; call++) await task("1");
    expect(await task("1")).toMatchObject({ code: 4400 });
  });

  it.each([
    ["10707", 10707, "InstanceLockedError"],
    ["6200", 6200, ""],
    ["InternalError", 6000, "InternalError"],
  ])("fails with %s on demand", async (fault, code, codeDesc) => {
    db.failNext("ModfiyRedisPassword", { kind: "error", code: fault });
    expect(await change()).toMatchObject({ code, codeDesc });
  });

  it("writes its codes as text, and those of the service inside the message, where it is told to", async () => {
    front = frontWith({ codeAsText: true, codeInMessage: true });
    expect(await change({ oldPassword: "wrong" })).toMatchObject({
      code: "5100",
      message: expect.stringMatching(/^\(10502\)./),
      codeDesc: "OldPasswordError",
    });
    expect(await change({ Region: "moon" })).toMatchObject({
      code: "4000",
      message: expect.stringMatching(/^[^(]/),
    });
    expect(await change()).toMatchObject({ code: "0" });
  });
});

describe("the local API 2.0 lets nobody in", () => {
  const asked = { Action: "ModfiyRedisPassword", ...CHANGE };
  const at = (offMs: number) => String(Math.floor((clock.now() + offMs) / 1_000));

  it.each([
    ["with a wrong key", () => signed(asked, { secretKey: "wrong" }), 4100],
    ["with an unknown key", () => signed({ ...asked, SecretId: "AKIDother" }), 4104],
    ["with the signature of another method", () => signed(asked, { method: "GET" }), 4100],
    ["with a token that the key has not", () => signed({ ...asked, Token: "token" }), 4105],
    [
      "with a temporary key and no token",
      () => signed({ ...asked, SecretId: temporary.secretId }, temporary),
      4105,
    ],
    ["without a nonce", () => signed({ ...asked, Nonce: "" }), 4000],
    ["with a nonce that is not positive", () => signed({ ...asked, Nonce: "0" }), 4000],
    ["without a time", () => signed({ ...asked, Timestamp: "soon" }), 4000],
    ["with an old time", () => signed({ ...asked, Timestamp: at(-301_000) }), 4500],
    ["with a time to come", () => signed({ ...asked, Timestamp: at(302_000) }), 4500],
  ])("%s", async (_name, form, code) => {
    expect(await send(form())).toMatchObject({ code });
    await clock.advance(10_000);
    expect(db.isPassword(instanceId, OLD)).toBe(true);
  });

  it("a second time with the same request, and takes the nonce again in another second", async () => {
    const form = signed({ ...asked, Nonce: "7" });
    expect(await send(form)).toMatchObject({ code: 0 });
    expect(await send(form)).toMatchObject({ code: 4500 });
    await clock.advance(1_000);
    expect(await send(signed({ Action: "DescribeTaskInfo", requestId: "11966", Nonce: "7" }))).toMatchObject({
      code: 0,
    });
  });

  it("but the temporary key with its token", async () => {
    const { secretId: SecretId, token: Token, secretKey } = temporary;
    expect(await send(signed({ ...asked, SecretId, Token }, { secretKey }))).toMatchObject({ code: 0 });
  });
});

describe("the local server", () => {
  let server: TencentServer;
  beforeEach(async () => {
    server = await startTencentServer({ clock, services: { redis: db }, credentials: [key] });
  });
  afterEach(() => server.close());

  it.each([
    ["POST", PATH, 0],
    ["GET", PATH, 0],
    ["POST", "/", 6100],
  ])("serves API 2.0 by its Host: %s %s is %i", async (method, path, code) => {
    const form = signed({ Action: "ModfiyRedisPassword", ...CHANGE }, { method }).toString();
    const url = method === "GET" ? `${server.url}${path}?${form}` : `${server.url}${path}`;
    const text = await new Promise<string>((resolve, reject) => {
      const sent = request(url, { method, headers: { host: HOST } }, (response) => {
        response.once("data", (chunk) => resolve(String(chunk)));
      });
      sent.once("error", reject).end(method === "POST" ? form : undefined);
    });
    expect(JSON.parse(text)).toMatchObject({ code });
    expect(db.calls).toMatchObject([{ action: "ModfiyRedisPassword", host: HOST, method, instanceId }]);
  });
});
