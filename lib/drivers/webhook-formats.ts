import { createHmac } from "node:crypto";
import * as v from "valibot";
import { type Notification, textOf } from "../notification.ts";
import type { WebhookFormat } from "../notify-config.ts";
import { object } from "../schemas.ts";

export interface WebhookRequest {
  /** With what the signature adds to its query. */
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

interface Format {
  readonly request: (notification: Notification, where: Where) => WebhookRequest;
  /** What the service says in an answer that is no good, also with HTTP 200. */
  readonly refusal?: (answer: unknown) => string | undefined;
}

interface Where {
  readonly url: URL;
  readonly key: string | undefined;
  readonly nowMs: number;
}

const JSON_TYPE = { "Content-Type": "application/json; charset=utf-8" };

const hmac = (key: string | Buffer, text: string): string =>
  createHmac("sha256", key).update(text).digest("base64");

/** `<@user>` is a mention in WeCom, and `<at …>` one in Feishu; neither has an escape. */
const withoutBrackets = (text: string): string => text.replaceAll("<", "＜").replaceAll(">", "＞");

/** The three characters that Slack's mentions, links and entities are made of. */
const withEntities = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

const answered = object({
  errcode: v.optional(v.number()),
  code: v.optional(v.number()),
  StatusCode: v.optional(v.number()),
  errmsg: v.optional(v.string()),
  msg: v.optional(v.string()),
});

/** WeCom and DingTalk have the first code, Feishu the second, and what is older of it the third alone. */
const refusalByCode = (answer: unknown): string | undefined => {
  const read = v.safeParse(answered, answer);
  const {
    errcode,
    StatusCode,
    code = errcode ?? StatusCode,
    errmsg,
    msg = errmsg,
  } = read.success ? read.output : {};
  if (code === undefined) return "the answer is not what the service promises";
  return code === 0 ? undefined : `code ${code}: ${msg ?? "no message"}`;
};

/**
 * The services' own formats. Texts are plain ones, since nobody can slip a link or a mention into them.
 *
 * - generic: Standard Webhooks, version 1.0.0, symmetric signatures;
 * - wecom: developer.work.weixin.qq.com, document 91770: text of 2 048 bytes at most; the key is in the URL;
 * - dingtalk: open.dingtalk.com, "Custom robot access": text; the signature is in the query;
 * - feishu: open.feishu.cn, "Custom bot usage guide": a body of 20 kB at most; the signature is in it;
 * - slack: docs.slack.dev, "Sending messages using incoming webhooks": 4 000 characters; the key is in the URL.
 */
export const FORMATS: Readonly<Record<WebhookFormat, Format>> = {
  generic: {
    request: (notification, { url, key = "", nowMs }) => {
      const { id, at } = notification;
      const timestamp = String(Math.floor(nowMs / 1000));
      const body = JSON.stringify({ type: "rotation.problem", timestamp: at, data: notification });
      const signature = hmac(Buffer.from(key.replace(/^whsec_/, ""), "base64"), `${id}.${timestamp}.${body}`);
      const headers = {
        "webhook-id": id,
        "webhook-timestamp": timestamp,
        "webhook-signature": `v1,${signature}`,
      };
      return { url, headers: { ...JSON_TYPE, ...headers }, body };
    },
  },
  wecom: {
    request: (notification, { url }) => {
      const content = textOf(notification, { maxBytes: 2_048, withEscapes: withoutBrackets });
      return { url, headers: JSON_TYPE, body: JSON.stringify({ msgtype: "text", text: { content } }) };
    },
    refusal: refusalByCode,
  },
  dingtalk: {
    request: (notification, { url: given, key, nowMs }) => {
      const url = new URL(given);
      if (key !== undefined) {
        url.searchParams.set("timestamp", String(nowMs));
        url.searchParams.set("sign", hmac(key, `${nowMs}\n${key}`));
      }
      const content = textOf(notification, { maxBytes: 8_000 });
      const body = JSON.stringify({ msgtype: "text", text: { content }, at: { isAtAll: false } });
      return { url, headers: JSON_TYPE, body };
    },
    refusal: refusalByCode,
  },
  feishu: {
    request: (notification, { url, key, nowMs }) => {
      const timestamp = String(Math.floor(nowMs / 1000));
      const text = textOf(notification, { maxBytes: 8_000, withEscapes: withoutBrackets });
      const content = text.split("\n").map((line) => [{ tag: "text", text: line }]);
      const signed = key !== undefined && { timestamp, sign: hmac(`${timestamp}\n${key}`, "") };
      const post = { zh_cn: { content } };
      const body = JSON.stringify({ ...signed, msg_type: "post", content: { post } });
      return { url, headers: JSON_TYPE, body };
    },
    refusal: refusalByCode,
  },
  slack: {
    request: (notification, { url }) => {
      const text = textOf(notification, { maxBytes: 3_000, withEscapes: withEntities });
      const body = JSON.stringify({ text, mrkdwn: false, unfurl_links: false, unfurl_media: false });
      return { url, headers: JSON_TYPE, body };
    },
  },
};
