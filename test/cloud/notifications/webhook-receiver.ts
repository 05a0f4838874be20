/** A webhook of one of the services, over HTTP. */
import { createServer, type IncomingMessage } from "node:http";
import type { WebhookFormat } from "../../../lib/notify-config.ts";
import type { Clock } from "../../../lib/ports.ts";
import { listen } from "../listen.ts";
import { type ReceivedMessage, WEBHOOK_SERVICES, type WebhookAnswer } from "./webhook-services.ts";

/** What it does in place of what the service would do: an answer, none at all, or one that is broken off. */
export type Fault = { readonly status: number; readonly body: string } | "hang" | "reset";

export interface WebhookReceiver {
  readonly format: WebhookFormat;
  /** For NOTIFY_WEBHOOK_URL, and all of NOTIFY_WEBHOOK_KEY. */
  readonly url: string;
  readonly key: string | undefined;
  /** What of the URL nobody else may know. */
  readonly token: string;
  readonly messages: readonly ReceivedMessage[];
  /** How many requests have come, whatever became of them. */
  readonly requests: () => number;
  /** From now on; undefined: it is as it should be again. */
  fault: Fault | undefined;
  close(): Promise<void>;
}

export async function startWebhookReceiver(
  format: WebhookFormat,
  clock: Pick<Clock, "now">,
): Promise<WebhookReceiver> {
  const { path, token, key, judge } = WEBHOOK_SERVICES[format];
  const messages: ReceivedMessage[] = [];
  let requests = 0;

  const server = createServer(async (request, response) => {
    requests += 1;
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { fault } = receiver;
    if (fault === "hang") return;
    if (fault === "reset") return void request.socket.destroy();
    const { status, body, message } = fault
      ? { ...fault, message: undefined }
      : judged(Buffer.concat(chunks).toString(), request);
    if (message !== undefined) messages.push(message);
    response.writeHead(status, { "content-type": "application/json" }).end(body);
  });

  function judged(body: string, { method, url = "/", headers }: IncomingMessage): WebhookAnswer {
    const isJson = headers["content-type"]?.startsWith("application/json");
    if (method !== "POST" || !isJson) return { status: 405, body: "" };
    return judge({ url: new URL(url, "http://localhost"), headers, body, nowMs: clock.now() });
  }

  const { port, close } = await listen(server);
  const receiver: WebhookReceiver = {
    format,
    url: `http://127.0.0.1:${port}${path}`,
    key,
    token,
    messages,
    requests: () => requests,
    fault: undefined,
    close,
  };
  return receiver;
}
