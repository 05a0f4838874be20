import { type Agent as HttpAgent, request as httpRequest, type RequestOptions } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { isIPv6, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { isBypassed, type ProxySettings } from "./proxy-settings.ts";
import { abortAfter } from "./runtime.ts";

/** There is no way through the proxy: nothing of the request was sent. The message says why, and what to do. */
export class ProxyFailure extends Error {
  override readonly name = "ProxyFailure";
  readonly code = "EPROXY";
}

/**
 * The same agent, through a proxy: each new connection to a host that NO_PROXY does not name goes through a tunnel (HTTP's
 * CONNECT, RFC 9110, section 9.3.6). The agent keeps and shares its connections as before. `timeoutMs` is for the
 * tunnel: before that a request has no socket, and node-fetch's own time-out does not run.
 */
export function throughProxy<Agent extends HttpAgent>(
  agent: Agent,
  proxy: ProxySettings | undefined,
  timeoutMs: number,
): Agent {
  if (proxy === undefined) return agent;
  const connect = agent.createConnection.bind(agent);
  const secure = agent instanceof HttpsAgent;
  agent.createConnection = (options, done) => {
    const host = options.host ?? "localhost";
    const port = Number(options.port);
    if (isBypassed(proxy.noProxy, host, port)) return connect(options);
    openTunnel(proxy, isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`, timeoutMs).then(
      // A tunnel takes the place of the connection, and TLS is spoken through it.
      (socket) =>
        done?.(null, secure ? (connect({ ...options, socket } as RequestOptions) as Duplex) : socket),
      (failure) => done?.(failure, undefined as unknown as Duplex),
    );
    return undefined;
  };
  return agent;
}

function openTunnel(proxy: ProxySettings, target: string, timeoutMs: number): Promise<Socket> {
  const { protocol, hostname, port, username, password } = new URL(proxy.url);
  const secure = protocol === "https:";
  const login = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`);
  const request = (secure ? httpsRequest : httpRequest)({
    host: hostname.replace(/^\[|\]$/g, ""),
    port: port || (secure ? 443 : 80),
    method: "CONNECT",
    path: target,
    // The connection becomes the tunnel: no agent keeps it, and no header may announce its end.
    agent: false,
    headers: {
      Host: target,
      Connection: "keep-alive",
      ...(login.length > 1 && { "Proxy-Authorization": `Basic ${login.toString("base64")}` }),
    },
  });
  return new Promise((resolve, reject) => {
    let waits = true;
    abortAfter(timeoutMs).addEventListener("abort", () => {
      if (waits) request.destroy(Object.assign(new Error(), { code: "ETIMEDOUT" }));
    });
    request.once("connect", ({ statusCode = 0 }, socket: Socket, head) => {
      waits = false;
      if (statusCode < 200 || statusCode > 299) {
        socket.destroy();
        return reject(
          new ProxyFailure(`the proxy answered ${statusCode}: ${ADVICE[statusCode] ?? OTHERWISE}`),
        );
      }
      if (head.length > 0) socket.unshift(head);
      resolve(socket);
    });
    request.once("error", ({ code = "no HTTP" }: NodeJS.ErrnoException) => {
      const advice = "compare the address in HTTPS_PROXY, or name the host in NO_PROXY";
      reject(new ProxyFailure(`the proxy cannot be reached, ${code}: ${advice}`));
    });
    request.end();
  });
}

const ADVICE: Readonly<Record<number, string>> = {
  403: "allow this host in the proxy, or name it in NO_PROXY",
  407: "put the right user and password into HTTPS_PROXY",
};
const OTHERWISE = "it has no connection to this host; see its log";
