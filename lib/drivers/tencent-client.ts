import { setMaxListeners } from "node:events";
import type { ClientRequest, Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import { AbstractClient } from "tencentcloud-sdk-nodejs/tencentcloud/common/abstract_client.js";
import * as v from "valibot";
import { RotationError } from "../errors.ts";
import type { Clock, Ready } from "../ports.ts";
import { object } from "../schemas.ts";
import type { ProxySettings } from "./proxy-settings.ts";
import { watchSending } from "./sending.ts";
import { type ApiErrorTable, type Attempt, toRotationError, unreadable } from "./tencent-errors.ts";
import { DEFAULT_TIMEOUT_MS, routeTo, tencentHost } from "./tencent-route.ts";

export interface TencentCredentials {
  readonly secretId: string;
  readonly secretKey: string;
  readonly token?: string | undefined;
}

/** Told of how a request ended, by the action's name in policies: `redis:DescribeInstances`. Without an error: with an answer. */
export type OnOutcome = (action: string, error?: RotationError) => void;

/** Where a Tencent client connects, with what, and how long. The same for every service and region. */
export interface TencentConnection {
  /** Asked at each request. */
  readonly credentials: () => Promise<TencentCredentials>;
  /** `intl`: the international site. Default: the Chinese one. */
  readonly site?: "intl" | undefined;
  /**
   * Connects there instead, as curl's `--connect-to` does: requests stay signed for and addressed to the real host.
   * `http:` only on loopback.
   */
  readonly endpointUrl?: string | undefined;
  /** The way to the cloud, where there is no direct one. */
  readonly proxy?: ProxySettings | undefined;
  /** PEM certificates to trust instead of the system's authorities. */
  readonly ca?: string | undefined;
  /** Aborted at the run's deadline. */
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** Waits for a place under `<region>/<action>` before each request. */
  readonly limiter: (key: string) => Promise<void>;
  /** Told of each request of the key that the cloud has refused as one too many. */
  readonly onThrottled?: ((key: string) => void) | undefined;
  /** Told of the cloud's id of each request that it has carried out. */
  readonly onAnswer?: ((requestId: string) => void) | undefined;
  /** Told of how each request of API 3.0 ended. */
  readonly onOutcome?: OnOutcome | undefined;
  /** How long to wait for an answer, once for its head and once for its body. Default: 10 000. */
  readonly timeoutMs?: number | undefined;
}

export interface TencentClientOptions extends Omit<TencentConnection, "credentials"> {
  /** `unsigned`: none are needed, for the actions that say so. */
  readonly credentials: TencentConnection["credentials"] | "unsigned";
  /** The service's name in its host, such as `redis`. */
  readonly service: string;
  /** The API version, such as `2018-04-12`. */
  readonly version: string;
  readonly region: string;
  readonly errors: ApiErrorTable;
}

interface TencentCall<Answer> {
  readonly action: string;
  readonly params: Readonly<Record<string, unknown>>;
  /** What the answer must be. Anything else is `NoAnswer`. */
  readonly answer: v.GenericSchema<unknown, Answer>;
  /** Whether the call changes something. Then it is sent once; a read is sent again after a passing failure. */
  readonly change: boolean;
  /** Values that no message may show; the credentials are masked anyway. */
  readonly secrets?: Iterable<string>;
  readonly ready?: Ready | undefined;
}

/** One call of an API 3.0 action. */
export type TencentClient = <Answer>(call: TencentCall<Answer>) => Promise<Answer>;

const identified = object({ RequestId: v.string() });

/** Between the requests of a read that fails for a passing reason. */
export const READ_PAUSES_MS: readonly number[] = [250, 500, 1000];

/**
 * A client of one Tencent Cloud API 3.0 service in one region, over the official SDK: POST, TC3-HMAC-SHA256. No
 * redirect is followed: a second request never carries the first one's body.
 * @throws RotationError `ConfigurationInvalid` where the region or the endpoint URL is not acceptable
 */
export function createTencentClient(options: TencentClientOptions): TencentClient {
  const { version, region, signal, clock, timeoutMs = DEFAULT_TIMEOUT_MS, credentials } = options;
  const unsigned = credentials === "unsigned";
  const host = tencentHost(options);
  const { protocol, agent } = routeTo(options);
  // Each request under way listens to it, and a fleet has many.
  setMaxListeners(0, signal);

  const send = async <Answer>(call: TencentCall<Answer>): Promise<Answer> => {
    const credential = unsigned ? NOBODY : await readCredentials(credentials);
    const { secretId, secretKey, token = "" } = credential;
    const sentCall = {
      ...call,
      // Made where a message has to be masked, and not for each call: a fleet has many passwords.
      get secrets() {
        return [...(call.secrets ?? []), secretId, secretKey, token];
      },
    };
    const { attempt, agentOf } = watch(agent);
    const httpProfile = {
      reqMethod: "POST",
      protocol,
      reqTimeout: timeoutMs / 1000,
      agent: agentOf,
    } as const;
    const client = new AbstractClient(host, version, {
      credential: { secretId, secretKey, ...(token && { token }) },
      region,
      profile: { httpProfile },
    });
    let response: unknown;
    try {
      response = await client.request(call.action, call.params, { signal, skipSign: unsigned });
    } catch (error) {
      throw toRotationError(error, sentCall, { ...attempt, aborted: signal.aborted }, options.errors);
    }
    const answer = v.safeParse(call.answer, response);
    const named = v.safeParse(identified, response);
    const requestId = named.success ? named.output.RequestId : undefined;
    if (!answer.success) {
      throw unreadable(sentCall, "the answer is not what the API promises", requestId);
    }
    if (requestId !== undefined) options.onAnswer?.(requestId);
    return answer.output;
  };

  return (call) =>
    withRetries(call, clock, async () => {
      const key = `${region}/${call.action}`;
      await options.limiter(key);
      await call.ready?.();
      const name = `${options.service}:${call.action}`;
      try {
        const answer = await send(call);
        options.onOutcome?.(name);
        return answer;
      } catch (error) {
        if (error instanceof RotationError) options.onOutcome?.(name, error);
        throw noteThrottling(error, key, options);
      }
    });
}

export function noteThrottling(
  error: unknown,
  key: string,
  { onThrottled }: Pick<TencentConnection, "onThrottled">,
): unknown {
  const isThrottled = error instanceof RotationError && /^(Store)?Throttled$/.test(error.code);
  if (isThrottled) onThrottled?.(key);
  return error;
}

/** Sends a change once, and a read again after a passing failure. */
export async function withRetries<Answer>(
  call: { readonly change: boolean },
  clock: Clock,
  send: () => Promise<Answer>,
): Promise<Answer> {
  const pauses = call.change ? [] : READ_PAUSES_MS;
  for (let sent = 0; ; sent++) {
    try {
      return await send();
    } catch (error) {
      const pauseMs = pauses[sent];
      const again = error instanceof RotationError && error.passing && error.code !== "InProgress";
      if (!again || pauseMs === undefined) throw error;
      await clock.sleep(pauseMs);
    }
  }
}

const NOBODY: TencentCredentials = { secretId: "", secretKey: "" };

/** Printable and without blanks: a stray line break would fail only inside the HTTP client, which quotes it. */
const credentialPart = v.pipe(v.string(), v.regex(/^[\x21-\x7e]+$/));
const credentialsShape = object({
  secretId: credentialPart,
  secretKey: credentialPart,
  token: v.optional(v.union([v.literal(""), credentialPart])),
});

export async function readCredentials(
  provider: () => Promise<TencentCredentials>,
): Promise<TencentCredentials> {
  const read = v.safeParse(credentialsShape, await provider());
  if (read.success) return read.output;
  throw new RotationError("CredentialsMissing", "The Tencent Cloud credentials are missing or malformed", {
    effect: "none",
  });
}

/** The method by which Node hands a request to its agent. Its types leave it out. */
interface TakesRequests {
  addRequest(request: ClientRequest, options: object): void;
}

/**
 * Watches one request on the shared agent. The SDK's errors do not say whether a connection stood, and its redirects
 * cannot be turned off; node-fetch, below it, asks a function for the agent of each request, a redirected one too.
 */
function watch(shared: HttpAgent): { attempt: Omit<Attempt, "aborted">; agentOf: HttpAgent } {
  const attempt = { sent: false, redirected: false, systemCode: undefined as string | undefined };
  let asked = false;
  const watched: HttpAgent & TakesRequests = Object.assign(Object.create(shared), {
    addRequest(request: ClientRequest, options: object) {
      watchSending(request, shared instanceof HttpsAgent, attempt);
      (shared as HttpAgent & TakesRequests).addRequest(request, options);
    },
  });
  const agentOf = () => {
    attempt.redirected = asked;
    if (asked) throw new Error("redirect not followed");
    asked = true;
    return watched;
  };
  return { attempt, agentOf: agentOf as unknown as HttpAgent };
}
