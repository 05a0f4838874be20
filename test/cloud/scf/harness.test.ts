import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type ScfFunction, type ScfFunctionOptions, startScfFunction } from "./harness.ts";

const CODE = `
const { writeFileSync } = require("node:fs");
const { join } = require("node:path");
const { setTimeout: sleep } = require("node:timers/promises");
let calls = 0;
exports.main_handler = async (event, context) => {
  calls += 1;
  switch (event.do) {
    case "tell": return { calls, env: process.env, context, remainingMs: context.getRemainingTimeInMillis() };
    case "write": return writeFileSync(join(event.temporary ? process.env.TMPDIR : __dirname, "new"), "text");
    case "sleep": return sleep(event.ms);
    case "exit": return process.exit(0);
    case "answer": return "x".repeat(event.bytes);
    case "fail":
      if (calls > event.times) return { calls };
      throw Object.assign(new Error("call " + calls), { name: "TryAgain" });
  }
};`;

interface Told {
  readonly calls: number;
  readonly env: Readonly<Record<string, string>>;
  readonly context: Readonly<Record<string, unknown>>;
  readonly remainingMs: number;
}

let code: string;
let scf: ScfFunction | undefined;
beforeAll(async () => {
  code = await mkdtemp(join(tmpdir(), "scf-code-"));
  await writeFile(join(code, "index.js"), CODE);
});
afterEach(async () => {
  await scf?.close();
  scf = undefined;
});
afterAll(() => rm(code, { recursive: true, force: true }));

async function start(options: Partial<ScfFunctionOptions> = {}): Promise<ScfFunction> {
  scf = await startScfFunction({ code, variables: {}, retryAfterMs: 0, ...options });
  return scf;
}

async function tell(target: ScfFunction): Promise<Told> {
  const { answer } = await target.invoke({ do: "tell" });
  return answer as Told;
}

describe("what a function is told", () => {
  it("are its limits, its names and the request's id", async () => {
    const told = await start({ functionName: "mine", memoryMegabytes: 256, timeoutSeconds: 30 });
    const { requestId, answer } = await told.invoke({ do: "tell" });
    const { context, env, remainingMs } = answer as Told;
    expect(context).toMatchObject({
      request_id: requestId,
      function_name: "mine",
      function_version: "$LATEST",
      namespace: "default",
      memory_limit_in_mb: 256,
      time_limit_in_ms: 30_000,
      tencentcloud_region: "ap-guangzhou",
    });
    expect(remainingMs).toBeGreaterThan(25_000);
    expect(remainingMs).toBeLessThanOrEqual(30_000);
    expect(env).toMatchObject({ TENCENTCLOUD_RUNENV: "SCF", SCF_FUNCTIONNAME: "mine" });
    expect(context.awsRequestId).toBeUndefined();
  });

  it("are its variables, in the environment and as JSON in the context", async () => {
    const { env, context } = await tell(await start({ variables: { COLOUR: "blue" } }));
    expect(env.COLOUR).toBe("blue");
    expect(JSON.parse(String(context.environment))).toEqual({ SCF_NAMESPACE: "default", COLOUR: "blue" });
  });

  it("are its role's credentials, new for each invocation of a warm instance", async () => {
    let turn = 0;
    const role = () => {
      turn += 1;
      return { secretId: `id-${turn}`, secretKey: `key-${turn}`, token: `token-${turn}` };
    };
    const warm = await start({ role });
    const [first, second] = [await tell(warm), await tell(warm)];
    expect([first.calls, second.calls]).toEqual([1, 2]);
    expect(first.env.TENCENTCLOUD_SECRETID).toBe("id-1");
    expect(second.env).toMatchObject({
      TENCENTCLOUD_SECRETID: "id-2",
      TENCENTCLOUD_SECRETKEY: "key-2",
      TENCENTCLOUD_SESSIONTOKEN: "token-2",
    });
    expect(String(second.context.environment)).toContain("token-2");
  });

  it("are no credentials where it has no role", async () => {
    const { env } = await tell(await start());
    expect(Object.keys(env).filter((name) => name.startsWith("TENCENTCLOUD_SE"))).toEqual([]);
  });
});

describe("what a function may not", () => {
  it("is to write where its code is", async () => {
    const { statusCode, errorMessage } = await (await start()).invoke({ do: "write" });
    expect(statusCode).toBe(430);
    expect(errorMessage).toContain("restricted");
  });

  it("but it may write to its /tmp", async () => {
    expect(await (await start()).invoke({ do: "write", temporary: true })).toMatchObject({ statusCode: 200 });
  });

  it("is to take longer than its time-out: it is killed, and the next invocation finds a new instance", async () => {
    const slow = await start({ timeoutSeconds: 1 });
    expect(await slow.invoke({ do: "sleep", ms: 60_000 })).toMatchObject({ statusCode: 433 });
    expect((await tell(slow)).calls).toBe(1);
    expect(slow.instances).toBe(2);
  });

  it("is to end its process", async () => {
    expect(await (await start()).invoke({ do: "exit" })).toMatchObject({ statusCode: 439 });
  });

  it("is to answer more than 6 MB", async () => {
    const large = await start();
    expect(await large.invoke({ do: "answer", bytes: 6_291_454 })).toMatchObject({ statusCode: 200 });
    expect(await large.invoke({ do: "answer", bytes: 6_291_455 })).toMatchObject({ statusCode: 407 });
  });

  it.each([
    ["more than 6 MB at once", 6_300_000, "invoke"],
    ["more than 128 KB later", 131_072, "invokeLater"],
  ] as const)("is to be asked %s", async (_, size, how) => {
    const asked = await start();
    const executions = [await asked[how]({ padding: "x".repeat(size) })].flat();
    expect(executions).toMatchObject([{ statusCode: 406 }]);
    expect(asked.instances).toBe(0);
  });
});

describe("an asynchronous invocation", () => {
  it("is repeated twice after an error, with the same request id", async () => {
    const executions = await (await start()).invokeLater({ do: "fail", times: 9 });
    expect(executions.map(({ errorMessage }) => errorMessage)).toEqual([
      "TryAgain: call 1",
      "TryAgain: call 2",
      "TryAgain: call 3",
    ]);
    expect(new Set(executions.map(({ requestId }) => requestId)).size).toBe(1);
  });

  it("is not repeated any more once it has succeeded", async () => {
    const executions = await (await start()).invokeLater({ do: "fail", times: 1 });
    expect(executions.map(({ statusCode }) => statusCode)).toEqual([430, 200]);
  });

  it("of a timer has the timer's event and name", async () => {
    const code = await mkdtemp(join(tmpdir(), "scf-echo-"));
    await writeFile(
      join(code, "index.js"),
      "exports.main_handler = async (event) => ({ event, source: process.env.TRIGGER_SRC });",
    );
    const [execution] = await (await start({ code })).ring("hello");
    await rm(code, { recursive: true });
    expect(execution?.answer).toEqual({
      event: {
        Type: "Timer",
        TriggerName: "rotation",
        Time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
        Message: "hello",
      },
      source: "timer",
    });
  });
});

it("an instance serves one invocation at a time", async () => {
  const busy = await start();
  await Promise.all([busy.invoke({ do: "sleep", ms: 50 }), busy.invoke({ do: "sleep", ms: 50 })]);
  await busy.invoke({ do: "sleep", ms: 0 });
  expect(busy.instances).toBe(2);
});

it("the harness tells the most memory that an instance has had", async () => {
  const told = await start();
  await tell(told);
  expect(told.peakMegabytes).toBeGreaterThan(10);
});

describe("SCF refuses variables", () => {
  it.each([
    ["of its own prefixes", { SCF_NAMESPACE: "mine" }, "EnvironmentSystemProtect"],
    ["that are Tencent Cloud's", { TENCENTCLOUD_SITE: "intl" }, "EnvironmentSystemProtect"],
    ["that are the old QCloud's", { QCLOUD_APPID: "1" }, "EnvironmentSystemProtect"],
    ["of more than 4 KB together", { A_LIST: "x".repeat(4_096) }, "EnvironmentExceededLimit"],
    ["with other characters in the name", { "A-B": "1" }, "Environment"],
    ["with a name of one letter", { A: "1" }, "Environment"],
    ["with nothing in them", { VERIFY: "" }, "Environment"],
  ])("%s", async (_, variables, code) => {
    await expect(start({ variables: variables as unknown as Record<string, string> })).rejects.toMatchObject({
      code: `InvalidParameterValue.${code}`,
    });
  });
});
