import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { TLSSocket } from "node:tls";
import type { Clock } from "../../../lib/ports.ts";
import { listen } from "../listen.ts";
import { type CallWatcher, DroppedCall, underWatch } from "../watched-call.ts";
import { ApiError } from "./api-error.ts";
import { parseHost } from "./endpoints.ts";
import { BrokenReply } from "./faults.ts";
import type { TencentDb } from "./model.ts";
import { type Credential, verifyTc3 } from "./tc3.ts";
import {
  createQcloudFront,
  type QcloudAnswerStyle,
  type QcloudArrival,
  type QcloudFront,
} from "./v2/front.ts";

interface Service extends Pick<TencentDb, "dispatch"> {
  /** Actions that are called with `SKIP` in place of a signature. Default: none. */
  readonly unsignedActions?: readonly string[];
}

export interface TencentServerOptions {
  readonly clock: Clock;
  /** By the first label of the Host header: `redis`. */
  readonly services: Readonly<Record<string, Service>>;
  /** The keys that may sign. Looked at for each request. */
  readonly credentials: readonly Credential[];
  /** PEM texts: serves https instead of http. */
  readonly tls?: { readonly key: string; readonly cert: string };
  /** Default: a free one. */
  readonly port?: number;
  readonly onCall?: CallWatcher | undefined;
  /** How API 2.0 writes its answers. */
  readonly qcloudStyle?: QcloudAnswerStyle;
}

export interface TencentServer {
  /** Where to connect. Requests are addressed to the real hosts all the same. */
  readonly url: string;
  /** Also ends the calls that hang. */
  close(): Promise<void>;
}

/**
 * On 127.0.0.1, by the Host header: API 3.0, `POST /` with JSON, or GET; and API 2.0, `/v2/index.php` with a form, or GET.
 * HTTP 200 for every error that has a code.
 */
export async function startTencentServer(options: TencentServerOptions): Promise<TencentServer> {
  const fronts = new Map(
    Object.entries(options.services).map(([name, service]) => [
      name,
      createQcloudFront({ ...options, service, style: options.qcloudStyle }),
    ]),
  );
  const listener: RequestListener = (request, response) => {
    answer(request, response, options, fronts).catch((error: unknown) => {
      console.error(error);
      response.writeHead(500).end("A defect of the local cloud");
    });
  };
  const server = options.tls === undefined ? createServer(listener) : createTlsServer(options.tls, listener);
  const { port, close } = await listen(server, options.port);
  return {
    url: `${options.tls === undefined ? "http" : "https"}://127.0.0.1:${port}`,
    close,
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  options: TencentServerOptions,
  fronts: ReadonlyMap<string, QcloudFront>,
): Promise<void> {
  const body = await readBody(request);
  const [path = "/", query = ""] = (request.url ?? "/").split("?");
  const { host = "" } = request.headers;
  const { method = "" } = request;
  response.setHeader("date", new Date(options.clock.now()).toUTCString());
  const endpoint = parseHost(host);
  const service = options.services[endpoint?.service ?? ""];
  const front = fronts.get(endpoint?.service ?? "");
  if (service === undefined || front === undefined || (endpoint?.legacy !== true && path !== "/")) {
    response.writeHead(404).end("No API is served here");
    return;
  }
  const requestId = randomUUID();
  try {
    if (endpoint?.legacy === true) {
      const form = new URLSearchParams(method === "POST" ? body.toString("utf8") : query);
      sendJson(response, await serveForm({ method, host, path, form, requestId }, front, options));
    } else {
      sendJson(response, await serveJson({ request, path, query, body, requestId }, service, options));
    }
  } catch (error) {
    if (error instanceof BrokenReply) {
      breakReply(error.fault, request, response);
    } else if (error instanceof DroppedCall) {
      request.socket.destroy();
    } else {
      throw error;
    }
  }
}

/** API 2.0. */
function serveForm(
  arrival: QcloudArrival,
  front: QcloudFront,
  { onCall }: TencentServerOptions,
): Promise<unknown> {
  const watched = { callId: arrival.requestId, action: arrival.form.get("Action") ?? "" };
  return underWatch(onCall, watched, () => front(arrival));
}

interface JsonArrival {
  readonly request: IncomingMessage;
  readonly path: string;
  readonly query: string;
  readonly body: Buffer;
  readonly requestId: string;
}

/** API 3.0. */
async function serveJson(
  { request, path, query, body, requestId }: JsonArrival,
  service: Service,
  options: TencentServerOptions,
): Promise<unknown> {
  const headers: Record<string, string | undefined> = {};
  for (const [name, value] of Object.entries(request.headers)) headers[name] = value?.toString();
  const { method = "" } = request;
  const parameters = readRequest(method, headers["content-type"] ?? "", query, body);
  const call = {
    host: headers.host ?? "",
    method,
    action: headers["x-tc-action"] ?? "",
    version: headers["x-tc-version"] ?? "",
    region: headers["x-tc-region"],
    parameters: parameters instanceof ApiError ? {} : parameters,
    requestId,
  };
  const authenticate = () => {
    const nowMs = options.clock.now();
    const mayBeUnsigned = service.unsignedActions?.includes(call.action) === true;
    if (!mayBeUnsigned || headers.authorization !== "SKIP") {
      verifyTc3({ method, path, query, headers, body }, { credentials: options.credentials, nowMs });
    }
    if (parameters instanceof ApiError) throw parameters;
  };
  try {
    const watched = { callId: requestId, action: call.action };
    const fields = await underWatch(options.onCall, watched, () => service.dispatch(call, authenticate));
    return { Response: { ...fields, RequestId: requestId } };
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    const { code: Code, message: Message } = error;
    return { Response: { Error: { Code, Message }, RequestId: requestId } };
  }
}

function breakReply(fault: BrokenReply["fault"], request: IncomingMessage, response: ServerResponse): void {
  switch (fault.kind) {
    case "status":
      response.writeHead(fault.status, { "content-type": "text/html" }).end("<html></html>");
      return;
    case "not-json":
      response.writeHead(200, { "content-type": "text/html" }).end("<html>Please try again later</html>");
      return;
    case "empty":
      sendJson(response, {});
      return;
    case "redirect":
      response.writeHead(307, { location: fault.location }).end();
      return;
    case "reset":
      if (request.socket instanceof TLSSocket) request.socket.destroy();
      else request.socket.resetAndDestroy();
      return;
    case "hang":
      return;
  }
}

function readRequest(
  method: string,
  contentType: string,
  query: string,
  body: Buffer,
): Readonly<Record<string, unknown>> | ApiError {
  if (method === "GET") return Object.fromEntries(new URLSearchParams(query));
  if (method !== "POST" || !/^application\/json\b/i.test(contentType)) {
    return new ApiError("UnsupportedProtocol", "Use POST with JSON, or GET.");
  }
  try {
    const parsed: unknown = JSON.parse(body.toString("utf8"));
    if (typeof parsed === "object" && parsed !== null && !Array.isArray(parsed)) return { ...parsed };
  } catch {
    // The parser's own message quotes the body.
  }
  return new ApiError("InvalidParameter", "The request body is not a JSON object.");
}

function sendJson(response: ServerResponse, content: unknown): void {
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(content));
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
