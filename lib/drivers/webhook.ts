import { type ErrorCode, RotationError } from "../errors.ts";
import { parseConfidentialJson } from "../json.ts";
import type { Notify } from "../notification.ts";
import type { WebhookFormat } from "../notify-config.ts";
import type { Clock } from "../ports.ts";
import { post } from "./http-post.ts";
import { mask } from "./mask.ts";
import type { ProxySettings } from "./proxy-settings.ts";
import { toRotationError } from "./tencent-errors.ts";
import { routeTo } from "./tencent-route.ts";
import { FORMATS } from "./webhook-formats.ts";

export interface WebhookOptions {
  readonly format: WebhookFormat;
  /** Checked: `https:`, or `http:` on loopback. No message shows it. */
  readonly url: string;
  readonly key: string | undefined;
  readonly proxy?: ProxySettings | undefined;
  readonly clock: Clock;
  /** Aborted when there is no more time. */
  readonly signal: AbortSignal;
  /** For the answer's head, and once more for its body. Default 5 000. */
  readonly timeoutMs?: number;
}

const MAX_ANSWER_BYTES = 64 * 1024;
const MAX_TOLD_LENGTH = 200;

/**
 * Posts notifications to a URL. Sent once; no redirect is followed.
 *
 * @throws RotationError, when called: `RequestRefused`, `Throttled`, `CloudUnavailable`, `CloudUnreachable`, `NoAnswer`,
 *   `InProgress`; the effect is always `none`
 */
export function webhook(options: WebhookOptions): Notify {
  const { format, key, proxy, clock, signal, timeoutMs = 5_000 } = options;
  const what = `The webhook (${format})`;
  const given = new URL(options.url);
  const { agent } = routeTo({ endpointUrl: given.origin, proxy, timeoutMs });
  const { request: requestOf, refusal: refusalOf } = FORMATS[format];

  return async (notification) => {
    const { url, headers, body } = requestOf(notification, { url: given, key, nowMs: clock.now() });
    const secrets = [key ?? "", ...confidentialPartsOf(url)];
    const posted = await post({
      agent,
      host: url.host,
      path: `${url.pathname}${url.search}`,
      headers,
      body,
      signal,
      timeoutMs,
      maxAnswerBytes: MAX_ANSWER_BYTES,
    });
    if ("lost" in posted)
      throw toRotationError(undefined, { action: what, change: false, secrets }, posted.lost, new Map());
    const { status } = posted;
    const told = refusalIn(posted, refusalOf);
    if (told === undefined) return;
    const masked = mask(told, secrets).slice(0, MAX_TOLD_LENGTH);
    throw new RotationError(codeOf(status), `${what}: ${masked}`, { effect: "none" });
  };
}

function refusalIn(
  { status, text }: { readonly status: number; readonly text: string },
  refusalOf: ((answer: unknown) => string | undefined) | undefined,
): string | undefined {
  const json = parseConfidentialJson(text);
  if (status >= 200 && status < 300) return refusalOf?.(json);
  // Slack answers in one word.
  const said = json === undefined ? /^[\w-]{1,60}$/.exec(text.trim())?.[0] : refusalOf?.(json);
  return said === undefined ? `HTTP ${status}` : `HTTP ${status}: ${said}`;
}

/** Of the address: what a service could quote, and somebody could use. */
function confidentialPartsOf({ href, pathname, search, searchParams }: URL): string[] {
  const parts = [...pathname.split("/"), ...searchParams.values()].filter((part) => part.length >= 8);
  return [href, `${pathname}${search}`, ...parts];
}

function codeOf(status: number): ErrorCode {
  if (status === 429) return "Throttled";
  return status >= 500 ? "CloudUnavailable" : "RequestRefused";
}
