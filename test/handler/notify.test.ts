import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Composition } from "../../handler/compose.ts";
import type { Request } from "../../handler/events.ts";
import { invoke } from "../../handler/invoke.ts";
import { createLedger } from "../../handler/ledger.ts";
import { notify } from "../../handler/notify.ts";
import { serve } from "../../handler/serve.ts";
import { parseConfig } from "../../lib/config.ts";
import { createLog } from "../../lib/drivers/log.ts";
import { systemClock } from "../../lib/drivers/runtime.ts";
import { RotationError } from "../../lib/errors.ts";
import type { Notification } from "../../lib/notification.ts";
import type { SecretStore } from "../../lib/ports.ts";
import { startWebhookReceiver, type WebhookReceiver } from "../cloud/notifications/webhook-receiver.ts";
import { failedOutcome, told } from "../fakes/notification.ts";
import { createRig, NAME } from "../rotation/rig.ts";

let directory: string;
let fd: number;
let receiver: WebhookReceiver;
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "notify-"));
  fd = openSync(join(directory, "log"), "w");
  receiver = await startWebhookReceiver("generic", systemClock);
});
afterEach(async () => {
  await receiver.close();
  closeSync(fd);
  rmSync(directory, { recursive: true });
});

const linesOf = (msg: string) =>
  readFileSync(join(directory, "log"), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line || "{}"))
    .filter((line) => line.msg === msg);
const received = () => receiver.messages.map(({ text }) => JSON.parse(text).data as Notification);
const here = () => ({ NOTIFY_WEBHOOK_URL: receiver.url, NOTIFY_WEBHOOK_KEY: receiver.key ?? "" });

const SCHEDULED: Request = {
  kind: "driven",
  action: "rotate",
  secretIds: undefined,
  force: false,
  scheduled: true,
};
const STEP: Request = { kind: "step", step: "setSecret", secretId: NAME, token: "t-1" };

function invocation(environment: Record<string, string>, remainingMs = 10_000) {
  const log = { bindings: { requestId: "r-1", function: "redis-rotation" }, fd };
  return { environment, remainingMs, defaultStore: "aws", log } as const;
}

const served = (
  request: Request | (() => Request),
  environment: Record<string, string>,
  remainingMs?: number,
) =>
  serve(typeof request === "function" ? request : () => request, invocation(environment, remainingMs)).catch(
    (error: unknown) => error,
  );

describe("a configuration that is refused", () => {
  it.each<[string, Request, Notification["trigger"], string | undefined]>([
    ["a schedule", SCHEDULED, "schedule", undefined],
    ["a step", STEP, "managed", NAME],
    ["a queue", { kind: "queue", messages: [] }, "queue", undefined],
  ])("is told of, where it was %s that met it", async (_, request, trigger, secretId) => {
    expect(await served(request, { ...here(), VERIFY: "no" })).toMatchObject({
      name: "ConfigurationInvalid",
    });
    expect(received()).toMatchObject([
      {
        trigger,
        function: "redis-rotation",
        requestId: "r-1",
        summary: { failed: 1 },
        problems: [
          { event: "failed", code: "ConfigurationInvalid", message: expect.stringContaining("VERIFY: ") },
        ],
      },
    ]);
    expect(received()[0]?.problems[0]?.secretId).toBe(secretId);
    expect(linesOf("notification")).toMatchObject([{ level: 30, channel: "webhook", problems: 1 }]);
  });

  it("is told nobody by an invocation by hand, which has its answer", async () => {
    const byHand = { ...SCHEDULED, scheduled: false };
    expect(await served(byHand, { ...here(), VERIFY: "no" })).toMatchObject({ name: "ConfigurationInvalid" });
    expect(receiver.requests()).toBe(0);
  });

  it("is told nobody where the event cannot be read: whose it was is not known", async () => {
    const error = new RotationError("EventInvalid", "Event: (whole): no", { effect: "none" });
    await served(() => {
      throw error;
    }, here());
    expect(receiver.requests()).toBe(0);
  });

  it("names what is wrong with who is to be told, besides everything else", async () => {
    const bad = { NOTIFY_WEBHOOK_URL: `${receiver.url}#x`, NOTIFY_SNS_TOPIC_ARN: "x", VERIFY: "no" };
    const error = await served(SCHEDULED, bad);
    expect(error).toMatchObject({ name: "ConfigurationInvalid" });
    for (const name of ["NOTIFY_WEBHOOK_KEY: ", "NOTIFY_SNS_TOPIC_ARN: ", "VERIFY: "]) {
      expect((error as Error).message).toContain(name);
    }
    expect((error as Error).message).not.toContain(receiver.token);
    expect(receiver.requests()).toBe(0);
  });

  it("names SNS and EventBridge on SCF, which has no AWS credentials", async () => {
    const environment = {
      NOTIFY_SNS_TOPIC_ARN: "arn:aws:sns:eu-west-1:123456789012:a",
      NOTIFY_EVENT_BUS: "ops",
    };
    const on = { ...invocation(environment), defaultStore: "ssm" } as const;
    await expect(serve(() => SCHEDULED, on)).rejects.toThrow(
      /NOTIFY_SNS_TOPIC_ARN: is for Lambda; .*; NOTIFY_EVENT_BUS: is for Lambda; on SCF set a webhook/,
    );
  });
});

/** An invocation that has come to this, and what is then told. */
async function notified(
  environment: Record<string, string>,
  options: { readonly store?: Partial<SecretStore>; readonly leftMs?: number } = {},
) {
  const log = createLog({ level: "info", bindings: {}, fd });
  const context = { store: options.store };
  const startedAt = performance.now();
  await notify(invocation(environment), {
    request: SCHEDULED,
    outcomes: [failedOutcome()],
    endsAtMs: systemClock.now() + (options.leftMs ?? 10_000),
    composition: options.store && ({ log, context } as Composition),
  });
  return { tookMs: performance.now() - startedAt, lines: linesOf("notification") };
}

/** A store that holds one value. */
const holding = (text: string | undefined): Partial<SecretStore> => ({
  describe: async (name) => ({
    secretId: name,
    name,
    rotationEnabled: false,
    versions: [{ versionId: "v-1", stages: ["current"] }],
  }),
  read: async (_, versionId) =>
    text === undefined ? undefined : { versionId, stages: ["current"], createdAt: new Date(0), text },
});

describe("a webhook whose address is in a secret", () => {
  const NAMED = { NOTIFY_WEBHOOK_SECRET_ID: "ops/webhook" };

  it("is told", async () => {
    const { url, key } = receiver;
    await notified(NAMED, { store: holding(JSON.stringify({ url, key, note: "of the team" })) });
    expect(received()).toHaveLength(1);
  });

  it.each<[string, string | undefined, RegExp]>([
    ["no value", undefined, /it has no value/],
    ["no JSON", "https://hooks.example.com/token-0123456789", /it is not JSON/],
    ["no URL", '{"address":"https://hooks.example.com/token-0123456789"}', /url: /],
    [
      "bad values",
      '{"url":"http://hooks.example.com/token-0123456789","key":"key-0123456789"}',
      /url: must be an https: URL; key: must be whsec_/,
    ],
  ])("with %s is told of on the log, which does not quote it", async (_, text, says) => {
    const { lines } = await notified(NAMED, { store: holding(text) });
    expect(lines).toMatchObject([{ level: 40, channel: "webhook", code: "ConfigurationInvalid" }]);
    expect(lines[0].message).toMatch(/^Secret ops\/webhook \(NOTIFY_WEBHOOK_SECRET_ID\): /);
    expect(lines[0].message).toMatch(says);
    expect(JSON.stringify(lines)).not.toMatch(/token-0123456789|key-0123456789/);
  });

  it("cannot be told of a configuration that the secret cannot be read with", async () => {
    const { lines } = await notified(NAMED);
    expect(lines[0].message).toContain("it cannot be read without the rest of the configuration");
  });
});

describe("a receiver that does not answer", () => {
  it("is waited for five seconds at most, and not into the platform's last second", async () => {
    receiver.fault = "hang";
    const { tookMs, lines } = await notified(here(), { leftMs: 1_400 });
    expect(tookMs).toBeGreaterThan(200);
    expect(tookMs).toBeLessThan(1_300);
    expect(lines).toMatchObject([
      { level: 40, code: "NoAnswer", notificationId: expect.stringMatching(/^[0-9a-f]{32}$/) },
    ]);
  });

  it("is not waited for where there is no time left", async () => {
    receiver.fault = "hang";
    const { tookMs, lines } = await notified(here(), { leftMs: 900 });
    expect(lines[0].code).toBe("NoAnswer");
    expect(tookMs).toBeLessThan(500);
  });

  it("is not waited for either where the secret manager does not say where it is", async () => {
    const store = { ...holding("{}"), describe: () => new Promise<never>(() => {}) };
    const { tookMs, lines } = await notified(
      { NOTIFY_WEBHOOK_SECRET_ID: "ops/webhook" },
      { store, leftMs: 1_200 },
    );
    expect(lines[0].code).toBe("NoAnswer");
    expect(tookMs).toBeLessThan(1_000);
  });

  it("does not keep others from being told", async () => {
    const both = { ...here(), NOTIFY_EVENT_BUS: "ops", AWS_ENDPOINT_URL_EVENTBRIDGE: "http://127.0.0.1:1" };
    const { lines } = await notified(both, { leftMs: 3_000 });
    expect(received()).toHaveLength(1);
    const levels = Object.fromEntries(lines.map(({ channel, level }) => [channel, level]));
    expect(levels).toEqual({ webhook: 30, eventbridge: 40 });
  });
});

describe("what an invocation reports", () => {
  function composed(rig: ReturnType<typeof createRig>) {
    const log = { result: () => {}, error: () => {} } as unknown as Composition["log"];
    const config = parseConfig({ ROTATION_SECRETS: `${NAME},redis/missing` }, "aws");
    const composition = {
      connection: {} as Composition["connection"],
      config,
      context: rig.context,
      log,
      handOver: undefined,
      findSecrets: async () => [],
    };
    return { ...composition, apart: (act) => act() } satisfies Composition;
  }

  it("of a fleet is every result", async () => {
    const ledger = createLedger();
    await invoke(composed(createRig()), SCHEDULED, ledger).catch(() => {});
    expect(ledger.outcomes.map(({ secretId, status }) => [secretId, status])).toEqual([
      [NAME, "rotated"],
      ["redis/missing", "failed"],
    ]);
  });

  it("of a batch is every result, and every message that could not be read", async () => {
    const ledger = createLedger();
    const bad = new RotationError("EventInvalid", "Event: message m-1: no", { effect: "none" });
    const { kind: _, ...rotate } = SCHEDULED as Extract<Request, { kind: "driven" }>;
    const messages = [
      { messageId: "m-1", request: bad },
      ...["redis/missing", NAME].map((name) => ({
        messageId: name,
        request: { ...rotate, secretIds: [name] },
      })),
    ];
    await invoke(composed(createRig()), { kind: "queue", messages }, ledger);
    const codes = ledger.outcomes.map(({ secretId, error }) => [secretId, error?.code]);
    expect(codes).toHaveLength(3);
    expect(codes).toEqual(
      expect.arrayContaining([
        [undefined, "EventInvalid"],
        ["redis/missing", "SecretNotFound"],
        [NAME, undefined],
      ]),
    );
  });

  it("of a step is the secret with what is known of it, stuck or failed", async () => {
    const rig = createRig({ taskDurationMs: 36_000_000 });
    const token = rig.startManaged();
    const failureOf = async (step: "createSecret" | "setSecret" | "finishSecret") => {
      const ledger = createLedger();
      const request: Request = { ...STEP, step, token };
      const composition = { ...composed(rig), context: rig.run({}, 60_000) };
      await invoke(composition, request, ledger).catch((error: unknown) =>
        ledger.failed(error as RotationError, request),
      );
      return told(ledger.outcomes, { nowMs: rig.clock.now() });
    };
    expect(await failureOf("createSecret")).toBeUndefined();
    expect(await failureOf("setSecret")).toBeUndefined();
    await rig.clock.sleep(3 * 3_600_000);
    expect(await failureOf("setSecret")).toMatchObject({
      summary: { stuck: 1, failed: 0 },
      problems: [
        { event: "stuck", secretId: NAME, instanceId: "crs-5a4py64p", versionId: token, code: "InProgress" },
      ],
    });
    expect(await failureOf("finishSecret")).toMatchObject({
      problems: [{ secretId: NAME, pendingSince: expect.any(String) }],
    });
  });
});
