import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { onTestFinished } from "vitest";

export type Reply = (response: ServerResponse) => void;

interface ReceivedRequest {
  readonly method: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface LoopbackApi {
  readonly url: string;
  readonly requests: readonly ReceivedRequest[];
  readonly connections: () => number;
  close(): Promise<void>;
}

/** A server that gives its replies in order, the last one for ever, whatever is asked. */
export async function startLoopbackApi(
  replies: readonly Reply[],
  tls?: { readonly key: string; readonly cert: string },
): Promise<LoopbackApi> {
  const requests: ReceivedRequest[] = [];
  const sockets = new Set<Socket>();
  const server = tls ? createTlsServer(tls) : createServer();
  server.on("connection", (socket: Socket) => sockets.add(socket));
  server.on("request", (request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const { method, headers } = request;
      requests.push({ method, headers, body: Buffer.concat(chunks).toString() });
      replies[Math.min(requests.length, replies.length) - 1]?.(response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `${tls ? "https" : "http"}://127.0.0.1:${port}`,
    requests,
    connections: () => sockets.size,
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

/** The same for one test, closed when it is over. */
export async function serve(...replies: Reply[]): Promise<LoopbackApi> {
  const api = await startLoopbackApi(replies);
  onTestFinished(() => api.close());
  return api;
}

export const text =
  (body: string, status = 200, headers: Record<string, string> = {}): Reply =>
  (response) =>
    response.writeHead(status, { "Content-Type": "application/json", ...headers }).end(body);

export const answer = (fields: Record<string, unknown>): Reply =>
  text(JSON.stringify({ Response: { RequestId: "request-1", ...fields } }));

export const apiError = (code: string, message = "Refused."): Reply =>
  answer({ Error: { Code: code, Message: message } });

export const reset: Reply = (response) => response.socket?.destroy();
export const hang: Reply = () => {};
