import { randomUUID } from "node:crypto";
import { cp, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type FunctionProcess, type LogLine, startFunction } from "../function-process.ts";
import type { Credential } from "../tencentdb/tc3.ts";
import { APP_ID, builtInVariables, checkVariables, NAMESPACE, UIN, type Variables } from "./environment.ts";

export interface ScfFunctionOptions {
  /** The folder of the function's code. The function gets a copy, which it can only read. */
  readonly code: string;
  /** What its owner has set. */
  readonly variables: Variables;
  /** Asked before each invocation: a role's credentials expire. Default: the function has no role. */
  readonly role?: () => Credential;
  /** Default `index.main_handler`. */
  readonly handler?: string;
  /** Default `redis-rotation`. */
  readonly functionName?: string;
  /** Default `ap-guangzhou`. */
  readonly region?: string;
  /** Default `Nodejs20.19`. */
  readonly runtime?: string;
  /** Default 128. */
  readonly memoryMegabytes?: number;
  /** Default 900. */
  readonly timeoutSeconds?: number;
  /** How often an asynchronous invocation is repeated after an error. Default 2. */
  readonly retries?: number;
  /** From an error to the next try. Default 60 000, as documented. */
  readonly retryAfterMs?: number;
  readonly onLog?: (line: LogLine) => void;
}

/** What SCF says of one execution. */
export interface Execution {
  readonly requestId: string;
  /** 200; or 406 event too large, 407 answer too large, 430 thrown, 433 time-out, 439 the process ended. */
  readonly statusCode: number;
  readonly answer?: unknown;
  readonly errorMessage?: string;
}

export interface ScfFunction {
  /** A synchronous invocation: one execution, whatever comes of it. */
  invoke(event: unknown): Promise<Execution>;
  /** An asynchronous one: repeated after an error, with the same request id. All executions, in order. */
  invokeLater(event: unknown): Promise<readonly Execution[]>;
  /** A timer rings: asynchronous. */
  ring(message?: string): Promise<readonly Execution[]>;
  /** How many instances have been started: a warm one serves many invocations, one at a time. */
  readonly instances: number;
  /** The most memory that an instance has had. */
  readonly peakMegabytes: number;
  /** The only folder that the function can write to: its /tmp. */
  readonly temporary: string;
  close(): Promise<void>;
}

const MEGABYTE = 1_048_576;
const MAX_ANSWER_BYTES = 6 * MEGABYTE;
const MAX_EVENT_BYTES = { sync: 6 * MEGABYTE, async: 131_072 } as const;

/**
 * A built bundle as Tencent Cloud SCF runs it. The code is read-only and /tmp is a folder of the function's own (TMPDIR):
 * Node's permission model sees to both, which binds root as well.
 *
 * @throws ApiError where SCF refuses the variables
 */
export async function startScfFunction(options: ScfFunctionOptions): Promise<ScfFunction> {
  const { variables, handler = "index.main_handler", functionName = "redis-rotation" } = options;
  const { region = "ap-guangzhou", runtime = "Nodejs20.19", memoryMegabytes = 128 } = options;
  const { timeoutSeconds = 900, retries = 2, retryAfterMs = 60_000, onLog } = options;
  checkVariables(Object.entries(variables).map(([Key, Value]) => ({ Key, Value })));
  const root = await mkdtemp(join(tmpdir(), "scf-"));
  const code = join(root, "user");
  const temporary = join(root, "tmp");
  await cp(options.code, code, { recursive: true });
  await mkdir(temporary);
  const [file = "", exported = ""] = handler.split(".");
  const builtIn = builtInVariables({ functionName, region, runtime });
  const started: FunctionProcess[] = [];
  const idle: FunctionProcess[] = [];

  async function start(): Promise<FunctionProcess> {
    const instance = await startFunction({
      bundle: join(code, `${file}.js`),
      exported,
      environment: { ...builtIn, ...variables, TMPDIR: temporary },
      timeoutMs: timeoutSeconds * 1_000,
      nodeOptions: [...permissions(temporary), `--max-old-space-size=${memoryMegabytes}`],
      ...(onLog && { onLog }),
    });
    started.push(instance);
    return instance;
  }

  function delivery(requestId: string, trigger: string | null) {
    const credential = options.role?.();
    const credentials = {
      TENCENTCLOUD_SECRETID: credential?.secretId ?? null,
      TENCENTCLOUD_SECRETKEY: credential?.secretKey ?? null,
      TENCENTCLOUD_SESSIONTOKEN: credential?.token ?? null,
    };
    const told = { SCF_NAMESPACE: NAMESPACE, ...(credential && credentials), ...variables };
    return {
      requestId,
      environment: { ...credentials, TRIGGER_SRC: trigger },
      context: {
        callbackWaitsForEmptyEventLoop: true,
        memory_limit_in_mb: memoryMegabytes,
        time_limit_in_ms: timeoutSeconds * 1_000,
        environment: JSON.stringify(told),
        environ: Object.entries(told)
          .map(([name, value]) => `${name}=${value}`)
          .join(";"),
        function_version: "$LATEST",
        function_name: functionName,
        namespace: NAMESPACE,
        tencentcloud_region: region,
        tencentcloud_appid: APP_ID,
        tencentcloud_uin: UIN,
      },
    };
  }

  async function execute(event: unknown, requestId: string, trigger: string | null): Promise<Execution> {
    const warm = idle.pop();
    const instance = warm?.process.connected ? warm : await start();
    let late = false;
    const killer = setTimeout(() => {
      late = true;
      instance.process.kill("SIGKILL");
    }, timeoutSeconds * 1_000);
    try {
      const answer = await instance.invoke(event, delivery(requestId, trigger));
      idle.push(instance);
      if (bytes(answer) > MAX_ANSWER_BYTES) {
        return failure(requestId, 407, "The size of response exceeds the upper limit (6MB)");
      }
      return { requestId, statusCode: 200, answer };
    } catch (error) {
      if (late) return failure(requestId, 433, `Invoking task timed out after ${timeoutSeconds} seconds`);
      const { name, message } = error as Error;
      if (name === "Exit") return failure(requestId, 439, "User process exit when running");
      idle.push(instance);
      return failure(requestId, 430, `${name}: ${message}`);
    } finally {
      clearTimeout(killer);
    }
  }

  async function invokeLater(event: unknown, trigger: string | null = null): Promise<readonly Execution[]> {
    const requestId = randomUUID();
    if (bytes(event) > MAX_EVENT_BYTES.async) return [failure(requestId, 406, "RequestTooLarge")];
    const executions: Execution[] = [];
    for (;;) {
      const execution = await execute(event, requestId, trigger);
      executions.push(execution);
      if (execution.statusCode === 200 || executions.length > retries) return executions;
      await sleep(retryAfterMs);
    }
  }

  return {
    async invoke(event) {
      const requestId = randomUUID();
      if (bytes(event) > MAX_EVENT_BYTES.sync) return failure(requestId, 406, "RequestTooLarge");
      return execute(event, requestId, null);
    },
    invokeLater: (event) => invokeLater(event),
    ring(message = "") {
      const Time = new Date().toISOString().replace(/\.\d+Z$/, "Z");
      return invokeLater({ Type: "Timer", TriggerName: "rotation", Time, Message: message }, "timer");
    },
    get instances() {
      return started.length;
    },
    get peakMegabytes() {
      return Math.max(0, ...started.map(({ peakKilobytes }) => peakKilobytes / 1_024));
    },
    temporary,
    async close() {
      await Promise.all(started.map((instance) => instance.close()));
      await rm(root, { recursive: true, force: true });
    },
  };
}

function failure(requestId: string, statusCode: number, errorMessage: string): Execution {
  return { requestId, statusCode, errorMessage };
}

function bytes(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value) ?? "");
}

function permissions(writable: string): string[] {
  const flags = process.allowedNodeEnvironmentFlags;
  return [
    flags.has("--permission") ? "--permission" : "--experimental-permission",
    "--disable-warning=ExperimentalWarning",
    "--allow-fs-read=*",
    `--allow-fs-write=${writable}/*`,
    // Later versions of Node shut the network as well.
    ...(flags.has("--allow-net") ? ["--allow-net"] : []),
  ];
}
