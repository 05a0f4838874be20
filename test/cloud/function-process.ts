import { type ChildProcess, fork } from "node:child_process";
import { randomUUID } from "node:crypto";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

export interface FunctionOptions {
  /** Path of the bundle. */
  readonly bundle: string;
  /** The name of its export: `handler` on Lambda, `main_handler` on SCF. */
  readonly exported: string;
  /** All that the function sees of an environment. */
  readonly environment: Readonly<Record<string, string>>;
  /** Called with each JSON line that the function logs. */
  readonly onLog?: (line: LogLine) => void;
  /** As set on the platform. Default 900 s. */
  readonly timeoutMs?: number;
  /** Options of Node itself. Default: none. */
  readonly nodeOptions?: readonly string[];
}

/** What a platform brings along with an invocation. */
export interface Delivery {
  /** Default: a new one. */
  readonly requestId?: string;
  /** Variables that the platform sets, or with null takes away, before it calls the handler. */
  readonly environment?: Readonly<Record<string, string | null>>;
  /** Fields of the context besides `request_id` and the time left. Default: those that the functions here read. */
  readonly context?: Readonly<Record<string, unknown>>;
}

export type LogLine = Readonly<Record<string, unknown>> & { readonly msg?: string };

export interface FunctionProcess {
  /** One invocation. Rejects with what the handler throws. */
  invoke(event: unknown, delivery?: Delivery): Promise<unknown>;
  /** The most memory that the process has had so far, as it told with its last answer. */
  readonly peakKilobytes: number;
  readonly process: ChildProcess;
  close(): Promise<void>;
}

interface Reply {
  readonly id?: string;
  readonly answer?: unknown;
  readonly error?: { readonly name: string; readonly message: string };
  readonly peakKilobytes?: number;
}

/** The Node that bundles run on: `BUNDLES_NODE`, or the one at hand. */
export const BUNDLES_NODE = process.env.BUNDLES_NODE ?? process.execPath;

const HOST = fileURLToPath(new URL("function-host.mjs", import.meta.url));

/** A built bundle in a process of its own, as a platform runs it: warm for the next invocation. */
export async function startFunction(options: FunctionOptions): Promise<FunctionProcess> {
  const { bundle, exported, environment, onLog, timeoutMs = 900_000, nodeOptions = [] } = options;
  const child = fork(HOST, [bundle, exported], {
    env: { PATH: process.env.PATH ?? "", ...environment },
    execPath: BUNDLES_NODE,
    execArgv: [...nodeOptions],
    stdio: ["ignore", "pipe", "inherit", "ipc"],
  });
  const waiting = new Map<string, (reply: Reply) => void>();
  child.on("message", (reply: Reply) => waiting.get(reply.id ?? "ready")?.(reply));
  child.on("exit", () => {
    for (const answer of waiting.values()) answer({ error: { name: "Exit", message: "The function ended" } });
  });
  if (child.stdout) {
    createInterface({ input: child.stdout }).on("line", (line) => onLog?.(JSON.parse(line)));
  }
  const replyTo = (id: string) =>
    new Promise<Reply>((resolve) => {
      waiting.set(id, (reply) => {
        waiting.delete(id);
        resolve(reply);
      });
    });
  const ready = await replyTo("ready");
  if (ready.error) throw new Error(ready.error.message);

  let peak = 0;
  return {
    process: child,
    get peakKilobytes() {
      return peak;
    },
    async invoke(event, { requestId: id = randomUUID(), ...delivery } = {}) {
      const reply = replyTo(id);
      child.send({ id, event, timeoutMs, ...delivery });
      const { answer, error, peakKilobytes = peak } = await reply;
      peak = peakKilobytes;
      if (error) throw Object.assign(new Error(error.message), { name: error.name });
      return answer;
    },
    async close() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = new Promise((resolve) => child.once("exit", resolve));
      child.kill();
      await exited;
    },
  };
}
