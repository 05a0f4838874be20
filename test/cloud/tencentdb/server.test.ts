import { Agent, request as httpRequest } from "node:http";
import { get as httpsGet } from "node:https";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { Redis } from "iovalkey";
import { Client } from "tencentcloud-sdk-nodejs/tencentcloud/services/redis/v20180412/redis_client.js";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { systemClock } from "../../../lib/drivers/runtime.ts";
import { createCertificates } from "./certificates.ts";
import { createTencentDb, type TencentDb } from "./model.ts";
import { type RedisServer, startRedisServer } from "./redis-server.ts";
import { startTencentServer, type TencentServer } from "./server.ts";

const instanceId = "crs-5a4py64p";
const region = "ap-guangzhou";
const host = "redis.tencentcloudapi.com";
const key = { secretId: "AKIDlocal", secretKey: "local-key" };
const temporary = { secretId: "AKIDtemporary", secretKey: "temporary-key", token: "temporary-token" };

let redis: RedisServer;
let db: TencentDb;
let server: TencentServer;

beforeAll(async () => {
  redis = await startRedisServer({ password: "before-1" });
});
afterAll(() => redis.stop());

beforeEach(async () => {
  await redis.setPassword("before-1");
  db = createTencentDb({
    clock: systemClock,
    instances: [{ instanceId, region, wanIp: redis.host, port: redis.port }],
    setPassword: (_, __, password) => redis.setPassword(password),
    taskDurationMs: 150,
    taskTailMs: 50,
  });
  server = await startTencentServer({
    clock: systemClock,
    services: { redis: db },
    credentials: [key, temporary],
  });
});
afterEach(() => server.close());

interface ClientChange {
  credential?: { secretId: string; secretKey: string; token?: string };
  endpoint?: string;
  region?: string;
  reqMethod?: "GET" | "POST";
}

/** The official SDK, talking to the real host's name over a connection to the local server. */
function client(change: ClientChange = {}): Client {
  const agent = new Agent();
  const { hostname, port } = new URL(server.url);
  agent.createConnection = () => connect(Number(port), hostname);
  const { endpoint = host, reqMethod = "POST" } = change;
  return new Client({
    credential: change.credential ?? key,
    region: change.region ?? region,
    profile: { httpProfile: { endpoint, reqMethod, protocol: "http://", reqTimeout: 1, agent } },
  });
}

async function opensRedis(password: string): Promise<boolean> {
  const connection = new Redis({
    host: redis.host,
    port: redis.port,
    password,
    lazyConnect: true,
    retryStrategy: () => null,
  });
  connection.on("error", () => {});
  try {
    return (await connection.ping()) === "PONG";
  } catch {
    return false;
  } finally {
    connection.disconnect();
  }
}

describe("the local TencentDB behind the official SDK", () => {
  it("resets the password of the document's sample", async () => {
    const sdk = client();
    const { TaskId, RequestId } = await sdk.ResetPassword({ InstanceId: instanceId, Password: "zy456987" });
    expect(TaskId).toBe(16_657);
    expect(RequestId).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);

    let status: string | undefined;
    while (status !== "succeed") {
      await sleep(60);
      status = (await sdk.DescribeTaskInfo({ TaskId: TaskId ?? 0 })).Status;
      expect(["preparing", "running", "succeed"]).toContain(status);
    }
    expect(await opensRedis("zy456987")).toBe(true);
    expect(await opensRedis("before-1")).toBe(false);
    expect(new Set(db.calls.map(({ method }) => method))).toEqual(new Set(["POST"]));
  });

  it("answers every read in the SDK's words", async () => {
    db.planNextTask({ durationMs: Number.POSITIVE_INFINITY });
    const sdk = client({ credential: temporary });
    const { TaskId } = await sdk.ResetPassword({ InstanceId: instanceId, Password: "zy456987" });
    const { TotalCount, Tasks } = await sdk.DescribeTaskList({ InstanceId: instanceId, TaskTypes: ["007"] });
    expect([TotalCount, Tasks?.[0]?.TaskId]).toEqual([1, TaskId]);
    const { InstanceSet } = await sdk.DescribeInstances({ InstanceIds: [instanceId], Limit: 100 });
    expect(InstanceSet).toEqual([
      expect.objectContaining({ InstanceId: instanceId, Status: 1, Port: redis.port }),
    ]);
    const { PasswordPolicy } = await sdk.DescribeInstancePasswordPolicy({ InstanceId: instanceId });
    expect(PasswordPolicy).toEqual({ Enabled: false });
  });

  it("works with GET, and tells", async () => {
    const { Tasks } = await client({ reqMethod: "GET" }).DescribeTaskList({ Limit: 10, TaskTypes: ["007"] });
    expect(Tasks).toEqual([]);
    expect(db.calls.map(({ method }) => method)).toEqual(["GET"]);
  });

  it.each<[string, ClientChange, string]>([
    ["a wrong key", { credential: { ...key, secretKey: "wrong" } }, "AuthFailure.SignatureFailure"],
    ["an unknown key", { credential: { ...key, secretId: "AKIDother" } }, "AuthFailure.SecretIdNotFound"],
    [
      "a temporary key without its token",
      { credential: { ...temporary, token: "" } },
      "AuthFailure.TokenFailure",
    ],
    ["a finance region on the ordinary host", { region: "ap-shanghai-fsi" }, "UnsupportedRegion"],
    [
      "another finance region's host",
      { endpoint: "redis.ap-shenzhen-fsi.tencentcloudapi.com", region: "ap-shanghai-fsi" },
      "UnsupportedRegion",
    ],
  ])("refuses %s and changes nothing", async (_, change, code) => {
    const call = client(change).ResetPassword({ InstanceId: instanceId, Password: "zy456987" });
    const failure = await call.catch((error: unknown) => error);
    expect(failure).toMatchObject({ code, requestId: db.calls[0]?.requestId });
    expect(db.calls).toHaveLength(1);
    await sleep(150);
    expect(await opensRedis("before-1")).toBe(true);
  });

  it.each(["redis.ap-guangzhou.tencentcloudapi.com", "redis.intl.tencentcloudapi.com"])(
    "serves %s",
    async (endpoint) => {
      await client({ endpoint }).DescribeInstances({ InstanceId: instanceId });
      expect(db.calls[0]).toMatchObject({ host: endpoint });
    },
  );

  it.each(["127.0.0.1", "redis.tencentcloudapi.com.example", "cvm.tencentcloudapi.com"])(
    "does not know the host %s",
    async (endpoint) => {
      await expect(client({ endpoint }).DescribeInstances({})).rejects.toMatchObject({ httpCode: 404 });
    },
  );

  it.each([
    [{ kind: "status", status: 503 }, { httpCode: 503 }],
    [{ kind: "not-json" }, { name: "FetchError", type: "invalid-json" }],
    [{ kind: "empty" }, { name: "TypeError" }],
    [{ kind: "reset" }, { message: expect.stringContaining("ECONNRESET") }],
    [{ kind: "hang" }, { message: expect.stringContaining("timeout") }],
    // The SDK follows it, with the body and without the signature.
    [
      { kind: "redirect", location: "http://elsewhere.invalid/" },
      { code: "AuthFailure.InvalidAuthorization" },
    ],
  ] as const)("breaks a reply on demand: %j", async (fault, failure) => {
    db.failNext("ResetPassword", { ...fault, carriedOut: true });
    const call = client().ResetPassword({ InstanceId: instanceId, Password: "zy456987" });
    await expect(call).rejects.toMatchObject(failure);
    await expect.poll(() => db.passwordChanges(instanceId)).toBe(1);
  });

  it.each([
    ["a body that is no JSON object", "[]", "application/json"],
    ["a form", "InstanceId=crs-5a4py64p", "application/x-www-form-urlencoded"],
  ])("lets nobody in with %s", async (_, body, contentType) => {
    const headers = { host, "content-type": contentType, "x-tc-action": "DescribeInstances" };
    const answer = await new Promise<string>((resolve, reject) => {
      const call = httpRequest(server.url, { method: "POST", headers }, (response) => {
        response.once("data", (data) => resolve(String(data)));
      });
      call.once("error", reject).end(body);
    });
    expect(JSON.parse(answer)).toMatchObject({
      Response: { Error: { Code: "AuthFailure.InvalidAuthorization" }, RequestId: db.calls[0]?.requestId },
    });
  });
});

describe("the local TencentDB over TLS", () => {
  it("shows a certificate that the throw-away authority vouches for", async () => {
    const { ca, key: privateKey, cert } = await createCertificates();
    const tls = { key: privateKey, cert };
    const secure = await startTencentServer({
      clock: systemClock,
      services: { redis: db },
      credentials: [key],
      tls,
    });
    const status = await new Promise((resolve, reject) => {
      httpsGet(secure.url, { ca, servername: "", headers: { host } }, (response) =>
        resolve(response.resume().statusCode),
      ).once("error", reject);
    });
    expect(status).toBe(200);
    await secure.close();
  });
});
