import { generate } from "selfsigned";
import * as v from "valibot";
import { beforeAll, describe, expect, it, onTestFinished, vi } from "vitest";
import { secretsManagerClient } from "../../lib/drivers/aws-client.ts";
import { awsIdentityToken } from "../../lib/drivers/aws-identity-token.ts";
import { awsSecretsManager } from "../../lib/drivers/aws-secrets-manager.ts";
import { createQcloudClient } from "../../lib/drivers/qcloud-client.ts";
import { createTencentClient, type TencentConnection } from "../../lib/drivers/tencent-client.ts";
import { REDIS_API_ERRORS } from "../../lib/drivers/tencent-errors.ts";
import { answer, hang, type Reply, reset, startLoopbackApi, text } from "./loopback-api.ts";
import { type ProxyOptions, proxyWith, startProxy } from "./loopback-proxy.ts";

const PASSWORD = "Sent-p@ss/W0rd";
const LOGIN = "me:Pr0xy-secret";
const clock = { now: () => 0, sleep: async () => {} };
const connection = {
  credentials: async () => ({ secretId: "AKIDexample", secretKey: "the-secret-key" }),
  signal: new AbortController().signal,
  clock,
  limiter: async () => {},
};

/** A change by each of the two protocols, and what its API answers. */
const PROTOCOLS = {
  "API 3.0": {
    reply: answer({ TaskId: 1 }),
    change: (options: Partial<TencentConnection>) =>
      createTencentClient({
        ...connection,
        service: "redis",
        version: "2018-04-12",
        region: "ap-guangzhou",
        errors: REDIS_API_ERRORS,
        ...options,
      })({
        action: "ResetPassword",
        params: { Password: PASSWORD },
        answer: v.object({ TaskId: v.number() }),
        change: true,
        secrets: [PASSWORD],
      }),
  },
  "API 2.0": {
    reply: text(JSON.stringify({ code: 0, message: "", codeDesc: "Success", data: { requestId: 1 } })),
    change: (options: Partial<TencentConnection>) =>
      createQcloudClient({
        ...connection,
        host: "redis.api.qcloud.com",
        randomBytes: (size) => new Uint8Array(size).fill(1),
        ...options,
      })({
        action: "ModfiyRedisPassword",
        region: "ap-guangzhou",
        params: { password: PASSWORD },
        data: v.object({ requestId: v.number() }),
        change: true,
        secrets: [PASSWORD],
      }),
  },
} as const;

let certificate: { private: string; cert: string };
beforeAll(async () => {
  certificate = await generate([{ name: "commonName", value: "127.0.0.1" }], {
    keySize: 2048,
    extensions: [{ name: "subjectAltName", altNames: [{ type: 7, ip: "127.0.0.1" }] }],
  });
});

async function apiWith(scheme: "http" | "https", ...replies: Reply[]) {
  const tls = scheme === "https" ? { key: certificate.private, cert: certificate.cert } : undefined;
  const api = await startLoopbackApi(replies, tls);
  onTestFinished(() => api.close());
  return { ...api, options: { endpointUrl: api.url, ca: certificate.cert } };
}

/** Enough for an answer on loopback, for where none comes. */
const SHORT = { timeoutMs: 500 };

const failed = (call: Promise<unknown>) =>
  call.then(
    () => expect.unreachable("it succeeded"),
    (error: Error) => error,
  );

describe.each(Object.entries(PROTOCOLS))("%s", (_protocol, { change, reply }) => {
  it.each(["http", "https"] as const)("goes through the tunnel, and finds it again: %s", async (scheme) => {
    const api = await apiWith(scheme, reply);
    const proxy = await proxyWith({ login: LOGIN });
    const options = { ...api.options, proxy: { url: proxy.url, noProxy: "" } };
    await change(options);
    await change(options);
    expect(api.requests).toHaveLength(2);
    expect(api.connections()).toBe(1);
    expect(proxy.targets).toEqual([new URL(api.url).host]);
  });

  it("shows the proxy nothing of what it sends by TLS", async () => {
    const api = await apiWith("https", reply);
    const proxy = await proxyWith();
    await change({ ...api.options, proxy: { url: proxy.url, noProxy: "" } });
    expect(proxy.carried().length).toBeGreaterThan(500);
    expect(proxy.carried()).not.toMatch(/AKIDexample|Password|HTTP/);
  });

  it("goes past the proxy where NO_PROXY names the host", async () => {
    const api = await apiWith("https", reply);
    const proxy = await proxyWith();
    await change({ ...api.options, proxy: { url: proxy.url, noProxy: "127.0.0.1" } });
    expect(api.requests).toHaveLength(1);
    expect(proxy.targets).toEqual([]);
  });

  it("asks for the real host where no endpoint is set", async () => {
    const proxy = await proxyWith({ status: 403 });
    await failed(change({ proxy: { url: proxy.url, noProxy: "" } }));
    expect(proxy.targets).toEqual([expect.stringMatching(/^redis\.(tencentcloudapi|api\.qcloud)\.com:443$/)]);
  });

  const silent = () => {};
  const noTunnel: readonly (readonly [string, ProxyOptions, string])[] = [
    ["refuses the host", { status: 403 }, "the proxy answered 403: allow this host in the proxy"],
    ["refuses the login", { status: 407 }, "the proxy answered 407: put the right user and password into"],
    ["has no connection itself", { status: 502 }, "the proxy answered 502: it has no connection"],
    ["answers with a redirect", { status: 302 }, "the proxy answered 302: "],
    [
      "does not answer",
      { instead: silent },
      "no connection (ETIMEDOUT)|the proxy cannot be reached, ETIMEDOUT: ",
    ],
    ["hangs up", { instead: (socket) => socket.destroy() }, "the proxy cannot be reached, ECONNRESET: "],
    ["speaks no HTTP", { instead: (socket) => socket.end("+OK\r\n") }, "the proxy cannot be reached, HPE_"],
  ];
  it.each(noTunnel)("has no effect where the proxy %s, and says what to do", async (_name, options, says) => {
    const api = await apiWith("https", reply);
    const proxy = await proxyWith(options);
    const url = proxy.url.replace("//", `//${LOGIN}@`);
    const time = options.instead === silent ? SHORT : {};
    const error = await failed(change({ ...api.options, ...time, proxy: { url, noProxy: "" } }));
    expect(error).toMatchObject({ code: "CloudUnreachable", effect: "none" });
    expect(
      says.split("|").some((each) => error.message.includes(each)),
      error.message,
    ).toBe(true);
    expect(error.message).not.toMatch(/Pr0xy-secret|Sent-p|@127/);
    expect(error.cause).toBeUndefined();
    expect(api.connections()).toBe(0);
  });

  it("has no effect where nothing listens at the proxy's address", async () => {
    const api = await apiWith("https", reply);
    const proxy = await startProxy({ login: LOGIN });
    await proxy.close();
    const error = await failed(change({ ...api.options, proxy: { url: proxy.url, noProxy: "" } }));
    expect(error).toMatchObject({ code: "CloudUnreachable", effect: "none" });
    expect(error.message).toContain(
      "the proxy cannot be reached, ECONNREFUSED: compare the address in HTTPS_PROXY",
    );
    expect(error.message).not.toMatch(/Pr0xy-secret|@127/);
  });

  it("has no effect where the tunnel breaks before TLS stands", async () => {
    const api = await apiWith("https", reply);
    const proxy = await proxyWith({
      instead: (socket) => {
        socket.write("HTTP/1.1 200 OK\r\n\r\n");
        socket.once("data", () => socket.destroy());
      },
    });
    const error = await failed(change({ ...api.options, proxy: { url: proxy.url, noProxy: "" } }));
    expect(error).toMatchObject({ code: "CloudUnreachable", effect: "none" });
  });

  it("has no effect where the certificate at the tunnel's end is not trusted", async () => {
    const api = await apiWith("https", reply);
    const proxy = await proxyWith();
    const { endpointUrl } = api.options;
    const error = await failed(change({ endpointUrl, proxy: { url: proxy.url, noProxy: "" } }));
    expect(error).toMatchObject({ code: "CloudUnreachable", effect: "none" });
    expect(api.requests).toHaveLength(0);
  });

  it.each([
    ["http", "breaks", reset],
    ["https", "breaks", reset],
    ["http", "stays silent", hang],
    ["https", "stays silent", hang],
  ] as const)("has an unknown effect where the connection (%s) %s after it was sent", async (...row) => {
    const [scheme, , broken] = row;
    const api = await apiWith(scheme, broken);
    const proxy = await proxyWith();
    const error = await failed(change({ ...api.options, ...SHORT, proxy: { url: proxy.url, noProxy: "" } }));
    expect(error).toMatchObject({ code: "NoAnswer", effect: "unknown" });
    expect(api.requests).toHaveLength(1);
  });

  it("has an unknown effect where a tunnel that is used again breaks", async () => {
    const api = await apiWith("https", reply, reset);
    const proxy = await proxyWith();
    const options = { ...api.options, proxy: { url: proxy.url, noProxy: "" } };
    await change(options);
    expect(await failed(change(options))).toMatchObject({ code: "NoAnswer", effect: "unknown" });
    expect(proxy.targets).toHaveLength(1);
  });

  it("is stopped at the deadline while the proxy is silent, with no effect", async () => {
    const deadline = new AbortController();
    const proxy = await proxyWith({ instead: () => deadline.abort() });
    const error = await failed(change({ signal: deadline.signal, proxy: { url: proxy.url, noProxy: "" } }));
    expect(error).toMatchObject({ code: "InProgress", effect: "none" });
  });
});

describe("AWS", () => {
  it.each([403, 407, 502])("a proxy that answers %i: nothing was sent", async (status) => {
    vi.stubEnv("AWS_ACCESS_KEY_ID", "AKIALOCAL");
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", "local-key");
    onTestFinished(() => void vi.unstubAllEnvs());
    const proxy = await proxyWith({ status });
    const url = proxy.url.replace("//", `//${LOGIN}@`);
    const client = await secretsManagerClient({ region: "us-east-1", proxy: { url, noProxy: "" } });
    onTestFinished(() => client.destroy());

    const error = await failed(awsSecretsManager({ client, clock }).promote("redis", "new", "old"));
    expect(error).toMatchObject({ code: "StoreUnavailable", effect: "none" });
    expect(error.message).toContain(`the proxy answered ${status}: `);
    const { signal } = connection;
    const token = awsIdentityToken({ client, audience: "sts", clock, signal });
    const refused = await failed(token());
    expect(refused).toMatchObject({ code: "CloudUnreachable", effect: "none" });
    expect(`${error.message}${refused.message}`).not.toContain("Pr0xy-secret");
    const hosts = ["secretsmanager", "sts"].map((service) => `${service}.us-east-1.amazonaws.com:443`);
    expect(new Set(proxy.targets)).toEqual(new Set(hosts));
  });
});
