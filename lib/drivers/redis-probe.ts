import { setMaxListeners } from "node:events";
import { isIP } from "node:net";
import { createSecureContext, rootCertificates, type SecureContext } from "node:tls";
import { inspect } from "node:util";
import { Redis, ReplyError } from "iovalkey";
import type { Probe, ProbeTarget, ProbeVerdict } from "../ports.ts";

export interface RedisProbeOptions {
  /** For the connection and, with TLS, its handshake. Default 2 000. */
  readonly connectTimeoutMs?: number;
  /** For each answer. Default 2 000. */
  readonly commandTimeoutMs?: number;
  /** PEM of authorities that are trusted besides the system's. */
  readonly ca?: string;
  /** Ends what is under way when the run's time is used up. */
  readonly signal?: AbortSignal;
}

/**
 * A probe that asks Redis itself: a fresh connection, AUTH, PING, and nothing else. The default account is asked with
 * one argument; a custom account first with `account@password`, as TencentDB takes it, then with account and password
 * apart, as Redis 6 does.
 */
export function redisProbe(options: RedisProbeOptions = {}): Probe {
  const { signal } = options;
  // Every probe that is under way listens; more than ten look like a leak to Node, which would print a warning.
  if (signal !== undefined) setMaxListeners(0, signal);
  // To read all authorities takes longer than a probe does: once is enough.
  let context: SecureContext | undefined;
  const trusted = (ca: string) => {
    context ??= createSecureContext({ ca: [...rootCertificates, ca] });
    return context;
  };

  const ask = async (target: ProbeTarget, credentials: readonly string[]): Promise<ProbeVerdict> => {
    if (signal?.aborted) return { answer: "unknown", reason: TIME_USED_UP };
    const redis = new Redis({
      host: target.host,
      port: target.port,
      family: 0,
      lazyConnect: true,
      enableReadyCheck: false,
      enableOfflineQueue: false,
      retryStrategy: () => null,
      connectTimeout: options.connectTimeoutMs ?? 2_000,
      commandTimeout: options.commandTimeoutMs ?? 2_000,
      ...(target.ssl && {
        tls: {
          rejectUnauthorized: true,
          ...(isIP(target.host) === 0 && { servername: target.host }),
          ...(options.ca !== undefined && { secureContext: trusted(options.ca) }),
        },
      }),
    });
    // The call that fails only says that the connection closed; the event says why.
    let closedBy: unknown;
    redis.on("error", (error) => {
      closedBy ??= error;
    });
    const close = () => {
      if (redis.status === "end") return;
      redis.disconnect();
      // disconnect waits for the far end to close, too.
      redis.stream?.destroy();
    };
    signal?.addEventListener("abort", close, { once: true });
    try {
      await redis.connect();
      return await authenticate(redis, credentials);
    } catch (error) {
      if (signal?.aborted) return { answer: "unknown", reason: TIME_USED_UP };
      return {
        answer: "unknown",
        reason: reasonOf(error instanceof ReplyError ? error : (closedBy ?? error)),
      };
    } finally {
      signal?.removeEventListener("abort", close);
      close();
    }
  };

  return async (target) => {
    const { username, password } = target;
    if (username === "default") return ask(target, [password]);
    const joined = await ask(target, [`${username}@${password}`]);
    return joined.answer === "rejected" ? ask(target, [username, password]) : joined;
  };
}

const TIME_USED_UP = "the time of this run is used up";

async function authenticate(redis: Redis, credentials: readonly string[]): Promise<ProbeVerdict> {
  const auth = await reply(redis.call("AUTH", ...credentials.map(masked)));
  if (auth instanceof Error) {
    if (REJECTED.test(auth.message)) return { answer: "rejected" };
    // Before Redis 6 an account cannot be named: the form that was asked first is the only one there is.
    if (credentials.length === 2 && WRONG_ARITY.test(auth.message)) return { answer: "rejected" };
    throw auth;
  }
  if (auth !== "OK") return { answer: "unknown", reason: "the answer to AUTH is neither OK nor an error" };

  // Some proxies say OK to AUTH and ask the server behind them later.
  const ping = await reply(redis.call("PING"));
  const refused = ping instanceof Error && (REJECTED.test(ping.message) || /^NOAUTH\b/.test(ping.message));
  return { answer: refused ? "rejected" : "accepted" };
}

/** The server's answer, be it an error. What is no answer is thrown. */
async function reply(answer: Promise<unknown>): Promise<unknown> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof ReplyError) return error;
    throw error;
  }
}

// The client shows a command's arguments in its debug output and in its errors.
function masked(text: string): Buffer {
  return Object.assign(Buffer.from(text), { [inspect.custom]: () => "<masked>" });
}

const REJECTED = new RegExp(
  [
    "^WRONGPASS\\b",
    "^ERR invalid password",
    "^ERR AUTH <password> called without any password configured",
    "^ERR Client sent AUTH, but no password is set",
  ].join("|"),
  "i",
);
const WRONG_ARITY = /^ERR wrong number of arguments/i;

// An answer may quote the command and with it the password: nothing of its text is passed on.
const REASONS: readonly (readonly [RegExp, string])[] = [
  [/^ERR max number of clients/i, "the server takes no more connections"],
  [/^LOADING\b/, "the server is still loading its data"],
  [/^DENIED\b/, "the server is in protected mode"],
  [/^NOPERM\b/, "the server does not permit AUTH"],
];

const NETWORK: Readonly<Record<string, string>> = {
  ECONNREFUSED: "the connection was refused",
  ECONNRESET: "the connection was reset",
  EPIPE: "the connection was reset",
  ETIMEDOUT: "no connection in time",
  EHOSTUNREACH: "there is no route to the host",
  ENETUNREACH: "there is no route to the host",
  ENOTFOUND: "the host name cannot be resolved",
  EAI_AGAIN: "the host name cannot be resolved",
};

/** Node's codes for a certificate that it does not accept. */
const CERTIFICATE = /CERT|UNABLE_TO_|^CRL_|HOSTNAME_MISMATCH/;

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return "the connection failed";
  const { message } = error;
  if (error instanceof ReplyError) {
    const known = REASONS.find(([pattern]) => pattern.test(message));
    return known?.[1] ?? "the server answered AUTH with an error that says nothing about the password";
  }
  if ("code" in error && typeof error.code === "string") {
    if (CERTIFICATE.test(error.code)) return `the certificate is not accepted (${error.code})`;
    return NETWORK[error.code] ?? `the connection failed (${error.code})`;
  }
  if (message === "Command timed out") return "no answer in time";
  if (message.startsWith("Protocol error")) return "the answer is not Redis's protocol";
  return "the connection was closed without an answer";
}
