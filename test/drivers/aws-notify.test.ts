import { randomUUID } from "node:crypto";
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { afterEach, describe, expect, it } from "vitest";
import { awsEventBus } from "../../lib/drivers/aws-event-bus.ts";
import { awsTopic } from "../../lib/drivers/aws-topic.ts";
import type { Notify } from "../../lib/notification.ts";
import { startEventBuses } from "../cloud/notifications/event-bus.ts";
import { startSns } from "../cloud/notifications/sns.ts";
import { AT, notificationWith, REQUEST_ID } from "../fakes/notification.ts";
import { failed } from "./local-secret.ts";
import { type Reply, reset, serve, text } from "./loopback-api.ts";

const REGION = "eu-west-1";
const TOPIC = `arn:aws:sns:${REGION}:123456789012:redis-rotation`;
const CLOCK = { now: () => AT, sleep: async () => {} };
const CREDENTIALS = {
  accessKeyId: "ASIAEXAMPLELOCAL",
  secretAccessKey: "local-secret-access-key",
  sessionToken: "local-session-token",
};
const { accessKeyId, ...KEY } = CREDENTIALS;

const opened: { close(): Promise<unknown> }[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((server) => server.close()));
});

function options(allows: readonly string[] = ["sns:Publish", "events:PutEvents"]) {
  const keys = { [accessKeyId]: { ...KEY, allows } };
  return {
    clock: CLOCK,
    newId: randomUUID,
    keys,
    region: REGION,
    topicArns: [TOPIC],
    buses: ["default", "ops"],
  };
}

const client = (requestHandler?: object) =>
  new SecretsManagerClient({
    region: REGION,
    credentials: CREDENTIALS,
    maxAttempts: 1,
    ...(requestHandler && { requestHandler: requestHandler as never }),
  });
const common = (endpointUrl: string | undefined, requestHandler?: object) => ({
  client: client(requestHandler),
  endpointUrl,
  clock: CLOCK,
  signal: new AbortController().signal,
});
const topicAt = (url: string | undefined, topicArn = TOPIC, handler?: object) =>
  awsTopic({ ...common(url, handler), topicArn });
const busAt = (url: string | undefined, eventBus = "ops", handler?: object) =>
  awsEventBus({ ...common(url, handler), eventBus });

async function sns(allows?: readonly string[]) {
  const server = await startSns(options(allows));
  opened.push(server);
  return server;
}

async function buses(allows?: readonly string[]) {
  const server = await startEventBuses(options(allows));
  opened.push(server);
  return server;
}

describe("a topic of SNS", () => {
  it("gets one message: a text for mail, JSON for all others", async () => {
    const server = await sns();
    const notification = notificationWith({});
    await topicAt(server.url)(notification);
    const subject = "Redis rotation: 1 failed (redis-rotation-prod)";
    expect(server.published).toEqual([
      {
        topicArn: TOPIC,
        subject,
        message: { default: JSON.stringify(notification), email: expect.anything(), sms: subject },
      },
    ]);
    for (const part of ["redis/orders", "PasswordRefused", REQUEST_ID]) {
      expect(server.published[0]?.message.email).toContain(part);
    }
  });

  it("takes the longest notification that there can be, under a subject of 100 characters", async () => {
    const server = await sns();
    const error = { code: "PasswordRefused", message: '"\\界'.repeat(300), effect: "none" } as const;
    const many = Array.from({ length: 90 }, (_, index) => ({
      secretId: `${index}${'"界'.repeat(256)}`,
      error,
    }));
    await topicAt(server.url)({ ...notificationWith(...many), function: "redis-rotation".repeat(20) });
    expect(server.published.map(({ subject }) => subject?.length)).toEqual([100]);
  });
});

describe("a bus of EventBridge", () => {
  it.each([
    ["ops", "ops"],
    [`arn:aws:events:${REGION}:123456789012:event-bus/ops`, "ops"],
    ["default", "default"],
  ])("%s gets one event with the notification as its detail", async (eventBus, bus) => {
    const server = await buses();
    const notification = notificationWith({});
    await busAt(server.url, eventBus)(notification);
    const detail = JSON.parse(JSON.stringify(notification));
    expect(server.events).toEqual([
      { bus, source: "redis-rotation", detailType: "Redis Rotation Problem", detail },
    ]);
  });

  it.each([
    ["InternalFailure", "CloudUnavailable"],
    ["ThrottlingException", "Throttled"],
    ["NotAuthorizedForSourceException", "AccessDenied"],
    ["MalformedDetail", "RequestRefused"],
  ])("that answers 200 and has failed with %s has not taken it: %s", async (name, code) => {
    const server = await buses();
    server.failNextEntry(name, "It was not taken.");
    const error = await failed(busAt(server.url)(notificationWith({})));
    expect(error).toMatchObject({ code, effect: "none" });
    expect(error.message).toContain(name);
    expect(server.events).toEqual([]);
  });
});

const BOTH: readonly (readonly [string, (url: string | undefined, handler?: object) => Notify])[] = [
  ["sns", (url, handler) => topicAt(url, TOPIC, handler)],
  ["events", (url, handler) => busAt(url, "ops", handler)],
];

describe.each(BOTH)("%s", (service, notifierAt) => {
  const say = (status: number, name: string, message = "No.") =>
    service === "sns"
      ? text(
          `<ErrorResponse><Error><Code>${name}</Code><Message>${message}</Message></Error></ErrorResponse>`,
          status,
        )
      : text(JSON.stringify({ __type: `com.amazonaws#${name}`, message }), status);

  it("says which action is to be granted where it is denied", async () => {
    const { url } = service === "sns" ? await sns([]) : await buses([]);
    const error = await failed(notifierAt(url)(notificationWith({})));
    expect(error).toMatchObject({ code: "AccessDenied", effect: "none" });
    expect(error.message).toMatch(
      /grant the function's role (sns:Publish on the topic|events:PutEvents on the bus)$/,
    );
  });

  it.each<[string, Reply, string]>([
    ["a key that is not known", say(403, "InvalidClientTokenId"), "CredentialsRejected"],
    ["a signature that is not good", say(403, "SignatureDoesNotMatch"), "CredentialsRejected"],
    [
      "what is not there",
      say(404, service === "sns" ? "NotFound" : "ResourceNotFoundException"),
      "ConfigurationInvalid",
    ],
    ["too many calls", say(400, service === "sns" ? "Throttled" : "ThrottlingException"), "Throttled"],
    ["a key of KMS that it may not use", say(400, "KMSAccessDenied"), "AccessDenied"],
    ["a parameter", say(400, "InvalidParameter"), "RequestRefused"],
    ["a failure of its own", text("<html>", 503), "CloudUnavailable"],
    ["an answer that is none", text("{}"), "NoAnswer"],
    ["a connection that breaks", reset, "NoAnswer"],
  ])("is answered %s", async (_, reply, code) => {
    const { url } = await serve(reply);
    expect(await failed(notifierAt(url)(notificationWith({})))).toMatchObject({ code, effect: "none" });
  });

  it("quotes no signature", async () => {
    const quoted = "The request signature AWS4-HMAC-SHA256 local-session-token does not match";
    const { url } = await serve(say(403, "SignatureDoesNotMatch", quoted));
    expect((await failed(notifierAt(url)(notificationWith({})))).message).not.toContain(
      "local-session-token",
    );
  });

  it("is asked in its own region, where the ARN says one, or else in the client's", async () => {
    const asked: unknown[] = [];
    const handle = async (request: { hostname: string; headers: Record<string, string> }) => {
      const [, scope] = /Credential=[^/]+\/\d+\/([^,]+),/.exec(request.headers.authorization ?? "") ?? [];
      asked.push(`${request.hostname} ${scope}`);
      throw Object.assign(new Error(), { code: "ENOTFOUND" });
    };
    const cn = "arn:aws-cn:X:cn-north-1:123456789012:";
    const there =
      service === "sns"
        ? topicAt(undefined, `${cn}ops`.replace("X", "sns"), { handle })
        : busAt(undefined, `${cn}event-bus/ops`.replace("X", "events"), { handle });
    for (const notify of [notifierAt(undefined, { handle }), there]) {
      expect(await failed(notify(notificationWith({})))).toMatchObject({ code: "CloudUnreachable" });
    }
    expect(asked).toEqual([
      `${service}.${REGION}.amazonaws.com ${REGION}/${service}/aws4_request`,
      `${service}.cn-north-1.amazonaws.com.cn cn-north-1/${service}/aws4_request`,
    ]);
  });
});
