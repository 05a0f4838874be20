/** The receiving ends of webhooks: each judges a request as its service's documentation says that it does. */
import { createHmac } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import type { WebhookFormat } from "../../../lib/notify-config.ts";

/** A message that a group, or a program, has got. */
export interface ReceivedMessage {
  /** As people read it; the whole JSON where a program does. */
  readonly text: string;
  /** Who was called by it. */
  readonly mentions: readonly string[];
}

/** What has come by POST, as JSON. */
export interface WebhookRequest {
  readonly url: URL;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly nowMs: number;
}

export interface WebhookAnswer {
  readonly status: number;
  readonly body: string;
  readonly message?: ReceivedMessage;
}

export interface WebhookService {
  /** With the query. */
  readonly path: string;
  /** What of the path nobody else may know. */
  readonly token: string;
  readonly key: string | undefined;
  readonly judge: (request: WebhookRequest) => WebhookAnswer;
}

const hmac = (key: Buffer | string, text: string) => createHmac("sha256", key).update(text).digest("base64");
const answered = (fields: object, message?: ReceivedMessage): WebhookAnswer => ({
  status: 200,
  body: JSON.stringify(fields),
  ...(message && { message }),
});
const all = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map(([, found = ""]) => found);

const WECOM_KEY = "693a91f6-7a4b-4bc4-97a0-0ec2b1fa5aaa";
const wecom: WebhookService = {
  path: `/cgi-bin/webhook/send?key=${WECOM_KEY}`,
  token: WECOM_KEY,
  key: undefined,
  judge({ url, body }) {
    if (url.searchParams.get("key") !== WECOM_KEY) {
      return answered({
        errcode: 93000,
        errmsg: `invalid webhook url, hint: [1], key ${url.searchParams.get("key")}`,
      });
    }
    const { msgtype, text } = JSON.parse(body);
    if (msgtype !== "text") return answered({ errcode: 40008, errmsg: "invalid message type" });
    if (Buffer.byteLength(text.content) > 2_048)
      return answered({ errcode: 40058, errmsg: "text.content exceed max length 2048" });
    const named = [...(text.mentioned_list ?? []), ...(text.mentioned_mobile_list ?? [])];
    const mentions = [...named, ...all(text.content, /<@([^>]+)>/g)];
    return answered({ errcode: 0, errmsg: "ok" }, { text: text.content, mentions });
  },
};

const DINGTALK_TOKEN = "566cc69da782ec33b4b2a1ef4b6a9a4c566cc69da782ec33b4b2a1ef4b6a9a4c";
const DINGTALK_KEY = "SEC0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0";
const dingtalk: WebhookService = {
  path: `/robot/send?access_token=${DINGTALK_TOKEN}`,
  token: DINGTALK_TOKEN,
  key: DINGTALK_KEY,
  judge({ url, body, nowMs }) {
    const { access_token, timestamp = "", sign } = Object.fromEntries(url.searchParams);
    if (access_token !== DINGTALK_TOKEN) return answered({ errcode: 300001, errmsg: "token is not exist" });
    if (!(Math.abs(nowMs - Number(timestamp)) < 3_600_000)) {
      return answered({ errcode: 310000, errmsg: `invalid timestamp, more: ${sign}` });
    }
    if (sign !== hmac(DINGTALK_KEY, `${timestamp}\n${DINGTALK_KEY}`)) {
      return answered({ errcode: 310000, errmsg: `sign not match, more: ${sign}` });
    }
    const { msgtype, text, at = {} } = JSON.parse(body);
    if (msgtype !== "text") return answered({ errcode: 400401, errmsg: "msgtype is not as expected" });
    if (Buffer.byteLength(body) > 20_000) return answered({ errcode: 460101, errmsg: "message too long" });
    const mentions = [...(at.isAtAll ? ["all"] : []), ...(at.atMobiles ?? []), ...(at.atUserIds ?? [])];
    return answered({ errcode: 0, errmsg: "ok" }, { text: text.content, mentions });
  },
};

const FEISHU_TOKEN = "0f6e3f6c-5c1f-4b0a-9a63-8d5d6d7a1b2c";
const FEISHU_KEY = "XwRe0f1e2d3c4b5a69788g";
const feishu: WebhookService = {
  path: `/open-apis/bot/v2/hook/${FEISHU_TOKEN}`,
  token: FEISHU_TOKEN,
  key: FEISHU_KEY,
  judge({ url, body, nowMs }) {
    if (!url.pathname.endsWith(`/${FEISHU_TOKEN}`)) {
      return answered({ code: 19001, msg: "param invalid: incoming webhook access token invalid", data: {} });
    }
    const { timestamp = "", sign, msg_type, content } = JSON.parse(body);
    const isFresh = Math.abs(nowMs / 1_000 - Number(timestamp)) < 3_600;
    if (!isFresh || sign !== hmac(`${timestamp}\n${FEISHU_KEY}`, "")) {
      return answered({
        code: 19021,
        msg: "sign match fail or timestamp is not within one hour from current time",
        data: {},
      });
    }
    if (msg_type !== "post" || Buffer.byteLength(body) > 20_480) {
      return { status: 400, body: JSON.stringify({ code: 9499, msg: "Bad Request", data: {} }) };
    }
    const [post] = Object.values(content.post) as {
      content: { tag: string; text: string; user_id?: string }[][];
    }[];
    const elements = (post?.content ?? []).flat();
    const text = (post?.content ?? []).map((line) => line.map((each) => each.text).join("")).join("\n");
    const tags = elements.filter(({ tag }) => tag === "at").map(({ user_id = "" }) => user_id);
    const mentions = [...tags, ...all(text, /<at user_id="([^"]+)">/g)];
    return answered(
      { StatusCode: 0, StatusMessage: "success", code: 0, data: {}, msg: "success" },
      { text, mentions },
    );
  },
};

const SLACK_TOKEN = "X0f1e2d3c4b5a69788796a5b";
const slack: WebhookService = {
  path: `/services/T01234567/B01234567/${SLACK_TOKEN}`,
  token: SLACK_TOKEN,
  key: undefined,
  judge({ url, body }) {
    if (!url.pathname.endsWith(`/${SLACK_TOKEN}`)) return { status: 403, body: "invalid_token" };
    const { text, link_names } = JSON.parse(body);
    if (typeof text !== "string" || text === "") return { status: 400, body: "no_text" };
    const marks = all(text, /<([!@#][^>]+)>/g);
    const mentions = [...marks, ...(link_names ? all(text, /@(\w+)/g) : [])];
    const read = text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
    return { status: 200, body: "ok", message: { text: read, mentions } };
  },
};

const GENERIC_KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const GENERIC_TOKEN = "generic-path-token-01";
const generic: WebhookService = {
  path: `/hooks/${GENERIC_TOKEN}`,
  token: GENERIC_TOKEN,
  key: GENERIC_KEY,
  judge({ headers, body, nowMs }) {
    const {
      "webhook-id": id,
      "webhook-timestamp": timestamp,
      "webhook-signature": signatures = "",
    } = headers;
    const expected = hmac(
      Buffer.from(GENERIC_KEY.slice("whsec_".length), "base64"),
      `${id}.${timestamp}.${body}`,
    );
    const isSigned = String(signatures).split(" ").includes(`v1,${expected}`);
    if (!isSigned || !(Math.abs(nowMs / 1_000 - Number(timestamp)) < 300)) {
      return { status: 401, body: `no matching signature: ${signatures}` };
    }
    return { status: 204, body: "", message: { text: body, mentions: [] } };
  },
};

export const WEBHOOK_SERVICES: Readonly<Record<WebhookFormat, WebhookService>> = {
  generic,
  wecom,
  dingtalk,
  feishu,
  slack,
};
