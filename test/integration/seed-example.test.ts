import { afterAll, beforeAll, expect, it } from "vitest";
import { redisProbe } from "../../lib/drivers/redis-probe.ts";
import { systemClock } from "../../lib/drivers/runtime.ts";
import { tencentRedis } from "../../lib/drivers/tencent-redis.ts";
import type { Task } from "../../lib/ports.ts";
import { createTencentDb } from "../cloud/tencentdb/model.ts";
import { type RedisServer, startRedisServer } from "../cloud/tencentdb/redis-server.ts";
import { startTencentServer, type TencentServer } from "../cloud/tencentdb/server.ts";

// The sample in the document of ResetPassword, API 3.0.
const INSTANCE = { region: "ap-guangzhou", instanceId: "crs-5a4py64p" };
const ACCOUNT = { ...INSTANCE, username: "default", api: "ResetPassword" } as const;
const PASSWORD = "zy456987";
const TASK_ID = 16657;
const KEY = { secretId: "AKIDlocal", secretKey: "local-key" };

/** One call as it was on the wire: the names of its fields, and the values that are no secret. */
interface Exchange {
  readonly host: string;
  readonly action: string;
  readonly version: string;
  readonly region: string | undefined;
  readonly request: readonly string[];
  readonly answer: Readonly<Record<string, unknown>>;
}

let redis: RedisServer;
let server: TencentServer;
const wire: Exchange[] = [];

beforeAll(async () => {
  redis = await startRedisServer({ password: "before-1" });
  const db = createTencentDb({
    clock: systemClock,
    instances: [{ ...INSTANCE, wanIp: redis.host, port: redis.port }],
    setPassword: (_, __, password) => redis.setPassword(password),
    firstTaskId: TASK_ID,
    taskDurationMs: 300,
    taskTailMs: 100,
  });
  const recorded: Pick<typeof db, "dispatch"> = {
    async dispatch(call, authenticate) {
      const answer = await db.dispatch(call, authenticate);
      const { host, action, version, region, parameters } = call;
      wire.push({ host, action, version, region, request: Object.keys(parameters).sort(), answer });
      return answer;
    },
  };
  server = await startTencentServer({
    clock: systemClock,
    services: { redis: recorded },
    credentials: [KEY],
  });
});
afterAll(async () => {
  await server?.close();
  await redis?.stop();
});

it("resets the password of the document's sample: a task that is polled until it succeeds", async () => {
  const controlPlane = tencentRedis({
    credentials: async () => KEY,
    endpointUrl: server.url,
    signal: AbortSignal.timeout(10_000),
    clock: systemClock,
    limiter: async () => {},
  });

  const { taskId } = await controlPlane.changePassword(ACCOUNT, { password: PASSWORD });
  expect(taskId).toBe(TASK_ID);
  let task: Task;
  do {
    await systemClock.sleep(60);
    task = await controlPlane.describeTask(ACCOUNT, taskId);
  } while (task.state === "running");
  expect(task).toEqual({ taskId: TASK_ID, state: "succeeded" });

  const place = { host: "redis.tencentcloudapi.com", version: "2018-04-12", region: "ap-guangzhou" };
  const [sent, ...polls] = wire;
  expect(sent).toEqual({
    ...place,
    action: "ResetPassword",
    request: ["InstanceId", "Password"],
    answer: { TaskId: TASK_ID },
  });
  expect(polls.length).toBeGreaterThan(1);
  for (const poll of polls) {
    expect(poll).toMatchObject({ ...place, action: "DescribeTaskInfo", request: ["TaskId"] });
  }
  const statuses = polls.map(({ answer }) => answer.Status);
  expect(statuses.at(-1)).toBe("succeed");
  expect(statuses.indexOf("succeed")).toBe(statuses.length - 1);

  const probe = redisProbe();
  const target = { host: redis.host, port: redis.port, ssl: false, username: "default" };
  expect(await probe({ ...target, password: PASSWORD })).toEqual({ answer: "accepted" });
  expect(await probe({ ...target, password: "before-1" })).toEqual({ answer: "rejected" });
});
