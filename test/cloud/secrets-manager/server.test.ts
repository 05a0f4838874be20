import { randomUUID } from "node:crypto";
import {
  CreateSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
} from "@aws-sdk/client-secrets-manager";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createVirtualClock } from "../../fakes/clock.ts";
import { LASTING, type LocalService, startLocalService, TEMPORARY } from "./local-service.ts";

const clock = createVirtualClock({ startMs: Date.now() });
let service: LocalService;
const get = new GetSecretValueCommand({ SecretId: "redis" });

beforeAll(async () => {
  service = await startLocalService(clock);
  for (const store of [service.europe, service.america]) {
    store.call("CreateSecret", { Name: "redis", SecretString: `in ${store.region}` });
  }
});
afterAll(() => service.server.close());

describe("a signature", () => {
  it.each([
    ["a lasting key", LASTING],
    ["a temporary key with its session token", TEMPORARY],
  ])("of %s is accepted", async (_, credentials) => {
    expect((await service.client({ credentials }).send(get)).SecretString).toBe("in eu-west-1");
  });

  it.each([
    ["an unknown key", { ...LASTING, accessKeyId: "AKIDUNKNOWN" }, "UnrecognizedClientException"],
    ["a property of every object", { ...LASTING, accessKeyId: "constructor" }, "UnrecognizedClientException"],
    ["the wrong secret key", { ...LASTING, secretAccessKey: "another" }, "InvalidSignatureException"],
    ["another session token", { ...TEMPORARY, sessionToken: "another" }, "UnrecognizedClientException"],
    [
      "a temporary key without its session token",
      { accessKeyId: TEMPORARY.accessKeyId, secretAccessKey: TEMPORARY.secretAccessKey },
      "UnrecognizedClientException",
    ],
  ])("of %s is refused", async (_, credentials, name) => {
    await expect(service.client({ credentials }).send(get)).rejects.toMatchObject({
      name,
      $metadata: { httpStatusCode: 400, requestId: expect.stringMatching(/./) },
    });
  });

  it("names the region whose store answers", async () => {
    const answer = await service.client({ region: "us-east-1" }).send(get);
    expect(answer.SecretString).toBe("in us-east-1");
  });

  it("for a region without the service is refused", async () => {
    await expect(service.client({ region: "mars-1" }).send(get)).rejects.toMatchObject({
      name: "UnrecognizedClientException",
    });
  });

  it.each([
    ["the body", (signed: Signed) => ({ ...signed, body: signed.body.replace("redis", "other") })],
    [
      "a signed header",
      (signed: Signed) => ({
        ...signed,
        headers: { ...signed.headers, "x-amz-target": "secretsmanager.DescribeSecret" },
      }),
    ],
  ])("does not hold once %s is changed", async (_, change) => {
    const unchanged = await signedRequest();
    expect((await post(unchanged)).status).toBe(200);
    const { status, type } = await post(change(unchanged));
    expect({ status, type }).toEqual({ status: 400, type: "InvalidSignatureException" });
  });

  it("must cover the target header", async () => {
    const signed = await signedRequest();
    const authorization = signed.headers.authorization?.replace(";x-amz-target", "") ?? "";
    expect(await post({ ...signed, headers: { ...signed.headers, authorization } })).toMatchObject({
      type: "InvalidSignatureException",
      message: "These headers must be signed: x-amz-target",
    });
  });

  it("holds for five minutes, and the SDK sets its own clock by the refusal", async () => {
    const ahead = createVirtualClock({ startMs: Date.now() + 290_000 });
    const later = await startLocalService(ahead);
    try {
      later.europe.call("CreateSecret", { Name: "redis", SecretString: "one" });
      await expect(later.client().send(get)).resolves.toBeDefined();
      await ahead.advance(20_000);
      await expect(later.client().send(get)).rejects.toMatchObject({ name: "InvalidSignatureException" });
      await expect(later.client({ maxAttempts: 2 }).send(get)).resolves.toBeDefined();
    } finally {
      await later.server.close();
    }
  });

  it.each([
    [undefined, "MissingAuthenticationTokenException"],
    ["AWS4-HMAC-SHA256 Credential=AKIDEXAMPLELOCAL", "IncompleteSignatureException"],
  ])("is asked for (%s)", async (authorization, type) => {
    const { authorization: _, ...headers } = (await signedRequest()).headers;
    const request = {
      body: "{}",
      headers: authorization === undefined ? headers : { ...headers, authorization },
    };
    expect(await post(request)).toMatchObject({ status: 400, type });
  });
});

describe("a call on the wire", () => {
  it.each([
    ["CreateSecret", "InvalidRequestException"],
    ["PutSecretValue", "InvalidRequestException"],
    ["RotateSecret", "InvalidParameterException"],
  ])("of %s must bring its ClientRequestToken", async (action, type) => {
    const signed = await signedRequest({
      action,
      body: { Name: "redis", SecretId: "redis", SecretString: "x" },
    });
    expect(await post(signed)).toMatchObject({
      type,
      message: "You must provide a ClientRequestToken value. We recommend a UUID-type value.",
    });
  });

  it("of an unknown action is refused", async () => {
    expect(await post(await signedRequest({ action: "Explode" }))).toMatchObject({
      type: "UnknownOperationException",
    });
  });
});

describe("a recorded call", () => {
  it("names the secret and the version, the time, the request, and no value", async () => {
    const token = randomUUID();
    const answer = await service.client().send(
      new PutSecretValueCommand({
        SecretId: service.europe.inspect("redis").arn,
        ClientRequestToken: token,
        SecretString: "a value of its own",
        VersionStages: ["AWSPENDING"],
      }),
    );
    expect(service.europe.calls.at(-1)).toEqual({
      action: "PutSecretValue",
      secretId: "redis",
      versionId: token,
      at: clock.now(),
      requestId: answer.$metadata.requestId,
    });
  });

  it("names the error it was answered with", async () => {
    await expect(service.client().send(new GetSecretValueCommand({ SecretId: "none" }))).rejects.toThrow();
    expect(service.europe.calls.at(-1)).toMatchObject({
      action: "GetSecretValue",
      secretId: "none",
      error: "ResourceNotFoundException",
    });
  });
});

describe("a fault", () => {
  let SecretId: string;
  const put = (abortSignal?: AbortSignal) =>
    service
      .client()
      .send(new PutSecretValueCommand({ SecretId, SecretString: "two" }), abortSignal ? { abortSignal } : {});
  const current = () =>
    service.europe.inspect(SecretId).versions.find(({ stages }) => stages.includes("AWSCURRENT"))?.content;

  beforeEach(async () => {
    SecretId = randomUUID();
    await service.client().send(new CreateSecretCommand({ Name: SecretId, SecretString: "one" }));
  });

  it("answers the next calls of its action with the error it names, and no more", async () => {
    service.europe.failNext("PutSecretValue", { kind: "error", name: "ThrottlingException" }, { times: 2 });
    await expect(service.client().send(new GetSecretValueCommand({ SecretId }))).resolves.toBeDefined();
    for (const _ of [1, 2]) await expect(put()).rejects.toMatchObject({ name: "ThrottlingException" });
    await expect(put()).resolves.toBeDefined();
  });

  it("of the server is retried by the SDK", async () => {
    service.europe.failNext("PutSecretValue", { kind: "status", status: 500 });
    const request = { SecretId, SecretString: "two" };
    await service.client({ maxAttempts: 2 }).send(new PutSecretValueCommand(request));
    expect(current()).toEqual({ SecretString: "two" });
  });

  it.each([
    ["reset before the effect", { kind: "reset" }, "one", /ECONNRESET|socket hang up/],
    ["reset after the effect", { kind: "reset", carriedOut: true }, "two", /ECONNRESET|socket hang up/],
    ["answered with a status before the effect", { kind: "status", status: 503 }, "one", /./],
    [
      "answered with a status after the effect",
      { kind: "status", status: 500, carriedOut: true },
      "two",
      /./,
    ],
  ] as const)("has the call %s", async (_, fault, value, message) => {
    service.europe.failNext("PutSecretValue", fault, { secretId: SecretId });
    await expect(put()).rejects.toThrow(message);
    expect(current()).toEqual({ SecretString: value });
  });

  it("leaves the call without an answer", async () => {
    service.europe.failNext("*", { kind: "hang" });
    await expect(put(AbortSignal.timeout(100))).rejects.toMatchObject({ name: "AbortError" });
    expect(current()).toEqual({ SecretString: "one" });
  });
});

interface Signed {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What the SDK would send: it is stopped at the last step, so that the test can send it itself. */
async function signedRequest({ action = "GetSecretValue", body = { SecretId: "redis" } as object } = {}) {
  const client = service.client();
  let signed: Signed | undefined;
  client.middlewareStack.add(
    (next) => (args) => {
      const request = args.request as { headers: Record<string, string>; body: string };
      request.headers["x-amz-target"] = `secretsmanager.${action}`;
      request.body = JSON.stringify(body);
      request.headers["content-length"] = String(Buffer.byteLength(request.body));
      return next(args);
    },
    { step: "build", priority: "low" },
  );
  client.middlewareStack.add(
    () =>
      async ({ request }) => {
        const { headers, body: sent } = request as { headers: Record<string, string>; body: string };
        signed = { headers, body: sent };
        throw new Error("Stopped before it is sent");
      },
    { step: "deserialize", priority: "low" },
  );
  await client.send(get).catch(() => {});
  if (signed === undefined) throw new Error("The SDK has signed nothing");
  return signed;
}

async function post({ headers, body }: Signed) {
  const { host: _, "content-length": __, ...rest } = headers;
  const response = await fetch(service.server.url, { method: "POST", headers: rest, body });
  const answer = (await response.json()) as { __type?: string; Message?: string };
  return { status: response.status, type: answer.__type, message: answer.Message };
}
