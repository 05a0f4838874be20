import { generate } from "selfsigned";
import * as v from "valibot";
import { describe, expect, it, onTestFinished } from "vitest";
import { createQcloudClient, type QcloudClientOptions } from "../../lib/drivers/qcloud-client.ts";
import { qcloudSignature } from "../../lib/drivers/qcloud-signature.ts";
import { hang, type LoopbackApi, type Reply, reset, serve, startLoopbackApi, text } from "./loopback-api.ts";

const PASSWORD = "@Sent-p&ss/W0rd+%";
const SECRET_KEY = "the-secret-key-of-the-account";
const TOKEN = "the-session-token";

const answer = (fields: Record<string, unknown>): Reply =>
  text(JSON.stringify({ code: 0, message: "", codeDesc: "Success", ...fields }));
const done = answer({ data: { requestId: 11966 } });

function harness(endpointUrl: string | undefined, options: Partial<QcloudClientOptions> = {}) {
  const paces: string[] = [];
  const pausesMs: number[] = [];
  let nowMs = 1_465_185_768_999;
  let drawn = 0;
  const client = createQcloudClient({
    host: "redis.api.qcloud.com",
    endpointUrl,
    credentials: async () => ({ secretId: "AKIDexample", secretKey: SECRET_KEY }),
    signal: new AbortController().signal,
    clock: { now: () => nowMs, sleep: async (durationMs) => void pausesMs.push(durationMs) },
    limiter: async (key) => {
      paces.push(key);
      nowMs += 1_000;
    },
    randomBytes: (size) => new Uint8Array(size).fill(++drawn),
    ...options,
  });
  const data = v.object({ requestId: v.number() });
  const call = { region: "ap-guangzhou", data, secrets: [PASSWORD] };
  return {
    paces,
    pausesMs,
    change: () =>
      client({ ...call, action: "ModfiyRedisPassword", params: { password: PASSWORD }, change: true }),
    read: () => client({ ...call, action: "DescribeTaskInfo", params: { requestId: "1" }, change: false }),
  };
}

const formOf = (api: LoopbackApi, index = 0) =>
  Object.fromEntries(new URLSearchParams(api.requests[index]?.body ?? ""));

describe("a request of API 2.0", () => {
  it("is a form for the real host, whatever address it goes to", async () => {
    const api = await serve(done);
    const { change, paces } = harness(api.url);
    expect(await change()).toEqual({ requestId: 11966 });
    const [request] = api.requests;
    expect(request?.method).toBe("POST");
    expect(request?.headers).toMatchObject({
      host: "redis.api.qcloud.com",
      "content-type": expect.stringMatching(/^application\/x-www-form-urlencoded\b/),
    });
    const { Signature = "", ...params } = formOf(api);
    expect(params).toEqual({
      Action: "ModfiyRedisPassword",
      Region: "ap-guangzhou",
      Timestamp: "1465185769",
      Nonce: String(0x01010101 >>> 1),
      SecretId: "AKIDexample",
      SignatureMethod: "HmacSHA256",
      password: PASSWORD,
    });
    const signed = { method: "POST", host: "redis.api.qcloud.com", path: "/v2/index.php", params } as const;
    expect(Signature).toBe(qcloudSignature(signed, SECRET_KEY));
    expect(paces).toEqual(["ap-guangzhou/ModfiyRedisPassword"]);
  });

  it("is signed by HmacSHA1 where that is asked for", async () => {
    const api = await serve(done);
    await harness(api.url, { signatureMethod: "HmacSHA1" }).read();
    expect(formOf(api)).toMatchObject({
      SignatureMethod: "HmacSHA1",
      Signature: expect.stringMatching(/^.{28}$/),
    });
  });

  it("has a nonce that is positive, whatever is drawn", async () => {
    const api = await serve(done);
    await harness(api.url, { randomBytes: (size) => new Uint8Array(size) }).read();
    await harness(api.url, { randomBytes: (size) => new Uint8Array(size).fill(255) }).read();
    expect([formOf(api, 0).Nonce, formOf(api, 1).Nonce]).toEqual(["1", "2147483647"]);
  });

  it("carries the credentials of its moment, with their token", async () => {
    const api = await serve(done);
    let asked = 0;
    const credentials = async () => ({
      secretId: `AKID${++asked}`,
      secretKey: "key",
      token: `token-${asked}`,
    });
    const { read } = harness(api.url, { credentials });
    await read();
    await read();
    expect(formOf(api, 0)).toMatchObject({ SecretId: "AKID1", Token: "token-1" });
    expect(formOf(api, 1)).toMatchObject({ SecretId: "AKID2", Token: "token-2" });
  });

  it("is not sent without credentials", async () => {
    const api = await serve(done);
    const { change } = harness(api.url, { credentials: async () => ({ secretId: "", secretKey: "" }) });
    await expect(change()).rejects.toMatchObject({ code: "CredentialsMissing", effect: "none" });
    expect(api.requests).toHaveLength(0);
  });

  it("finds the connection of an earlier client again", async () => {
    const api = await serve(done);
    await harness(api.url).read();
    await harness(api.url).read();
    expect(api.requests).toHaveLength(2);
    expect(api.connections()).toBe(1);
  });

  it.each(["http://example.com", "not a url"])("is not made for %s", (endpointUrl) => {
    expect(() => harness(endpointUrl)).toThrow(expect.objectContaining({ code: "ConfigurationInvalid" }));
  });
});

describe("an answer of API 2.0", () => {
  it.each([{ code: "0" }, { message: null, codeDesc: null }, { codeDesc: undefined, message: undefined }])(
    "is taken with %j",
    async (fields) => {
      const api = await serve(answer({ ...fields, data: { requestId: 11966 } }));
      expect(await harness(api.url).change()).toEqual({ requestId: 11966 });
    },
  );

  it.each([
    [10502, "OldPasswordError"],
    ["10502", "OldPasswordError"],
    [5100, "CloudUnavailable"],
    ["-1", "RequestRefused"],
  ])("with the code %j is %s, after one request", async (code, meaning) => {
    const api = await serve(answer({ code, message: "refused", codeDesc: "x", data: { requestId: 1 } }));
    await expect(harness(api.url).change()).rejects.toMatchObject({ code: meaning });
    expect(api.requests).toHaveLength(1);
  });
});

const brokenReplies: readonly (readonly [string, Reply, string])[] = [
  ["a connection reset", reset, "NoAnswer"],
  ["no answer in time", hang, "NoAnswer"],
  ["a body that does not end", (response) => response.writeHead(200).write("{"), "NoAnswer"],
  ["a body that is not JSON", text("<html>oops</html>"), "NoAnswer"],
  ["an empty body", text(""), "NoAnswer"],
  ["{}", text("{}"), "NoAnswer"],
  ["null", text("null"), "NoAnswer"],
  ["a code that is no number", answer({ code: "Success" }), "NoAnswer"],
  ["no data", answer({}), "NoAnswer"],
  ["data of another action", answer({ data: { status: 2 } }), "NoAnswer"],
  ["half a body", text('{"cod', 200, { "Content-Length": "500", Connection: "close" }), "NoAnswer"],
  ["a body without measure", answer({ data: { requestId: 1 }, rest: " ".repeat(300_000) }), "NoAnswer"],
  ["a redirect", text("", 307, { Location: "/v2/index.php" }), "NoAnswer"],
  ["HTTP 500", text("{}", 500), "CloudUnavailable"],
  ["HTTP 404", text("", 404), "CloudUnavailable"],
];

describe("after a broken answer of API 2.0", () => {
  it.each(brokenReplies)(
    "(%s) a change has an unknown effect and is not repeated",
    async (_name, reply, code) => {
      const api = await serve(reply, done);
      const { change, pausesMs } = harness(api.url, { timeoutMs: 400 });
      await expect(change()).rejects.toMatchObject({ code, effect: "unknown" });
      expect(api.requests).toHaveLength(1);
      expect(pausesMs).toEqual([]);
    },
  );

  it.each(brokenReplies)("(%s) a read is repeated", async (_name, reply) => {
    const api = await serve(reply, done);
    expect(await harness(api.url, { timeoutMs: 400 }).read()).toEqual({ requestId: 11966 });
    expect(api.requests).toHaveLength(2);
  });

  it("(HTTP 429) nothing was done", async () => {
    const api = await serve(text("", 429));
    await expect(harness(api.url).change()).rejects.toMatchObject({ code: "Throttled", effect: "none" });
  });

  it("a read gives up after four requests, each of them paced", async () => {
    const api = await serve(answer({ code: 6000 }));
    const { read, paces, pausesMs } = harness(api.url);
    await expect(read()).rejects.toMatchObject({ code: "CloudUnavailable", effect: "none" });
    expect(api.requests).toHaveLength(4);
    expect(paces).toEqual(Array(4).fill("ap-guangzhou/DescribeTaskInfo"));
    expect(pausesMs).toEqual([250, 500, 1000]);
  });

  it("waits for a head and for a body, each as long as it may take", async () => {
    const slow: Reply = (response) => {
      setTimeout(() => response.writeHead(200).flushHeaders(), 300);
      setTimeout(() => response.end('{"code":0,"data":{"requestId":1}}'), 600);
    };
    const api = await serve(slow);
    expect(await harness(api.url, { timeoutMs: 500 }).change()).toEqual({ requestId: 1 });
  });
});

describe("a replay, which is what the API takes the request for,", () => {
  const replayed = answer({ code: 4500, message: "replay" });

  it.each(["change", "read"] as const)("is signed anew and sent again: a %s", async (kind) => {
    const api = await serve(replayed, replayed, done);
    const tried = harness(api.url);
    expect(await tried[kind]()).toEqual({ requestId: 11966 });
    const forms = api.requests.map((_, index) => formOf(api, index));
    for (const name of ["Nonce", "Timestamp", "Signature"]) {
      expect(new Set(forms.map((form) => form[name])).size, name).toBe(3);
    }
    expect(new Set(forms.map(({ Action }) => Action)).size).toBe(1);
    expect(tried.paces).toHaveLength(3);
    expect(tried.pausesMs).toEqual([]);
  });

  it("is told after three requests, with no effect", async () => {
    const api = await serve(replayed);
    await expect(harness(api.url).change()).rejects.toMatchObject({
      code: "CredentialsRejected",
      effect: "none",
      message: "ModfiyRedisPassword: 4500 Success: replay",
    });
    expect(api.requests).toHaveLength(3);
  });

  it("does not make a change be sent again for another reason", async () => {
    const api = await serve(replayed, reset, done);
    await expect(harness(api.url).change()).rejects.toMatchObject({ code: "NoAnswer", effect: "unknown" });
    expect(api.requests).toHaveLength(2);
  });
});

describe("without a connection to API 2.0", () => {
  it("nothing was sent: a refused connection has no effect", async () => {
    const api = await startLoopbackApi([hang]);
    await api.close();
    const { change } = harness(api.url);
    await expect(change()).rejects.toMatchObject({
      code: "CloudUnreachable",
      effect: "none",
      message: "ModfiyRedisPassword: no connection (ECONNREFUSED)",
    });
  });

  it("nothing was sent: a certificate that is not trusted, or not for this host, has no effect", async () => {
    const [own, stranger] = await Promise.all(["127.0.0.1", "redis.api.qcloud.com"].map(certificate));
    const apis = await Promise.all(
      [own, stranger].map((tls) =>
        startLoopbackApi([done], { key: tls?.private ?? "", cert: tls?.cert ?? "" }),
      ),
    );
    onTestFinished(async () => void (await Promise.all(apis.map((api) => api.close()))));
    const [api, other] = apis;
    const unreachable = { code: "CloudUnreachable", effect: "none" };
    await expect(harness(api?.url).change()).rejects.toMatchObject(unreachable);
    await expect(harness(other?.url, { ca: stranger?.cert }).change()).rejects.toMatchObject(unreachable);
    expect(apis.flatMap(({ requests }) => requests)).toHaveLength(0);

    expect(await harness(api?.url, { ca: own?.cert }).change()).toEqual({ requestId: 11966 });
    expect(api?.requests[0]?.headers.host).toBe("redis.api.qcloud.com");
  });
});

function certificate(name: string) {
  const isName = /[a-z]/.test(name);
  const altName = isName ? { type: 2 as const, value: name } : { type: 7 as const, ip: name };
  return generate([{ name: "commonName", value: name }], {
    keySize: 2048,
    extensions: [{ name: "subjectAltName", altNames: [altName] }],
  });
}

describe("the deadline", () => {
  it("ends a change that is under way with an unknown effect, and a read with none", async () => {
    const abort = new AbortController();
    const api = await serve(() => abort.abort());
    const change = harness(api.url, { signal: abort.signal }).change();
    await expect(change).rejects.toMatchObject({ code: "InProgress", effect: "unknown" });

    const abortRead = new AbortController();
    const silent = await serve((response) => {
      response.writeHead(200).write("{");
      abortRead.abort();
    });
    const { read, pausesMs } = harness(silent.url, { signal: abortRead.signal });
    await expect(read()).rejects.toMatchObject({ code: "InProgress", effect: "none" });
    expect(pausesMs).toEqual([]);
  });

  it("that has passed sends nothing", async () => {
    const api = await serve(done);
    const { change } = harness(api.url, { signal: AbortSignal.abort() });
    await expect(change()).rejects.toMatchObject({ code: "InProgress", effect: "none" });
    expect(api.connections()).toBe(0);
  });

  it("is watched by many requests at once without a warning", async () => {
    const warnings: Error[] = [];
    const note = (warning: Error) => void warnings.push(warning);
    process.on("warning", note);
    const api = await serve(done);
    const { read } = harness(api.url);
    await Promise.all(Array.from({ length: 20 }, read));
    process.off("warning", note);
    expect(warnings).toEqual([]);
  });
});

describe("a message about API 2.0", () => {
  it("shows neither the password nor the credentials nor the signature, however the cloud echoes them", async () => {
    const echo: Reply = (response) => {
      const form = new URLSearchParams(api.requests.at(-1)?.body);
      const message = [...form.values(), api.requests.at(-1)?.body, SECRET_KEY].join(" ");
      answer({ code: 4100, message, codeDesc: form.get("Signature") })(response);
    };
    const api = await serve(echo);
    const credentials = async () => ({ secretId: "AKIDexample", secretKey: SECRET_KEY, token: TOKEN });
    const error = await harness(api.url, { credentials })
      .change()
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "AccessDenied", effect: "none" });
    const { message } = error as Error;
    const { Signature = "" } = formOf(api);
    expect(Signature).toHaveLength(44);
    for (const secret of [PASSWORD, SECRET_KEY, TOKEN, "AKIDexample", Signature]) {
      expect(message).not.toContain(secret);
      expect(message).not.toContain(encodeURIComponent(secret));
      expect(message).not.toContain(new URLSearchParams({ x: secret }).toString().slice(2));
    }
    expect((error as Error).cause).toBeUndefined();
  });
});
