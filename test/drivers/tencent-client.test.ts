import { generate } from "selfsigned";
import * as v from "valibot";
import { describe, expect, it, onTestFinished } from "vitest";
import { createTencentClient, type TencentClientOptions } from "../../lib/drivers/tencent-client.ts";
import { REDIS_API_ERRORS } from "../../lib/drivers/tencent-errors.ts";
import { tencentHost } from "../../lib/drivers/tencent-route.ts";
import { answer, apiError, hang, type Reply, reset, serve, startLoopbackApi, text } from "./loopback-api.ts";

const PASSWORD = "Sent-p@ss/W0rd";
const SECRET_KEY = "the-secret-key-of-the-account";

function harness(endpointUrl: string, options: Partial<TencentClientOptions> = {}) {
  const paces: string[] = [];
  const pausesMs: number[] = [];
  const client = createTencentClient({
    service: "redis",
    version: "2018-04-12",
    region: "ap-guangzhou",
    errors: REDIS_API_ERRORS,
    endpointUrl,
    credentials: async () => ({ secretId: "AKIDexample", secretKey: SECRET_KEY }),
    signal: new AbortController().signal,
    clock: {
      now: () => 0,
      sleep: async (durationMs) => void pausesMs.push(durationMs),
    },
    limiter: async (key) => void paces.push(key),
    ...options,
  });
  const shape = v.object({ TaskId: v.number() });
  return {
    paces,
    pausesMs,
    change: () =>
      client({
        action: "ResetPassword",
        params: { InstanceId: "crs-5a4py64p", Password: PASSWORD },
        answer: shape,
        change: true,
        secrets: [PASSWORD],
      }),
    read: () => client({ action: "DescribeTaskInfo", params: { TaskId: 1 }, answer: shape, change: false }),
  };
}

describe("tencentHost", () => {
  it.each([
    ["redis", "ap-guangzhou", undefined, "redis.tencentcloudapi.com"],
    ["ssm", "eu-frankfurt", undefined, "ssm.tencentcloudapi.com"],
    ["redis", "ap-singapore", "intl", "redis.intl.tencentcloudapi.com"],
    ["redis", "ap-shanghai-fsi", undefined, "redis.ap-shanghai-fsi.tencentcloudapi.com"],
    ["ssm", "ap-beijing-fsi", undefined, "ssm.ap-beijing-fsi.tencentcloudapi.com"],
    ["redis", "ap-shenzhen-fsi", "intl", "redis.ap-shenzhen-fsi.tencentcloudapi.com"],
  ] as const)("of %s in %s on site %s is %s", (service, region, site, host) => {
    expect(tencentHost({ service, region, site })).toBe(host);
  });

  it.each(["", "guangzhou", "evil.example/x-fsi", "evil.example#-fsi", "ap-guangzhou\n", "AP-GUANGZHOU"])(
    "refuses a region that is none: %j",
    (region) => {
      expect(() => tencentHost({ service: "redis", region })).toThrow(
        expect.objectContaining({ code: "ConfigurationInvalid", effect: "none" }),
      );
    },
  );
});

describe("the endpoint URL", () => {
  it.each([
    "not a url",
    "http://example.com",
    "http://128.0.0.1",
    "http://127.example.com",
    "http://[::2]:80",
    "ftp://127.0.0.1",
    "https://user:word@127.0.0.1",
    "https://127.0.0.1/path",
    "https://127.0.0.1/?query",
  ])("is refused: %s", (endpointUrl) => {
    expect(() => harness(endpointUrl)).toThrow(expect.objectContaining({ code: "ConfigurationInvalid" }));
  });

  it.each([
    "http://127.8.9.1:4100",
    "http://[::1]:4100",
    "http://localhost:4100",
    "https://example.com:8443/",
  ])("is taken: %s", (endpointUrl) => {
    expect(() => harness(endpointUrl)).not.toThrow();
  });
});

describe("a request", () => {
  it("is a signed POST for the real host, whatever address it goes to", async () => {
    const api = await serve(answer({ TaskId: 16657 }));
    const { change, paces } = harness(api.url, { region: "ap-shanghai-fsi" });
    expect(await change()).toEqual({ TaskId: 16657 });
    const [request] = api.requests;
    expect(request?.method).toBe("POST");
    expect(request?.headers).toMatchObject({
      host: "redis.ap-shanghai-fsi.tencentcloudapi.com",
      "x-tc-action": "ResetPassword",
      "x-tc-version": "2018-04-12",
      "x-tc-region": "ap-shanghai-fsi",
      authorization: expect.stringMatching(
        /^TC3-HMAC-SHA256 Credential=AKIDexample\/[\d-]+\/redis\/tc3_request, /,
      ),
    });
    expect(request?.headers).not.toHaveProperty("x-tc-token");
    expect(JSON.parse(request?.body ?? "")).toEqual({ InstanceId: "crs-5a4py64p", Password: PASSWORD });
    expect(paces).toEqual(["ap-shanghai-fsi/ResetPassword"]);
  });

  it("is made for any service and version", async () => {
    const api = await serve(answer({ TaskId: 1 }));
    await harness(api.url, { service: "ssm", version: "2019-09-23", site: "intl" }).read();
    expect(api.requests[0]?.headers).toMatchObject({
      host: "ssm.intl.tencentcloudapi.com",
      "x-tc-version": "2019-09-23",
      authorization: expect.stringContaining("/ssm/tc3_request"),
    });
  });

  it("carries the credentials of its moment, with their token", async () => {
    const api = await serve(answer({ TaskId: 1 }));
    let asked = 0;
    const credentials = async () => ({
      secretId: `AKID${++asked}`,
      secretKey: "key",
      token: `token-${asked}`,
    });
    const { read } = harness(api.url, { credentials });
    await read();
    await read();
    expect(api.requests.map(({ headers }) => headers["x-tc-token"])).toEqual(["token-1", "token-2"]);
    expect(api.requests[1]?.headers.authorization).toContain("Credential=AKID2/");
  });

  it.each([
    { secretId: "", secretKey: "key" },
    { secretId: "AKID", secretKey: "" },
    { secretId: "AKID", secretKey: "key\n" },
    { secretId: "AKID\r\nX-Header: 1", secretKey: "key" },
    { secretId: "AKID", secretKey: "key", token: "to ken" },
    {} as { secretId: string; secretKey: string },
  ])("is not sent with credentials like %j", async (given) => {
    const api = await serve(answer({ TaskId: 1 }));
    const { change } = harness(api.url, { credentials: async () => given });
    await expect(change()).rejects.toMatchObject({ code: "CredentialsMissing", effect: "none" });
    expect(api.requests).toHaveLength(0);
  });

  it("finds the connection of an earlier client again", async () => {
    const api = await serve(answer({ TaskId: 1 }));
    await harness(api.url).read();
    await harness(api.url).read();
    expect(api.requests).toHaveLength(2);
    expect(api.connections()).toBe(1);
  });
});

const brokenReplies: readonly (readonly [string, Reply, string])[] = [
  ["a connection reset", reset, "NoAnswer"],
  ["no answer in time", hang, "NoAnswer"],
  ["a body that is not JSON", text("<html>oops</html>"), "NoAnswer"],
  ["an empty body", text(""), "NoAnswer"],
  ["{}", text("{}"), "NoAnswer"],
  ["null", text("null"), "NoAnswer"],
  ["a Response that is text", text('{"Response":"done"}'), "NoAnswer"],
  ["an error without a code", text('{"Response":{"Error":{}}}'), "NoAnswer"],
  ["fields of another action", answer({ TaskId: "soon" }), "NoAnswer"],
  ["a stream of events", text("data: {}\n\n", 200, { "Content-Type": "text/event-stream" }), "NoAnswer"],
  ["half a body", text('{"Resp', 200, { "Content-Length": "500", Connection: "close" }), "NoAnswer"],
  ["a redirect to nowhere", text("", 302), "CloudUnavailable"],
  ["HTTP 500", text("{}", 500), "CloudUnavailable"],
  ["HTTP 503", text("", 503), "CloudUnavailable"],
];

describe("after a broken answer", () => {
  it.each(brokenReplies)(
    "(%s) a change has an unknown effect and is not repeated",
    async (_name, reply, code) => {
      const api = await serve(reply);
      const { change, pausesMs } = harness(api.url, { timeoutMs: 400 });
      await expect(change()).rejects.toMatchObject({ code, effect: "unknown" });
      expect(api.requests).toHaveLength(1);
      expect(pausesMs).toEqual([]);
    },
  );

  it.each(brokenReplies)("(%s) a read is repeated", async (_name, reply) => {
    const api = await serve(reply, answer({ TaskId: 1 }));
    const { read } = harness(api.url, { timeoutMs: 400 });
    expect(await read()).toEqual({ TaskId: 1 });
    expect(api.requests).toHaveLength(2);
  });

  it("a change on a kept connection that breaks has an unknown effect", async () => {
    const api = await serve(answer({ TaskId: 1 }), reset);
    const { read, change } = harness(api.url);
    await read();
    await expect(change()).rejects.toMatchObject({ code: "NoAnswer", effect: "unknown" });
    expect(api.connections()).toBe(1);
  });
});

describe("a read", () => {
  it("gives up after four requests, each of them paced, with longer and longer pauses", async () => {
    const api = await serve(apiError("InternalError"));
    const { read, paces, pausesMs } = harness(api.url);
    await expect(read()).rejects.toMatchObject({ code: "CloudUnavailable", effect: "none" });
    expect(api.requests).toHaveLength(4);
    expect(paces).toEqual(Array(4).fill("ap-guangzhou/DescribeTaskInfo"));
    expect(pausesMs).toEqual([250, 500, 1000]);
  });

  it("that is refused for good is not repeated", async () => {
    const api = await serve(apiError("UnauthorizedOperation"));
    await expect(harness(api.url).read()).rejects.toMatchObject({ code: "AccessDenied" });
    expect(api.requests).toHaveLength(1);
  });
});

describe("without a connection", () => {
  it("nothing was sent: a refused connection has no effect", async () => {
    const api = await startLoopbackApi([hang]);
    await api.close();
    await expect(harness(api.url).change()).rejects.toMatchObject({
      code: "CloudUnreachable",
      effect: "none",
    });
    await expect(harness(api.url).change()).rejects.toThrow("ResetPassword: no connection (ECONNREFUSED)");
  });

  it("nothing was sent: a certificate that is not trusted, or not for this host, has no effect", async () => {
    const tls = await certificate("127.0.0.1");
    const stranger = await certificate("localhost");
    const api = await startLoopbackApi([answer({ TaskId: 1 })], { key: tls.private, cert: tls.cert });
    const other = await startLoopbackApi([answer({ TaskId: 1 })], {
      key: stranger.private,
      cert: stranger.cert,
    });
    onTestFinished(async () => void (await Promise.all([api.close(), other.close()])));

    const unreachable = { code: "CloudUnreachable", effect: "none" };
    await expect(harness(api.url).change()).rejects.toMatchObject(unreachable);
    await expect(harness(other.url, { ca: stranger.cert }).change()).rejects.toMatchObject(unreachable);
    expect([...api.requests, ...other.requests]).toHaveLength(0);

    expect(await harness(api.url, { ca: tls.cert }).change()).toEqual({ TaskId: 1 });
    expect(api.requests[0]?.headers.host).toBe("redis.tencentcloudapi.com");
  });
});

function certificate(name: string) {
  const altName = name === "localhost" ? { type: 2 as const, value: name } : { type: 7 as const, ip: name };
  return generate([{ name: "commonName", value: name }], {
    keySize: 2048,
    extensions: [{ name: "subjectAltName", altNames: [altName] }],
  });
}

describe("a redirect", () => {
  it.each([301, 302, 303, 307, 308])("%i to another host is not followed", async (status) => {
    const other = await serve(answer({ TaskId: 1 }));
    const api = await serve(text("", status, { Location: other.url }));
    await expect(harness(api.url).change()).rejects.toMatchObject({ code: "NoAnswer", effect: "unknown" });
    expect(api.requests).toHaveLength(1);
    expect(other.connections()).toBe(0);
  });

  it.each([302, 303, 307, 308])("%i to the same address is not followed", async (status) => {
    const api = await serve(text("", status, { Location: "/" }), answer({ TaskId: 1 }));
    await expect(harness(api.url).change()).rejects.toThrow("a redirect was answered and not followed");
    expect(api.requests).toHaveLength(1);
  });
});

describe("the deadline", () => {
  it("is watched by many requests at once without a warning", async () => {
    const warnings: Error[] = [];
    const note = (warning: Error) => void warnings.push(warning);
    process.on("warning", note);
    const api = await serve(answer({ TaskId: 1 }));
    const { change } = harness(api.url);
    await Promise.all(Array.from({ length: 20 }, change));
    process.off("warning", note);
    expect(warnings).toEqual([]);
  });

  it("ends a change that is under way with an unknown effect, and a read with none", async () => {
    const abort = new AbortController();
    const api = await serve(() => abort.abort());
    const change = harness(api.url, { signal: abort.signal }).change();
    await expect(change).rejects.toMatchObject({ code: "InProgress", effect: "unknown" });

    const abortRead = new AbortController();
    const silent = await serve(() => abortRead.abort());
    const { read, pausesMs } = harness(silent.url, { signal: abortRead.signal });
    await expect(read()).rejects.toMatchObject({ code: "InProgress", effect: "none" });
    expect(pausesMs).toEqual([]);
  });

  it("that has passed sends nothing", async () => {
    const api = await serve(answer({ TaskId: 1 }));
    const { change } = harness(api.url, { signal: AbortSignal.abort() });
    await expect(change()).rejects.toMatchObject({ code: "InProgress", effect: "none" });
    expect(api.connections()).toBe(0);
  });
});

describe("a message", () => {
  it("shows neither the password nor the credentials, however the cloud echoes them", async () => {
    const credentials = async () => ({
      secretId: "AKIDexample",
      secretKey: SECRET_KEY,
      token: "the-session-token",
    });
    const echo = [
      PASSWORD,
      encodeURIComponent(PASSWORD),
      SECRET_KEY,
      "AKIDexample",
      "the-session-token",
    ].join(" | ");
    const api = await serve(apiError("InvalidParameterValue.PasswordRuleError", echo));
    const error = await harness(api.url, { credentials })
      .change()
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: "PasswordRefused",
      effect: "none",
      requestId: "request-1",
      message:
        "ResetPassword: InvalidParameterValue.PasswordRuleError: *** | *** | *** | *** | *** (RequestId request-1)",
    });
  });
});
