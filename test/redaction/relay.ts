import {
  Agent,
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type ServerResponse,
} from "node:http";
import { listen } from "../cloud/listen.ts";
import type { Marks } from "./marks.ts";
import { note } from "./notes.ts";

/** A request as it came in, with what it holds that nobody may be told. */
export interface Relayed {
  readonly action: string;
  /** Names of headers in small letters. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly secrets: readonly string[];
}

/** Bytes that are sent in place of an HTTP response, after which the connection ends; or none at all. */
export type Answer = string | "reset" | "hang";

export interface Indiscretion {
  /** `*`: whatever it is. */
  readonly action: string;
  /** Only requests with this text in their body, or about a task of an instance of this name. Default: all. */
  readonly about?: string | RegExp;
  readonly answer: (request: Relayed) => Answer;
  /** How many requests are answered like this. Default 1. */
  readonly times?: number;
  /** The local cloud carries the request out first. Default false. */
  readonly carriedOut?: boolean;
}

/** Tells afterwards whether a request came that was answered like this. */
export interface Planned {
  readonly met: number;
  /** No further request is. */
  end(): void;
}

export interface Relay {
  readonly url: string;
  readonly actions: ReadonlySet<string>;
  plan(indiscretion: Indiscretion): Planned;
  close(): Promise<void>;
}

/** Stands before a local cloud, notes every secret that passes, and where it is told to, answers with what it was sent. */
export async function startRelay(upstream: string, marks: Marks): Promise<Relay> {
  // A connection that is kept may end just when it is used again.
  const agent = new Agent({ keepAlive: false });
  const actions = new Set<string>();
  const instanceOfTask = new Map<number, string>();
  let plans: { indiscretion: Indiscretion; met: number; left: number }[] = [];

  const take = ({ action, body }: Relayed) => {
    const taskIds = [...body.matchAll(/(?:TaskId"?s?"?[:=[]+|requestId=)(\d+)/g)].map(([, id]) => Number(id));
    const subject = [body, ...taskIds.map((id) => instanceOfTask.get(id))].join(" ");
    const plan = plans.find(
      ({ indiscretion: { action: planned, about = "" }, left }) =>
        left > 0 &&
        (planned === "*" || planned === action) &&
        (typeof about === "string" ? subject.includes(about) : about.test(body)),
    );
    if (plan !== undefined) {
      plan.left -= 1;
      plan.met += 1;
    }
    return plan?.indiscretion;
  };

  const answer = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await textOf(incoming);
    const headers = Object.fromEntries(
      Object.entries(incoming.headers).map(([name, value]) => [name, String(value)]),
    );
    const action = actionOf(headers, body);
    actions.add(action);
    const request: Relayed = { action, headers, body, secrets: note(marks, headers, body) };
    const indiscretion = take(request);
    if (indiscretion === undefined || indiscretion.carriedOut) {
      const answered = await forward(incoming, body, upstream, agent);
      note(marks, {}, answered.text);
      const [, taskId] = /"(?:TaskId|requestId)":(\d+)/.exec(answered.text) ?? [];
      const [, instanceId] = /(?:"InstanceId":"|redisId=)([\w-]+)/.exec(body) ?? [];
      if (taskId && instanceId) instanceOfTask.set(Number(taskId), instanceId);
      if (indiscretion === undefined) {
        response.writeHead(answered.status, answered.headers).end(answered.text);
        return;
      }
    }
    const bytes = indiscretion.answer(request);
    const { socket } = incoming;
    if (bytes === "reset") socket.resetAndDestroy();
    else if (bytes !== "hang") socket.end(bytes);
  };
  const server = createServer((incoming, response) => {
    // Upstream ends a connection where a call is to be lost.
    answer(incoming, response).catch(() => incoming.socket.destroy());
  });
  const listening = await listen(server);
  return {
    url: `http://127.0.0.1:${listening.port}`,
    actions,
    plan(indiscretion) {
      const plan = { indiscretion, met: 0, left: indiscretion.times ?? 1 };
      plans.push(plan);
      return {
        get met() {
          return plan.met;
        },
        end() {
          plans = plans.filter((each) => each !== plan);
        },
      };
    },
    close() {
      agent.destroy();
      return listening.close();
    },
  };
}

function actionOf(headers: Readonly<Record<string, string>>, body: string): string {
  const target = headers["x-tc-action"] ?? headers["x-amz-target"]?.split(".").at(-1);
  if (target !== undefined) return target;
  const action = new URLSearchParams(body).get("Action") ?? "";
  return body.includes("SignatureMethod=") ? `${action} (API 2.0)` : action;
}

function forward(incoming: IncomingMessage, body: string, upstream: string, agent: Agent) {
  const { hostname: host, port } = new URL(upstream);
  const { method, url: path, headers } = incoming;
  return new Promise<{ status: number; headers: IncomingMessage["headers"]; text: string }>(
    (resolve, reject) => {
      const request = httpRequest({ agent, host, port, method, path, headers }, (answer) => {
        textOf(answer).then((text) => {
          const { "transfer-encoding": _, ...rest } = answer.headers;
          resolve({ status: answer.statusCode ?? 0, headers: rest, text });
        }, reject);
      });
      request.on("error", reject);
      request.end(body);
    },
  );
}

async function textOf(chunks: AsyncIterable<Buffer>): Promise<string> {
  const read: Buffer[] = [];
  for await (const chunk of chunks) read.push(chunk);
  return Buffer.concat(read).toString("utf8");
}
