import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "../../lib/drivers/runtime.ts";
import type { Notification } from "../../lib/notification.ts";
import type { WebhookFormat } from "../../lib/notify-config.ts";
import { type LocalCloud, rotateSecretNow, startCloud } from "../cloud/cloud.ts";
import type { FunctionProcess, LogLine } from "../cloud/function-process.ts";
import { type EventBuses, startEventBuses } from "../cloud/notifications/event-bus.ts";
import { type Sns, startSns } from "../cloud/notifications/sns.ts";
import {
  type Fault,
  startWebhookReceiver,
  type WebhookReceiver,
} from "../cloud/notifications/webhook-receiver.ts";
import { secretName } from "../cloud/secrets.ts";
import { actionsGranted, readPolicy } from "../deploy/cam-policy.ts";
import { passwordAt, SCHEDULE, startBuilt, versionAt } from "./world.ts";

const REGION = "eu-west-1";
const TOPIC = `arn:aws:sns:${REGION}:123456789012:redis-rotation`;
const region = "ap-guangzhou";
const NAMES = ["crs-good", "crs-refused", "crs-managed", "crs-drifted"];
const MISSING = "redis/missing";
const WEBHOOK_SECRET = "ops/webhook";

let cloud: LocalCloud;
let sns: Sns;
let buses: EventBuses;
let hook: WebhookReceiver;
let lambda: FunctionProcess;
const lines: LogLine[] = [];

beforeAll(async () => {
  cloud = await startCloud({
    instances: NAMES.map((instanceId) => ({ instanceId, region })),
    taskDurationMs: 120,
    taskTailMs: 40,
  });
  const { AWS_ACCESS_KEY_ID: id = "", AWS_SECRET_ACCESS_KEY: secretAccessKey = "" } = cloud.environment;
  const front = {
    clock: systemClock,
    newId: randomUUID,
    keys: { [id]: { secretAccessKey } },
    region: REGION,
  };
  sns = await startSns({ ...front, topicArns: [TOPIC] });
  buses = await startEventBuses({ ...front, buses: ["ops"] });
  hook = await startWebhookReceiver("generic", systemClock);
  cloud.secretsManager.call("CreateSecret", {
    Name: WEBHOOK_SECRET,
    ClientRequestToken: randomUUID(),
    SecretString: JSON.stringify({ url: hook.url, key: hook.key }),
  });
  lambda = await startBuilt(
    "lambda",
    {
      ...cloud.environment,
      ROTATION_SECRETS: ["crs-good", "crs-refused"].map(secretName).concat(MISSING).join(","),
      ROTATION_CANARY: "0",
      ...everybody(),
    },
    { onLog: (line) => lines.push(line) },
  );
});
afterAll(async () => {
  await lambda?.close();
  await Promise.all([sns, buses, hook, cloud].map((server) => server?.close()));
});
/** All three channels. */
const everybody = () => ({
  NOTIFY_SNS_TOPIC_ARN: TOPIC,
  AWS_ENDPOINT_URL_SNS: sns.url,
  NOTIFY_EVENT_BUS: "ops",
  AWS_ENDPOINT_URL_EVENTBRIDGE: buses.url,
  NOTIFY_WEBHOOK_SECRET_ID: WEBHOOK_SECRET,
});

/** What each channel has got since the last time. */
const seen = { sns: 0, buses: 0, hook: 0 };
function received() {
  const fresh = {
    sns: sns.published
      .slice(seen.sns)
      .map(({ message }) => JSON.parse(message.default ?? "") as Notification),
    buses: buses.events.slice(seen.buses).map(({ detail }) => detail as Notification),
    hook: hook.messages.slice(seen.hook).map(({ text }) => JSON.parse(text).data as Notification),
  };
  Object.assign(seen, { sns: sns.published.length, buses: buses.events.length, hook: hook.messages.length });
  return fresh;
}

/** The one notification that all three have got. */
function theOne(): Notification {
  const {
    sns: [notification, ...others],
    buses: events,
    hook: posts,
  } = received();
  if (notification === undefined || others.length > 0) throw new Error("It is not one notification");
  expect([events, posts]).toEqual([[notification], [notification]]);
  return notification;
}

const thrown = (call: Promise<unknown>): Promise<Error> =>
  call.then(
    () => new Error("It did not fail"),
    (error: Error) => error,
  );
const refuse = () =>
  cloud.tencentDb.failNext(
    "ResetPassword",
    { kind: "error", code: "InvalidParameterValue.PasswordRuleError", message: "<!channel> No." },
    { instanceId: "crs-refused" },
  );
const notificationLines = () => lines.filter(({ msg }) => msg === "notification");

describe("the Lambda bundle", () => {
  it("tells each channel once of all that failed in a scheduled run, and has rotated the others", async () => {
    refuse();
    expect((await thrown(lambda.invoke(SCHEDULE))).message).toMatch(/^2 of 3 secrets did not end well/);
    const notification = theOne();
    expect(notification).toMatchObject({
      function: "redis-rotation",
      trigger: "schedule",
      summary: { secrets: 3, failed: 2, drift: 0, stuck: 0, stopped: 0 },
      omitted: 0,
    });
    expect(notification.problems).toMatchObject([
      {
        event: "failed",
        secretId: secretName("crs-refused"),
        instanceId: "crs-refused",
        code: "PasswordRefused",
      },
      { event: "failed", secretId: MISSING, code: "SecretNotFound" },
    ]);
    expect(versionAt(cloud, "crs-good", "AWSPREVIOUS")).toBeDefined();
    await expect.poll(notificationLines).toHaveLength(3);
    expect(new Set(notificationLines().map(({ level }) => level))).toEqual(new Set([30]));
  });

  it("names the same problems by the same id when they come again", async () => {
    await thrown(lambda.invoke(SCHEDULE));
    const first = theOne();
    await thrown(lambda.invoke(SCHEDULE));
    const second = theOne();
    expect([second.id, second.problems.map(({ key }) => key)]).toEqual([
      first.id,
      first.problems.map(({ key }) => key),
    ]);
    expect(second.requestId).not.toBe(first.requestId);
  });

  it("tells nobody of what an operator does by hand, nor of a run in which all is well", async () => {
    const failing = [MISSING, secretName("crs-good")];
    for (const action of ["rotate", "plan", "status", "verify"]) {
      expect(await lambda.invoke({ action, secrets: failing })).toMatchObject({ summary: { failed: 1 } });
    }
    const fleet = [secretName("crs-good"), secretName("crs-refused"), MISSING].join();
    await lambda.invoke(SCHEDULE, { environment: { ROTATION_SECRETS: secretName("crs-good") } });
    await lambda.invoke({ action: "status" }, { environment: { ROTATION_SECRETS: fleet } });
    expect(received()).toEqual({ sns: [], buses: [], hook: [] });
  });

  it("tells of a batch of messages once", async () => {
    const body = (secrets: string[], action = "rotate") => JSON.stringify({ action, secrets });
    const bodies = [
      body([MISSING]),
      "no JSON",
      body([secretName("crs-good")]),
      body(["redis/gone"], "status"),
    ];
    const Records = bodies.map((text, index) => ({
      messageId: `m-${index}`,
      eventSource: "aws:sqs",
      body: text,
    }));
    const { batchItemFailures } = (await lambda.invoke({ Records })) as { batchItemFailures: unknown[] };
    expect(batchItemFailures).toHaveLength(3);
    const { trigger, problems } = theOne();
    expect(trigger).toBe("queue");
    expect(problems.map(({ secretId, code }) => `${secretId} ${code}`).sort()).toEqual(
      [`${MISSING} SecretNotFound`, "redis/gone SecretNotFound", "undefined EventInvalid"].sort(),
    );
  });

  it("tells of a managed step's secret, and of a rotation that is stuck in one", async () => {
    const name = secretName("crs-managed");
    const engine = cloud.connectFunction(async (event) => void (await lambda.invoke(event)), []);
    cloud.tencentDb.failNext("ResetPassword", { kind: "error", code: "UnauthorizedOperation" });
    rotateSecretNow(cloud, name);
    expect((await engine.ended(name)).result).toBe("failed");
    expect(theOne()).toMatchObject({
      trigger: "managed",
      summary: { secrets: 1, failed: 1 },
      problems: [
        { event: "failed", instanceId: "crs-managed", code: "AccessDenied", versionId: expect.any(String) },
      ],
    });

    const step = {
      Step: "setSecret",
      SecretId: name,
      ClientRequestToken: versionAt(cloud, "crs-managed", "AWSPENDING")?.versionId,
    };
    const hasty = await startBuilt("lambda", { ...cloud.environment, ...everybody() }, { timeoutMs: 8_000 });
    try {
      expect(await thrown(hasty.invoke(step))).toMatchObject({ name: "InProgress" });
      expect(received()).toEqual({ sns: [], buses: [], hook: [] });
      const patience = { environment: { NOTIFY_STUCK_HOURS: "0" } };
      expect(await thrown(hasty.invoke(step, patience))).toMatchObject({ name: "InProgress" });
    } finally {
      await hasty.close();
    }
    expect(theOne()).toMatchObject({
      summary: { stuck: 1, failed: 0 },
      problems: [{ event: "stuck", secretId: name, code: "InProgress", pendingSince: expect.any(String) }],
    });
  });

  it("tells of drift that a daily look finds", async () => {
    await cloud.redis.get("crs-drifted")?.setPassword("changed-by-hand-1");
    const verify = JSON.stringify({ action: "verify", secrets: [secretName("crs-drifted")] });
    await lambda.invoke({ Records: [{ messageId: "m-1", eventSource: "aws:sqs", body: verify }] });
    expect(theOne()).toMatchObject({ summary: { drift: 1 }, problems: [{ event: "drift", code: "Drift" }] });
  });

  it("tells of a configuration that is refused, as far as it can", async () => {
    const broken = { environment: { VERIFY: "no" } };
    expect(await thrown(lambda.invoke(SCHEDULE, broken))).toMatchObject({ name: "ConfigurationInvalid" });
    const { sns: told, buses: events, hook: posts } = received();
    expect([told, events]).toMatchObject(Array(2).fill([{ problems: [{ code: "ConfigurationInvalid" }] }]));
    // Where the webhook is, only the secret manager knows.
    expect(posts).toEqual([]);
    await expect
      .poll(() => notificationLines().find(({ level }) => level === 40))
      .toMatchObject({ channel: "webhook", code: "ConfigurationInvalid" });
    await lambda.invoke({ action: "status", secrets: [MISSING] }, { environment: { VERIFY: null } });
  });

  it.each<[string, Fault | "down"]>([
    ["is down", "down"],
    ["hangs", "hang"],
    ["answers an error", { status: 500, body: "" }],
  ])("fails as it would have failed, and no later than it may, where a receiver %s", async (_, fault) => {
    const other = await startWebhookReceiver("generic", systemClock);
    const told: LogLine[] = [];
    const { NOTIFY_WEBHOOK_SECRET_ID: __, ...others } = everybody();
    const address = { NOTIFY_WEBHOOK_URL: other.url, NOTIFY_WEBHOOK_KEY: other.key ?? "" };
    const hasty = await startBuilt(
      "lambda",
      { ...cloud.environment, ...others, ...address },
      { timeoutMs: 3_000, onLog: (line) => line.msg === "notification" && told.push(line) },
    );
    try {
      if (fault === "down") await other.close();
      else other.fault = fault;
      const startedAt = performance.now();
      // Its rotation is not enabled.
      const step = { Step: "setSecret", SecretId: secretName("crs-good"), ClientRequestToken: randomUUID() };
      expect(await thrown(hasty.invoke(step))).toMatchObject({ name: "RotationDisabled" });
      expect(performance.now() - startedAt).toBeLessThan(3_000);
      await expect.poll(() => told.length).toBe(3);
      const levels = Object.fromEntries(told.map(({ channel, level }) => [channel, level]));
      expect(levels).toEqual({ sns: 30, eventbridge: 30, webhook: 40 });
      expect(JSON.stringify(told)).not.toContain(other.token);
    } finally {
      await hasty.close();
      await other.close();
    }
    received();
  });

  it("has no password in any message, and no address or key on the log", () => {
    const versions = NAMES.flatMap((id) => cloud.secretsManager.inspect(secretName(id)).versions);
    const passwords = versions.map(({ content }) =>
      String(JSON.parse(content?.SecretString ?? "{}").password),
    );
    expect(new Set(passwords).size).toBeGreaterThan(NAMES.length);
    const messages = JSON.stringify([sns.published, buses.events, hook.messages]);
    expect(passwords.filter((password) => messages.includes(password))).toEqual([]);
    const log = JSON.stringify(lines);
    expect([hook.token, hook.key ?? ""].filter((secret) => log.includes(secret))).toEqual([]);
    expect(messages).not.toContain(passwordAt(cloud, "crs-good", "AWSCURRENT"));
  });
});

describe("the SCF bundle", () => {
  const FORMATS: readonly WebhookFormat[] = ["wecom", "dingtalk", "feishu", "slack", "generic"];

  it("tells a group in each format, with the address out of SSM and the rights that its policy grants", async () => {
    const tencent = await startCloud({ instances: [{ instanceId: "crs-one", region }], store: "ssm" });
    const receivers = await Promise.all(FORMATS.map((format) => startWebhookReceiver(format, systemClock)));
    const scf = await startBuilt("scf", tencent.environment);
    try {
      for (const { format, url, key, messages } of receivers) {
        tencent.ssm.call("CreateSecret", {
          SecretName: `ops-${format}`,
          SecretString: JSON.stringify({ url, key }),
        });
        const environment = { NOTIFY_WEBHOOK_SECRET_ID: `ops-${format}`, NOTIFY_WEBHOOK_FORMAT: format };
        const Message = '{"action":"status","secrets":["no-such-secret"]}';
        const error = await thrown(scf.invoke({ Type: "Timer", Message }, { environment }));
        expect(error.message).toContain("no-such-secret");
        expect(messages, format).toMatchObject([{ mentions: [] }]);
        expect(messages[0]?.text).toContain("no-such-secret");
        expect(messages[0]?.text).toContain("SecretNotFound");
      }
      const calls = tencent.ssm.calls.filter(({ secretName: name }) => name?.startsWith("ops-"));
      const used = new Set(
        calls.map(({ action }) => `ssm:${action}`).filter((each) => each !== "ssm:CreateSecret"),
      );
      expect([...used].sort()).toEqual([...actionsGranted(await readPolicy("function-notify"))].sort());
    } finally {
      await scf.close();
      await Promise.all([tencent, ...receivers].map((server) => server.close()));
    }
  });
});
