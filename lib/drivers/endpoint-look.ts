import { request as httpRequest } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import type { Clock } from "../ports.ts";
import { abortAfter } from "./runtime.ts";
import { systemCodeOf } from "./sending.ts";
import type { Route } from "./tencent-route.ts";

export interface EndpointLookOptions {
  /** Its host and port; the route's agent may connect elsewhere. */
  readonly url: URL;
  readonly route: Pick<Route, "agent">;
  readonly clock: Clock;
  /** Until the answer's head is there. Default 5 000. */
  readonly timeoutMs?: number;
}

/** What is found where an API is served. */
export type EndpointLook =
  /** `aheadMs`: how far this machine's clock is ahead of the answer's Date header, at least. */
  | { readonly answered: true; readonly aheadMs?: number }
  | { readonly answered: false; readonly reason: string };

/**
 * Asks an endpoint for its front page: without a signature, so that it answers whoever asks. Any answer will do. It shows that the
 * name resolves, that there is a way, through a proxy too, and that the certificate is accepted. Never throws.
 */
export function lookAtEndpoint({
  url,
  route,
  clock,
  timeoutMs = 5_000,
}: EndpointLookOptions): Promise<EndpointLook> {
  const { hostname, host, port } = url;
  const request = route.agent instanceof HttpsAgent ? httpsRequest : httpRequest;
  const startedAt = clock.now();
  return new Promise((resolve) => {
    const fail = (reason: string) => resolve({ answered: false, reason });
    const asked = request({
      agent: route.agent,
      host: hostname.replace(/^\[|\]$/g, ""),
      ...(port && { port }),
      path: "/",
      headers: { Host: host },
    });
    // A request that waits for a tunnel says nothing before it has one.
    abortAfter(timeoutMs).addEventListener("abort", () => {
      fail(`no answer within ${timeoutMs / 1000} s`);
      asked.destroy();
    });
    asked.once("error", (error) => fail(reasonOf(error)));
    asked.once("response", (response) => {
      response.resume();
      const dateMs = Date.parse(response.headers.date ?? "");
      // It was written at some time meanwhile, and cut to the second.
      const aheadMs = Math.max(0, startedAt - dateMs - 1_000) + Math.min(0, clock.now() - dateMs);
      resolve({ answered: true, ...(!Number.isNaN(aheadMs) && { aheadMs }) });
    });
    asked.end();
  });
}

const REASONS: Readonly<Record<string, string>> = {
  ENOTFOUND: "the name cannot be resolved",
  EAI_AGAIN: "the name cannot be resolved",
  ECONNREFUSED: "the connection was refused",
  ECONNRESET: "the connection was reset",
  ETIMEDOUT: "no connection in time",
  EHOSTUNREACH: "there is no route to the host",
  ENETUNREACH: "there is no route to the host",
};

function reasonOf(error: Error): string {
  const code = systemCodeOf(error);
  if (code === undefined) return "the connection failed";
  if (/CERT|UNABLE_TO_/.test(code)) return `the certificate is not accepted (${code})`;
  // Of a proxy it is a whole sentence.
  return code.includes(" ") ? code : `${REASONS[code] ?? "the connection failed"} (${code})`;
}
