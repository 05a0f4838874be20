import { afterEach, describe, expect, it } from "vitest";
import { type WebhookOptions, webhook } from "../../lib/drivers/webhook.ts";
import { FORMATS } from "../../lib/drivers/webhook-formats.ts";
import type { Notification } from "../../lib/notification.ts";
import type { WebhookFormat } from "../../lib/notify-config.ts";
import {
  type Fault,
  startWebhookReceiver,
  type WebhookReceiver,
} from "../cloud/notifications/webhook-receiver.ts";
import { WEBHOOK_SERVICES } from "../cloud/notifications/webhook-services.ts";
import { AT, notificationWith, REQUEST_ID } from "../fakes/notification.ts";
import { failed } from "./local-secret.ts";
import { proxyWith } from "./loopback-proxy.ts";

const CLOCK = { now: () => AT, sleep: async () => {} };
const ALL: readonly WebhookFormat[] = ["generic", "wecom", "dingtalk", "feishu", "slack"];

const opened: WebhookReceiver[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((receiver) => receiver.close()));
});

async function receiverOf(format: WebhookFormat, fault?: Fault): Promise<WebhookReceiver> {
  const receiver = await startWebhookReceiver(format, CLOCK);
  receiver.fault = fault;
  opened.push(receiver);
  return receiver;
}

function tell(
  { format, url, key }: Pick<WebhookReceiver, "format" | "url" | "key">,
  notification: Notification = notificationWith({}),
  changes: Partial<WebhookOptions> = {},
): Promise<void> {
  const signal = new AbortController().signal;
  return webhook({ format, url, key, clock: CLOCK, signal, timeoutMs: 2_000, ...changes })(notification);
}

describe("a webhook", () => {
  it.each(ALL)("of %s gets one message that its service takes for signed and well made", async (format) => {
    const receiver = await receiverOf(format);
    await tell(receiver);
    expect(receiver.requests()).toBe(1);
    const [message, ...others] = receiver.messages;
    expect([others, message?.mentions]).toEqual([[], []]);
    for (const part of ["redis/orders", "crs-5a4py64p", "PasswordRefused", "password rule", REQUEST_ID]) {
      expect(message?.text).toContain(part);
    }
  });

  it("of a program gets the notification as Standard Webhooks have it: type, timestamp, data", async () => {
    const receiver = await receiverOf("generic");
    const notification = notificationWith({});
    await tell(receiver, notification);
    expect(JSON.parse(receiver.messages[0]?.text ?? "")).toEqual({
      type: "rotation.problem",
      timestamp: "2026-01-01T09:30:00.000Z",
      data: JSON.parse(JSON.stringify(notification)),
    });
  });

  it.each(ALL)("of %s calls nobody, whatever a secret is called and a cloud has answered", async (format) => {
    const bait =
      '<!channel> <!here> <@U012AB3CD> <@all> @all @channel <at user_id="all">all</at> <https://evil.example|x> &lt;!channel&gt;';
    const error = { code: "PasswordRefused", message: bait, effect: "none" } as const;
    const receiver = await receiverOf(format);
    await tell(receiver, notificationWith({ secretId: bait, error }));
    expect(receiver.messages.map(({ mentions }) => mentions)).toEqual([[]]);
  });

  it("of Slack shows brackets and ampersands as they are", async () => {
    const receiver = await receiverOf("slack");
    await tell(receiver, notificationWith({ secretId: "a<b>&amp;c" }));
    expect(receiver.messages[0]?.text).toContain("failed: a<b>&amp;c (crs-");
  });

  it.each(ALL)("of %s takes as much as there can be", async (format) => {
    const error = { code: "PasswordRefused", message: '"<&\\界'.repeat(200), effect: "none" } as const;
    const many = Array.from({ length: 200 }, (_, index) => ({
      secretId: `redis/${index}-${'"\\'.repeat(60)}`,
      error,
    }));
    const receiver = await receiverOf(format);
    await tell(receiver, notificationWith(...many));
    expect(receiver.messages).toHaveLength(1);
  });

  it("of WeCom uses what the service takes, and never a byte more", () => {
    const url = new URL("https://qyapi.weixin.qq.com/");
    const sizes = Array.from({ length: 60 }, (_, index) => {
      const many = Array.from({ length: 40 }, (__, each) => ({ secretId: `${each}${"界".repeat(index)}` }));
      const { body } = FORMATS.wecom.request(notificationWith(...many), { url, key: undefined, nowMs: AT });
      return Buffer.byteLength(JSON.parse(body).text.content);
    });
    expect(Math.max(...sizes)).toBeLessThanOrEqual(2_048);
    expect(Math.max(...sizes)).toBeGreaterThan(2_000);
  });

  it("of DingTalk or Feishu goes unsigned where no key is set", async () => {
    const receiver = await receiverOf("dingtalk");
    const dingtalk = await failed(tell({ ...receiver, key: undefined }));
    expect(dingtalk.message).toContain("code 310000: invalid timestamp");
    const feishu = await failed(tell({ ...(await receiverOf("feishu")), key: undefined }));
    expect(feishu.message).toContain("code 19021: sign match fail");
  });
});

describe("signatures, computed elsewhere", () => {
  const url = new URL("https://hooks.example.com/robot/send?access_token=a%2Bb");
  const NEW_YEAR = Date.UTC(2026, 0, 1);

  it("of DingTalk are in the query, in milliseconds", () => {
    const { searchParams, search } = FORMATS.dingtalk.request(notificationWith({}), {
      url,
      key: "SEC0123456789abcdef",
      nowMs: NEW_YEAR,
    }).url;
    expect(Object.fromEntries(searchParams)).toEqual({
      access_token: "a+b",
      timestamp: "1767225600000",
      sign: "B0RWzLp5DJ68eWPlqN2is7j/CJw7WP3nV1RkTFHU+F4=",
    });
    expect(search).toContain("sign=B0RWzLp5DJ68eWPlqN2is7j%2FCJw7WP3nV1RkTFHU%2BF4%3D");
  });

  it("of Feishu are in the body, in seconds", () => {
    const { body } = FORMATS.feishu.request(notificationWith({}), {
      url,
      key: "feishu-key-0123456789",
      nowMs: NEW_YEAR + 999,
    });
    expect(JSON.parse(body)).toMatchObject({
      timestamp: "1767225600",
      sign: "uoMAUVdt5p8z0jqJJ7AeOhqlR+PnkI20HGcjM75RS4A=",
    });
  });

  it("of Standard Webhooks are in the headers, and the receiver here takes the one that the project's own tests have", () => {
    const notification = notificationWith({});
    const { judge, key } = WEBHOOK_SERVICES.generic;
    const { headers } = FORMATS.generic.request(notification, { url, key, nowMs: NEW_YEAR });
    expect(headers).toMatchObject({ "webhook-id": notification.id, "webhook-timestamp": "1767225600" });
    const example = {
      "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
      "webhook-timestamp": "1614265330",
      "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    };
    const judged = (body: string) => judge({ url, headers: example, body, nowMs: 1_614_265_330_000 }).status;
    expect([judged('{"test": 2432232314}'), judged('{"test": 2432232315}')]).toEqual([204, 401]);
  });
});

describe("a webhook that does not take a notification", () => {
  it.each<[WebhookFormat, string, string, Fault]>([
    ["generic", "CloudUnavailable", "HTTP 500", { status: 500, body: "" }],
    ["generic", "RequestRefused", "HTTP 302", { status: 302, body: "" }],
    ["generic", "Throttled", "HTTP 429", { status: 429, body: "{}" }],
    ["generic", "NoAnswer", "ECONNRESET", "reset"],
    ["slack", "RequestRefused", "HTTP 404: no_service", { status: 404, body: "no_service" }],
    ["slack", "RequestRefused", "HTTP 403", { status: 403, body: "<html>No</html>" }],
    ["slack", "NoAnswer", "EMSGSIZE", { status: 200, body: "x".repeat(70_000) }],
    [
      "wecom",
      "RequestRefused",
      "code 45009: api freq",
      { status: 200, body: '{"errcode":45009,"errmsg":"api freq"}' },
    ],
    ["wecom", "RequestRefused", "the answer is not what", { status: 200, body: "ok" }],
    ["wecom", "RequestRefused", "the answer is not what", { status: 200, body: '{"errcode":"0"}' }],
    ["dingtalk", "RequestRefused", "code 130101: no message", { status: 200, body: '{"errcode":130101}' }],
    [
      "feishu",
      "RequestRefused",
      "HTTP 400: code 9499: Bad",
      { status: 400, body: '{"code":9499,"msg":"Bad"}' },
    ],
    ["feishu", "RequestRefused", "code 11232", { status: 200, body: '{"code":11232,"StatusCode":0}' }],
  ])("%s: %s, %s", async (format, code, says, fault) => {
    const error = await failed(tell(await receiverOf(format, fault)));
    expect(error).toMatchObject({ code, effect: "none" });
    expect(error.message).toContain(`The webhook (${format}): ${says}`);
  });

  it("takes Feishu's older answer", async () => {
    const receiver = await receiverOf("feishu", {
      status: 200,
      body: '{"StatusCode":0,"StatusMessage":"success"}',
    });
    await tell(receiver);
    expect(receiver.requests()).toBe(1);
  });

  it("is waited for as long as it may take, and no longer", async () => {
    const receiver = await receiverOf("slack", "hang");
    const startedAt = performance.now();
    const error = await failed(tell(receiver, notificationWith({}), { timeoutMs: 200 }));
    expect(error).toMatchObject({ code: "NoAnswer", message: expect.stringContaining("ETIMEDOUT") });
    expect(performance.now() - startedAt).toBeLessThan(1_500);
  });

  it("is one that nobody listens at", async () => {
    const receiver = await receiverOf("slack");
    await receiver.close();
    expect(await failed(tell(receiver))).toMatchObject({
      code: "CloudUnreachable",
      message: "The webhook (slack): no connection (ECONNREFUSED)",
    });
  });

  it("is not asked once the time is over", async () => {
    const receiver = await receiverOf("slack");
    const error = await failed(tell(receiver, notificationWith({}), { signal: AbortSignal.abort() }));
    expect([error.code, receiver.requests()]).toEqual(["InProgress", 0]);
  });

  it.each(ALL)(
    "of %s shows nothing of its address, key or signature, though it quotes all of them",
    async (format) => {
      const receiver = await receiverOf(format);
      const quote = (said: object) => ({
        status: 400,
        body: JSON.stringify({ code: 1, msg: JSON.stringify(said) }),
      });
      for (const fault of [
        quote({ url: receiver.url }),
        quote({ key: receiver.key, token: receiver.token }),
      ]) {
        receiver.fault = fault;
        const { message } = await failed(tell(receiver));
        for (const secret of [receiver.url, receiver.token, receiver.key ?? receiver.token]) {
          expect(message).not.toContain(secret);
        }
        expect(message).toContain("HTTP 400");
      }
    },
  );

  it("is told of without its key by a service that quotes a wrong one", async () => {
    const receiver = await receiverOf("wecom");
    const wrong = "11111111-2222-3333-4444-555555555555";
    const { message } = await failed(tell({ ...receiver, url: receiver.url.replace(receiver.token, wrong) }));
    expect(message).toBe("The webhook (wecom): code 93000: invalid webhook url, hint: [1], key ***");
  });
});

describe("behind a proxy", () => {
  it("a webhook is reached through a tunnel, and NO_PROXY goes past it", async () => {
    const receiver = await receiverOf("slack");
    const proxy = await proxyWith();
    await tell(receiver, notificationWith({}), { proxy: { url: proxy.url, noProxy: "" } });
    expect([proxy.targets, receiver.messages.length]).toEqual([[new URL(receiver.url).host], 1]);
    await tell(receiver, notificationWith({}), { proxy: { url: proxy.url, noProxy: "127.0.0.1" } });
    expect([proxy.targets.length, receiver.messages.length]).toEqual([1, 2]);
  });

  it("a proxy that refuses is told of", async () => {
    const proxy = await proxyWith({ status: 403 });
    const error = await failed(
      tell(await receiverOf("slack"), notificationWith({}), { proxy: { url: proxy.url, noProxy: "" } }),
    );
    expect(error.message).toContain("the proxy answered 403");
  });
});
