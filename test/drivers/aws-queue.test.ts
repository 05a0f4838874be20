import { randomUUID } from "node:crypto";
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { afterEach, describe, expect, it } from "vitest";
import { type AwsQueueOptions, awsQueue } from "../../lib/drivers/aws-queue.ts";
import { AwsApiError } from "../cloud/secrets-manager/aws-api-error.ts";
import { createSqs } from "../cloud/sqs/model.ts";
import { startSqs } from "../cloud/sqs/server.ts";
import { failed } from "./local-secret.ts";
import { hang, type Reply, reset, startLoopbackApi, text } from "./loopback-api.ts";

const REGION = "eu-west-1";
const NOW = Date.UTC(2026, 0, 1);
const CREDENTIALS = {
  accessKeyId: "ASIAEXAMPLELOCAL",
  secretAccessKey: "local-secret-access-key",
  sessionToken: "local-session-token",
};
const QUEUE_URL = `https://sqs.${REGION}.amazonaws.com/123456789012/fleet`;

const opened: { close(): Promise<unknown> }[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((server) => server.close()));
});

function handOverTo(endpointUrl: string | undefined, differs: Partial<AwsQueueOptions> = {}) {
  const pausesMs: number[] = [];
  const handOver = awsQueue({
    client: new SecretsManagerClient({ region: REGION, credentials: CREDENTIALS, maxAttempts: 1 }),
    queueUrl: QUEUE_URL,
    endpointUrl,
    clock: { now: () => NOW, sleep: async (ms) => void pausesMs.push(ms) },
    signal: new AbortController().signal,
    ...differs,
  });
  return { handOver, pausesMs };
}

async function local(maySend = true) {
  const clock = { now: () => NOW, sleep: async () => {} };
  const sqs = createSqs({ clock, newId: randomUUID, region: REGION, queues: [{ name: "fleet" }] });
  const { accessKeyId, ...key } = CREDENTIALS;
  const server = await startSqs({
    clock,
    newId: randomUUID,
    keys: { [accessKeyId]: { ...key, maySend } },
    sqs,
  });
  opened.push(server);
  return { sqs, url: server.url };
}

async function replying(...replies: Reply[]) {
  const api = await startLoopbackApi(replies);
  opened.push(api);
  return api;
}

const secrets = (count: number) => Array.from({ length: count }, (_, index) => `redis/fleet-${index}`);
const bodyOf = (secret: string) => `{"action":"rotate","secrets":["${secret}"]}`;

describe("awsQueue", () => {
  it.each([
    [0, []],
    [1, [1]],
    [10, [10]],
    [25, [10, 10, 5]],
  ])("hands %i secrets over, each in a message of its own, at most ten a call", async (count, batches) => {
    const { sqs, url } = await local();
    const ids: string[] = [];
    await handOverTo(url, { onAnswer: (id) => ids.push(id) }).handOver(secrets(count));
    expect(sqs.bodies("fleet").sort()).toEqual(secrets(count).map(bodyOf).sort());
    expect([...sqs.batches].sort()).toEqual([...batches].sort());
    expect(ids).toHaveLength(batches.length);
  });

  it("has no more calls under way than it is told", async () => {
    const answered = JSON.stringify({ Successful: secrets(10).map((_, index) => ({ Id: `${index}` })) });
    let [underWay, most, calls] = [0, 0, 0];
    const handle = async () => {
      calls += 1;
      underWay += 1;
      most = Math.max(most, underWay);
      await new Promise(setImmediate);
      underWay -= 1;
      return { response: { statusCode: 200, headers: {}, body: [Buffer.from(answered)] } };
    };
    const client = new SecretsManagerClient({
      region: REGION,
      credentials: CREDENTIALS,
      requestHandler: { handle } as never,
    });
    await handOverTo(undefined, { client, concurrency: 2 }).handOver(secrets(80));
    expect([calls, most]).toEqual([8, 2]);
  });

  it("leaves the client as it is: it still signs for Secrets Manager", async () => {
    const { url } = await local();
    const client = new SecretsManagerClient({ region: "us-east-1", credentials: CREDENTIALS });
    await handOverTo(url, { client }).handOver(["redis/orders"]);
    expect(client.config).toMatchObject({ signingName: "secretsmanager", signingRegion: "us-east-1" });
  });

  it.each([
    ["https://sqs.eu-west-1.amazonaws.com/123456789012/fleet", "eu-west-1"],
    ["https://sqs-fips.us-west-2.amazonaws.com/123456789012/fleet", "us-west-2"],
    ["https://sqs.cn-north-1.amazonaws.com.cn/123456789012/fleet", "cn-north-1"],
    ["https://queue.internal.example/123456789012/fleet", "eu-west-1"],
  ])("asks the host of %s, signed for %s", async (queueUrl, region) => {
    const asked: unknown[] = [];
    const handle = async (request: { hostname: string; path: string; headers: Record<string, string> }) => {
      const [, scope] = /Credential=[^/]+\/\d+\/([^,]+),/.exec(request.headers.authorization ?? "") ?? [];
      asked.push([request.hostname, request.path, scope]);
      throw Object.assign(new Error(), { code: "ENOTFOUND" });
    };
    const client = new SecretsManagerClient({
      region: REGION,
      credentials: CREDENTIALS,
      requestHandler: { handle } as never,
    });
    const error = await failed(handOverTo(undefined, { client, queueUrl }).handOver(["a"]));
    expect(error).toMatchObject({ code: "CloudUnreachable" });
    expect(asked[0]).toEqual([new URL(queueUrl).hostname, "/", `${region}/sqs/aws4_request`]);
  });

  it("sends again what was not taken, and only that", async () => {
    const { sqs, url } = await local();
    sqs.failEntries("fleet-3", { code: "InternalError", senderFault: false }, 2);
    sqs.failEntries("fleet-12", { code: "InternalError", senderFault: false });
    const { handOver, pausesMs } = handOverTo(url);
    await handOver(secrets(13));
    expect(sqs.bodies("fleet").sort()).toEqual(secrets(13).map(bodyOf).sort());
    expect([...sqs.batches].sort((a, b) => a - b)).toEqual([1, 1, 1, 3, 10]);
    expect(pausesMs.sort()).toEqual([250, 250, 500]);
  });

  it("says how many were not taken where that does not end, and hands the others over", async () => {
    const { sqs, url } = await local();
    sqs.failEntries("fleet-3", { code: "InternalError", senderFault: false }, 9);
    sqs.failEntries("fleet-17", { code: "InternalError", senderFault: false }, 9);
    const { handOver, pausesMs } = handOverTo(url);
    const error = await failed(handOver(secrets(25)));
    expect(error).toMatchObject({ code: "CloudUnavailable", effect: "none" });
    expect(error.message).toMatch(
      /^2 of 25 secrets were not handed over: .*\/fleet .*: InternalError for a message$/,
    );
    expect(sqs.bodies("fleet")).toHaveLength(23);
    expect(pausesMs.sort()).toEqual([1_000, 1_000, 250, 250, 500, 500]);
  });

  it("does not send again what the service calls our fault", async () => {
    const { sqs, url } = await local();
    sqs.failEntries("fleet-3", { code: "InvalidMessageContents", senderFault: true });
    const { handOver, pausesMs } = handOverTo(url);
    const error = await failed(handOver(secrets(5)));
    expect(error).toMatchObject({ code: "RequestRefused", effect: "none" });
    expect(error.message).toMatch(/^1 of 5 secrets .*InvalidMessageContents/);
    expect(pausesMs).toEqual([]);
  });

  it("says what to grant where it may not send, and asks once", async () => {
    const { url } = await local(false);
    const { handOver, pausesMs } = handOverTo(url);
    const error = await failed(handOver(secrets(3)));
    expect(error).toMatchObject({ code: "AccessDenied", effect: "none" });
    expect(error.requestId).toMatch(/^[\w-]{36}$/);
    expect(error.message).toMatch(
      /^3 of 3 .*queue 123456789012\/fleet .*sqs:sendmessage on resource.*; grant the function's role sqs:SendMessage on the queue$/,
    );
    expect(pausesMs).toEqual([]);
  });

  it.each([
    ["another secret key", { credentials: { ...CREDENTIALS, secretAccessKey: "another" } }],
    ["an unknown key", { credentials: { ...CREDENTIALS, accessKeyId: "AKIAUNKNOWN" } }],
    ["no session token", { credentials: { ...CREDENTIALS, sessionToken: "" } }],
  ])("is refused with %s", async (_, differs) => {
    const { sqs, url } = await local();
    const client = new SecretsManagerClient({ region: REGION, ...differs });
    const error = await failed(handOverTo(url, { client }).handOver(["a"]));
    expect(error).toMatchObject({ code: "CredentialsRejected" });
    expect(sqs.bodies("fleet")).toEqual([]);
  });

  it.each([
    ["com.amazonaws.sqs#QueueDoesNotExist", 400, "ConfigurationInvalid"],
    ["com.amazonaws.sqs#KmsAccessDenied", 400, "AccessDenied"],
    ["ExpiredTokenException", 400, "CredentialsRejected"],
    ["Unheard", 400, "RequestRefused"],
  ])("says %s once", async (name, status, code) => {
    const { sqs, url } = await local();
    sqs.failNext(new AwsApiError(name, "Made to fail.", status));
    const error = await failed(handOverTo(url).handOver(["a"]));
    expect(error).toMatchObject({ code, effect: "none" });
    expect(error.message).toContain(name.replace(/.*#/, ""));
  });

  it.each([
    ["RequestThrottled", 403, "Throttled"],
    ["ThrottlingException", 400, "Throttled"],
    ["Unheard", 429, "Throttled"],
    ["ServiceUnavailable", 503, "CloudUnavailable"],
  ])("sends again while the answer is %s, HTTP %i", async (name, status, code) => {
    const { sqs, url } = await local();
    sqs.failNext(new AwsApiError(name, "Made to fail.", status));
    await handOverTo(url).handOver(["a"]);
    expect(sqs.bodies("fleet")).toEqual([bodyOf("a")]);

    for (let call = 0; call < 4; call += 1) sqs.failNext(new AwsApiError(name, "Made to fail.", status));
    const { handOver, pausesMs } = handOverTo(url);
    expect(await failed(handOver(["a"]))).toMatchObject({ code });
    expect(pausesMs).toEqual([250, 500, 1_000]);
  });

  it.each([
    ["a reset connection", reset],
    ["no JSON", text("<html></html>")],
    ["another JSON", text('{"Successful":[{"Id":0}]}')],
    ["an endless answer", text("x".repeat(100_000))],
  ])("sends again where the answer is %s: twice is harmless", async (_, reply) => {
    const api = await replying(reply, text('{"Successful":[{"Id":"0"}]}'));
    await handOverTo(api.url).handOver(["a"]);
    expect(api.requests).toHaveLength(2);
  });

  it.each(['{"Successful":[{"Id":"1"}]}', '{"Successful":[{"Id":"1"}],"Failed":[]}', "{}"])(
    "takes nothing for taken that no word is said of: %s",
    async (answered) => {
      const api = await replying(text(answered));
      const error = await failed(handOverTo(api.url).handOver(["a", "b", "c"]));
      expect(error).toMatchObject({ code: "CloudUnavailable", message: expect.stringMatching(/no word/) });
      expect(api.requests).toHaveLength(4);
    },
  );

  it("stops at the deadline", async () => {
    const api = await replying(hang);
    const { handOver, pausesMs } = handOverTo(api.url, { signal: AbortSignal.timeout(50) });
    expect(await failed(handOver(["a"]))).toMatchObject({ code: "InProgress", effect: "none" });
    expect(pausesMs).toEqual([]);
  });

  it.each([
    [{ queueUrl: "fleet" }, /The queue's URL/],
    [{ endpointUrl: "sqs" }, /AWS_ENDPOINT_URL_SQS/],
  ])("refuses what is no URL: %j", (differs, message) => {
    expect(() => handOverTo(undefined, differs)).toThrow(message);
  });

  it("does not tell what quotes the request", async () => {
    const quoted = `The canonical string was 'x-amz-security-token:${CREDENTIALS.sessionToken}'`;
    const { sqs, url } = await local();
    sqs.failNext(new AwsApiError("InvalidSignatureException", quoted, 403));
    const error = await failed(handOverTo(url).handOver(["a"]));
    expect(error).toMatchObject({ code: "CredentialsRejected" });
    expect([error.cause, error.message.includes(CREDENTIALS.sessionToken)]).toEqual([undefined, false]);
  });
});
