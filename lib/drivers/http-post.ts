import { type Agent as HttpAgent, request as httpRequest } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import { abortAfter } from "./runtime.ts";
import { systemCodeOf, watchSending } from "./sending.ts";
import type { Attempt } from "./tencent-errors.ts";

export interface Post {
  readonly agent: HttpAgent;
  /** For the header Host; the agent may connect elsewhere. */
  readonly host: string;
  /** With the query. */
  readonly path: string;
  /** Content-Type, and what else the service asks for. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Aborted at the run's deadline. */
  readonly signal: AbortSignal;
  /** Once for the answer's head and once for its body. */
  readonly timeoutMs: number;
  /** A longer answer counts as none. */
  readonly maxAnswerBytes: number;
}

/** What came back, or what became of the request on its way. */
export type Posted = { readonly status: number; readonly text: string } | { readonly lost: Attempt };

/** Posts a body, once. Follows no redirect. */
export async function post(given: Post): Promise<Posted> {
  const { agent, host, path, body, signal, timeoutMs } = given;
  const attempt = { sent: false, redirected: false, systemCode: undefined as string | undefined };
  if (signal.aborted) return { lost: { ...attempt, aborted: true } };

  const secure = agent instanceof HttpsAgent;
  const request = httpRequest({
    protocol: secure ? "https:" : "http:",
    agent,
    host,
    path,
    method: "POST",
    headers: { ...given.headers, Host: host, "Content-Length": Buffer.byteLength(body) },
  });
  watchSending(request, secure, attempt);

  let awaited: "head" | "body" | "nothing" = "head";
  const limit = (phase: typeof awaited) => {
    awaited = phase;
    abortAfter(timeoutMs).addEventListener("abort", () => {
      if (awaited === phase) stop("ETIMEDOUT");
    });
  };
  let giveUp: (reason: Error) => void = () => {};
  const stop = (systemCode?: string) => {
    attempt.systemCode ??= systemCode;
    const stopped = new Error("stopped");
    request.destroy(stopped);
    // A request that waits for a tunnel says nothing before it has one.
    giveUp(stopped);
  };
  const stopAtDeadline = () => stop();
  signal.addEventListener("abort", stopAtDeadline, { once: true });

  try {
    const head = new Promise<Posted>((resolve, reject) => {
      giveUp = reject;
      request.on("error", reject);
      request.once("response", (response) => {
        limit("body");
        readText(response, given.maxAnswerBytes).then(
          (text) => resolve({ status: response.statusCode ?? 0, text }),
          reject,
        );
      });
    });
    limit("head");
    request.end(body);
    return await head;
  } catch (error) {
    attempt.systemCode ??= systemCodeOf(error);
    return { lost: { ...attempt, aborted: signal.aborted } };
  } finally {
    awaited = "nothing";
    signal.removeEventListener("abort", stopAtDeadline);
  }
}

async function readText(chunks: AsyncIterable<Buffer>, maxBytes: number): Promise<string> {
  const read: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.length;
    // Ends the connection, too.
    if (bytes > maxBytes) throw Object.assign(new Error("too long"), { code: "EMSGSIZE" });
    read.push(chunk);
  }
  return Buffer.concat(read).toString("utf8");
}
