import { setMaxListeners } from "node:events";
import * as v from "valibot";
import { parseConfidentialJson } from "../json.ts";
import type { RandomBytes, Ready } from "../ports.ts";
import { object } from "../schemas.ts";
import { post } from "./http-post.ts";
import { QCLOUD_ERRORS, type QcloudVerdict, qcloudError } from "./qcloud-errors.ts";
import { qcloudSignature, type SignatureMethod } from "./qcloud-signature.ts";
import { noteThrottling, readCredentials, type TencentConnection, withRetries } from "./tencent-client.ts";
import { type SentCall, toRotationError, unreadable } from "./tencent-errors.ts";
import { DEFAULT_TIMEOUT_MS, routeTo } from "./tencent-route.ts";

export interface QcloudClientOptions extends TencentConnection {
  /** Such as `redis.api.qcloud.com`: one host for all regions. */
  readonly host: string;
  /** For the nonces. */
  readonly randomBytes: RandomBytes;
  /** Default: HmacSHA256. */
  readonly signatureMethod?: SignatureMethod | undefined;
}

interface QcloudCall<Data> {
  readonly action: string;
  /** By its API 3.0 name or its short code. */
  readonly region: string;
  /** The action's own, sent and signed as they are. */
  readonly params: Readonly<Record<string, string>>;
  /** What the answer's data must be. Anything else is `NoAnswer`. */
  readonly data: v.GenericSchema<unknown, Data>;
  /** Whether the call changes something. Then it is sent once; a read is sent again after a passing failure. */
  readonly change: boolean;
  /** Values that no message may show; credentials and signatures are masked anyway. */
  readonly secrets: Iterable<string>;
  readonly ready?: Ready | undefined;
}

/** One call of an API 2.0 action. */
export type QcloudClient = <Data>(call: QcloudCall<Data>) => Promise<Data>;

const PATH = "/v2/index.php";
const FORM = { "Content-Type": "application/x-www-form-urlencoded; charset=utf-8" };
const MAX_ANSWER_BYTES = 256 * 1024;

/** The API has seen the nonce before, or the time is not its own: refused at the door, so that nothing was done. */
const REPLAYED = 4500;
const MAX_FRESH_SIGNATURES = 3;

const integer = v.pipe(
  v.union([v.number(), v.pipe(v.string(), v.regex(/^-?\d+$/))]),
  v.transform(Number),
  v.safeInteger(),
);
const text = v.nullish(v.string(), "");
const answerShape = object({ code: integer, message: text, codeDesc: text, data: v.optional(v.unknown()) });

interface Answered {
  readonly verdict: QcloudVerdict;
  readonly data: unknown;
  readonly sent: SentCall;
}

/**
 * A client of one Tencent Cloud API 2.0 service: POST of a form to `/v2/index.php`. No redirect is followed. A request
 * that is refused as a replay was not carried out: it is signed anew and sent again, three times in all.
 * @throws RotationError `ConfigurationInvalid` where the endpoint URL is not acceptable
 */
export function createQcloudClient(options: QcloudClientOptions): QcloudClient {
  const { host, signal, clock, timeoutMs = DEFAULT_TIMEOUT_MS, signatureMethod = "HmacSHA256" } = options;
  const { agent } = routeTo(options);
  // Each request under way listens to it, and a fleet has many.
  setMaxListeners(0, signal);

  const send = async <Data>(call: QcloudCall<Data>): Promise<Answered> => {
    const { secretId, secretKey, token = "" } = await readCredentials(options.credentials);
    const params = {
      ...call.params,
      Action: call.action,
      Region: call.region,
      Timestamp: String(Math.floor(clock.now() / 1000)),
      Nonce: String(nonce(options.randomBytes(4))),
      SecretId: secretId,
      SignatureMethod: signatureMethod,
      ...(token && { Token: token }),
    };
    const signature = qcloudSignature({ method: "POST", host, path: PATH, params }, secretKey);
    const secrets = [...call.secrets, secretId, secretKey, token, signature];
    const sent: SentCall = { action: call.action, change: call.change, secrets };

    const body = new URLSearchParams({ ...params, Signature: signature }).toString();
    const limits = { signal, timeoutMs, maxAnswerBytes: MAX_ANSWER_BYTES };
    const posted = await post({ agent, host, path: PATH, headers: FORM, body, ...limits });
    if ("lost" in posted) throw toRotationError(undefined, sent, posted.lost, QCLOUD_ERRORS);
    if (posted.status >= 300 && posted.status < 400) {
      throw unreadable(sent, "a redirect was answered and not followed");
    }
    if (posted.status !== 200) {
      throw toRotationError({ httpCode: posted.status }, sent, ANSWERED, QCLOUD_ERRORS);
    }
    const answer = v.safeParse(answerShape, parseConfidentialJson(posted.text));
    if (!answer.success) throw unreadable(sent, "the answer is not what the API promises");
    const { data, ...verdict } = answer.output;
    return { verdict, data, sent };
  };

  const sendFresh = async <Data>(call: QcloudCall<Data>): Promise<Data> => {
    for (let signed = 1; ; signed++) {
      const key = `${call.region}/${call.action}`;
      await options.limiter(key);
      await call.ready?.();
      const { verdict, data, sent } = await send(call);
      if (verdict.code === REPLAYED && signed < MAX_FRESH_SIGNATURES) continue;
      if (verdict.code !== 0) throw noteThrottling(qcloudError(verdict, sent), key, options);
      const read = v.safeParse(call.data, data);
      if (!read.success) throw unreadable(sent, "the answer is not what the API promises");
      return read.output;
    }
  };

  return (call) => withRetries(call, clock, () => sendFresh(call));
}

const ANSWERED = { sent: true, aborted: false, redirected: false, systemCode: undefined };

/** A positive integer of 32 bits with a sign. */
function nonce(bytes: Uint8Array): number {
  return Math.max(1, Buffer.from(bytes).readUInt32BE() >>> 1);
}
