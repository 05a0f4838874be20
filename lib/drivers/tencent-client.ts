import { setMaxListeners } from "node:events";
import { type ClientRequest, Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import { isIP } from "node:net";
import { AbstractClient } from "tencentcloud-sdk-nodejs/tencentcloud/common/abstract_client.js";
import * as z from "zod/mini";
import { RotationError } from "../errors.ts";
import type { Clock } from "../ports.ts";
import { type ApiErrorTable, type Attempt, toRotationError, unreadable } from "./tencent-errors.ts";

export interface TencentCredentials {
  readonly secretId: string;
  readonly secretKey: string;
  readonly token?: string | undefined;
}

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
  /** PEM certificates to trust instead of the system's authorities. */
  readonly ca?: string | undefined;
  /** Aborted at the run's deadline. */
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** Waits for a place under `<region>/<action>` before each request. */
  readonly limiter: (key: string) => Promise<void>;
  /** How long to wait for an answer, once for its head and once for its body. Default: 10 000. */
  readonly timeoutMs?: number | undefined;
}

export interface TencentClientOptions extends TencentConnection {
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
  readonly answer: z.ZodMiniType<Answer>;
  /** Whether the call changes something. Then it is sent once; a read is sent again after a passing failure. */
  readonly change: boolean;
  /** Values that no message may show; the credentials are masked anyway. */
  readonly secrets?: Iterable<string>;
}

/** One call of an API 3.0 action. */
export type TencentClient = <Answer>(call: TencentCall<Answer>) => Promise<Answer>;

const DEFAULT_TIMEOUT_MS = 10_000;
const READ_PAUSES_MS = [250, 500, 1000];

/**
 * A client of one Tencent Cloud API 3.0 service in one region, over the official SDK: POST, TC3-HMAC-SHA256. No
 * redirect is followed: a second request never carries the first one's body.
 * @throws RotationError `ConfigurationInvalid` where the region or the endpoint URL is not acceptable
 */
export function createTencentClient(options: TencentClientOptions): TencentClient {
  const { version, region, signal, clock, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
  const host = tencentHost(options);
  const { protocol, agent } = routeTo(options.endpointUrl, options.ca);
  // Each request under way listens to it, and a fleet has many.
  setMaxListeners(0, signal);

  const send = async <Answer>(call: TencentCall<Answer>): Promise<Answer> => {
    const credential = await readCredentials(options.credentials);
    const { secretId, secretKey, token = "" } = credential;
    const sentCall = { ...call, secrets: [...(call.secrets ?? []), secretId, secretKey, token] };
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
      response = await client.request(call.action, call.params, { signal });
    } catch (error) {
      throw toRotationError(error, sentCall, { ...attempt, aborted: signal.aborted }, options.errors);
    }
    const answer = z.safeParse(call.answer, response);
    if (!answer.success) {
      const { data } = z.safeParse(z.object({ RequestId: z.string() }), response);
      throw unreadable(sentCall, "the answer is not what the API promises", data?.RequestId);
    }
    return answer.data;
  };

  return async (call) => {
    const pauses = call.change ? [] : READ_PAUSES_MS;
    for (let sent = 0; ; sent++) {
      await options.limiter(`${region}/${call.action}`);
      try {
        return await send(call);
      } catch (error) {
        const pauseMs = pauses[sent];
        const again = error instanceof RotationError && error.passing && error.code !== "InProgress";
        if (!again || pauseMs === undefined) throw error;
        await clock.sleep(pauseMs);
      }
    }
  };
}

/**
 * The host of a service for a region: one for all ordinary regions of a site, and its own for each finance region,
 * which has no `intl` in its name on either site.
 * @throws RotationError `ConfigurationInvalid` where the region is not a region's name
 */
export function tencentHost(place: {
  readonly service: string;
  readonly region: string;
  readonly site?: "intl" | undefined;
}): string {
  const { service, region, site } = place;
  if (!/^[a-z]+(-[a-z0-9]+)+$/.test(region)) throw invalid("The region is not a region's name");
  if (region.endsWith("-fsi")) return `${service}.${region}.tencentcloudapi.com`;
  return site === "intl" ? `${service}.intl.tencentcloudapi.com` : `${service}.tencentcloudapi.com`;
}

function invalid(message: string): RotationError {
  return new RotationError("ConfigurationInvalid", message, { effect: "none" });
}

/** Printable and without blanks: a stray line break would fail only inside the HTTP client, which quotes it. */
const credentialPart = z.string().check(z.regex(/^[\x21-\x7e]+$/));
const credentialsShape = z.object({
  secretId: credentialPart,
  secretKey: credentialPart,
  token: z.optional(z.union([z.literal(""), credentialPart])),
});

async function readCredentials(provider: () => Promise<TencentCredentials>): Promise<TencentCredentials> {
  const read = z.safeParse(credentialsShape, await provider());
  if (read.success) return read.data;
  throw new RotationError("CredentialsMissing", "The Tencent Cloud credentials are missing or malformed", {
    effect: "none",
  });
}

interface Route {
  readonly protocol: "http://" | "https://";
  readonly agent: HttpAgent;
}

/** Shared by all clients of the process, so that a warm function finds its connections again. */
const routes = new Map<string, Route>();

const KEEP_IDLE_MS = 15_000;

function routeTo(endpointUrl: string | undefined, ca: string | undefined): Route {
  const key = JSON.stringify([endpointUrl, ca]);
  const known = routes.get(key);
  if (known) return known;
  const url = endpointUrl === undefined ? undefined : parseEndpoint(endpointUrl);
  const route = url?.protocol === "http:" ? plainRoute(url) : tlsRoute(url, ca);
  routes.set(key, route);
  return route;
}

function plainRoute(url: URL): Route {
  const target = { host: bareHost(url), port: Number(url.port || 80) };
  return { protocol: "http://", agent: new HttpAgent({ keepAlive: true, timeout: KEEP_IDLE_MS, ...target }) };
}

function tlsRoute(url: URL | undefined, ca: string | undefined): Route {
  const host = url && bareHost(url);
  // An agent's own options win over the request's, so the certificate is checked for the host connected to.
  const target = host && { host, port: Number(url.port || 443), servername: isIP(host) ? "" : host };
  const agent = new HttpsAgent({ keepAlive: true, timeout: KEEP_IDLE_MS, ...target, ...(ca && { ca }) });
  return { protocol: "https://", agent };
}

/** @throws RotationError `ConfigurationInvalid` where the URL is not one that passwords may be sent to */
export function parseEndpoint(endpointUrl: string): URL {
  if (!URL.canParse(endpointUrl)) throw invalid("TENCENTCLOUD_ENDPOINT_URL is not a URL");
  const url = new URL(endpointUrl);
  if (url.protocol !== "https:" && !(url.protocol === "http:" && isLoopback(bareHost(url)))) {
    throw invalid("TENCENTCLOUD_ENDPOINT_URL must be https, or http on a loopback address");
  }
  if (url.href !== `${url.origin}/`) {
    throw invalid("TENCENTCLOUD_ENDPOINT_URL must have a scheme, a host and a port, and nothing else");
  }
  return url;
}

function bareHost(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, "");
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
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
      request.once("socket", (socket) => {
        const connected = shared instanceof HttpsAgent ? "secureConnect" : "connect";
        attempt.sent = request.reusedSocket;
        if (attempt.sent) return;
        socket.once(connected, () => {
          attempt.sent = true;
        });
      });
      request.once("error", (error: NodeJS.ErrnoException) => {
        attempt.systemCode = error.code;
      });
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
