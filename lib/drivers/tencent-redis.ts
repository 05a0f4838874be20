import * as z from "zod/mini";
import { RotationError } from "../errors.ts";
import type { ControlPlane, Instance, InstanceRef, Task } from "../ports.ts";
import { createTencentClient, type TencentClient, type TencentConnection } from "./tencent-client.ts";
import { mask, REDIS_API_ERRORS } from "./tencent-errors.ts";

/** How to reach TencentDB for Redis. One set of options serves every region. */
export type TencentRedisOptions = TencentConnection;

/** FLOW_SETPWD in DescribeTaskList's list of task types. */
const PASSWORD_TASK = "007";

/** DescribeTaskList takes and tells times without a zone: Beijing's, as the console shows them. */
const API_TIME_OFFSET_MS = 8 * 60 * 60 * 1000;

/** DescribeTaskList's largest page. */
const MAX_TASKS = 100;

const CKV_TYPES: readonly unknown[] = [3, 4];

/** Numbers may come as text. */
const integer = z.pipe(
  z.union([z.number(), z.string().check(z.regex(/^\d+$/))]),
  z.pipe(z.transform(Number), z.int()),
);
const taskId = z.pipe(integer, z.int().check(z.positive()));

const taskStarted = z.object({ TaskId: taskId });

const taskInfo = z.object({ Status: z.string(), TaskMessage: z.nullish(z.string()) });

const taskList = z.object({
  Tasks: z.nullable(
    z.array(z.object({ TaskId: taskId, StartTime: z.nullish(z.string()), Result: z.nullish(integer) })),
  ),
});

const instanceList = z.object({
  InstanceSet: z.nullable(
    z.array(
      z.object({
        InstanceId: z.string(),
        Status: z.number(),
        WanIp: z.nullish(z.string()),
        Port: z.nullish(integer),
        NoAuth: z.nullish(z.boolean()),
        Type: z.nullish(integer),
      }),
    ),
  ),
});

const passwordPolicy = z.object({
  PasswordPolicy: z.nullish(
    z.object({
      Enabled: z.nullish(z.boolean()),
      MinLength: z.nullish(integer),
      MinLetterCount: z.nullish(integer),
      MinDigitCount: z.nullish(integer),
      MinSpecialCount: z.nullish(integer),
    }),
  ),
});

/**
 * TencentDB for Redis through API 3.0, version 2018-04-12: DescribeInstances, DescribeInstancePasswordPolicy,
 * ResetPassword, DescribeTaskInfo and DescribeTaskList. Reads are sent up to four times while they fail for a
 * passing reason, ResetPassword once.
 */
export function tencentRedis(options: TencentRedisOptions): ControlPlane {
  const clients = new Map<string, TencentClient>();
  const passwords = new Set<string>();

  const client = (region: string): TencentClient => {
    const made =
      clients.get(region) ??
      createTencentClient({
        ...options,
        service: "redis",
        version: "2018-04-12",
        region,
        errors: REDIS_API_ERRORS,
      });
    clients.set(region, made);
    return made;
  };

  const read = async <Answer>(
    { region }: InstanceRef,
    action: string,
    params: Record<string, unknown>,
    answer: z.ZodMiniType<Answer>,
  ): Promise<Answer> => client(region)({ action, params, answer, change: false, secrets: passwords });

  return {
    async describeInstance(instance) {
      const params = { InstanceId: instance.instanceId };
      const { InstanceSet } = await read(instance, "DescribeInstances", params, instanceList);
      const found = InstanceSet?.find(({ InstanceId }) => InstanceId === instance.instanceId);
      if (!found) {
        const message = `DescribeInstances: ${instance.instanceId} is not in ${instance.region}`;
        throw new RotationError("InstanceNotFound", message, { effect: "none" });
      }
      return {
        state: instanceState(found.Status),
        ...(found.WanIp && { host: found.WanIp }),
        ...(found.Port && { port: found.Port }),
        passwordFree: found.NoAuth === true,
        edition: CKV_TYPES.includes(found.Type) ? "ckv" : "redis",
      };
    },

    async describePasswordPolicy(instance) {
      const params = { InstanceId: instance.instanceId };
      const action = "DescribeInstancePasswordPolicy";
      const { PasswordPolicy: policy } = await read(instance, action, params, passwordPolicy).catch(
        (error) => {
          if (isRefusal(error)) return { PasswordPolicy: undefined };
          throw error;
        },
      );
      if (!policy?.Enabled) return undefined;
      // The defaults that the API documents for what is left out.
      return {
        minLength: policy.MinLength ?? 8,
        minLetters: policy.MinLetterCount ?? 1,
        minDigits: policy.MinDigitCount ?? 1,
        minSpecials: policy.MinSpecialCount ?? 1,
      };
    },

    async changePassword({ region, instanceId }, password) {
      passwords.add(password);
      const { TaskId } = await client(region)({
        action: "ResetPassword",
        params: { InstanceId: instanceId, Password: password },
        answer: taskStarted,
        change: true,
        secrets: passwords,
      });
      return { taskId: TaskId };
    },

    async describeTask(instance, taskId) {
      const answer = await read(instance, "DescribeTaskInfo", { TaskId: taskId }, taskInfo);
      const state = taskState(answer.Status.toLowerCase());
      if (state !== "failed" || !answer.TaskMessage) return { taskId, state };
      return { taskId, state, message: mask(answer.TaskMessage, [...passwords]) };
    },

    async newestPasswordTask(instance, since) {
      const params = {
        InstanceId: instance.instanceId,
        TaskTypes: [PASSWORD_TASK],
        BeginTime: toApiTime(since),
        Limit: MAX_TASKS,
      };
      const { Tasks } = await read(instance, "DescribeTaskList", params, taskList);
      const tasks = (Tasks ?? [])
        .map(({ TaskId, StartTime, Result }) => ({
          taskId: TaskId,
          startTime: StartTime ?? "",
          state: taskResult(Result),
        }))
        .sort((a, b) => a.startTime.localeCompare(b.startTime) || a.taskId - b.taskId);
      // A queued task has no start time yet, and is the newest all the same.
      const newest = tasks.findLast(({ state }) => state === "running") ?? tasks.at(-1);
      return newest && { taskId: newest.taskId, state: newest.state };
    },
  };
}

/** Whether the cloud answered that it does not serve the call: an older endpoint, an edition without it, no grant. */
function isRefusal(error: unknown): boolean {
  return error instanceof RotationError && error.requestId !== undefined && !error.passing;
}

function instanceState(status: number): Instance["state"] {
  if (status === 2) return "running";
  return status === -2 || status === -3 ? "gone" : "busy";
}

/** DescribeTaskInfo's words. A word that is not known is not an end. */
function taskState(status: string): Task["state"] {
  if (status === "succeed") return "succeeded";
  return status === "failed" || status === "error" ? "failed" : "running";
}

/** DescribeTaskList's numbers. */
function taskResult(result: number | null | undefined): Task["state"] {
  if (result === 2) return "succeeded";
  return result === 4 ? "failed" : "running";
}

/** `2021-12-30 00:00:00`, rounded down to the second. */
function toApiTime(time: Date): string {
  return new Date(time.getTime() + API_TIME_OFFSET_MS).toISOString().slice(0, 19).replace("T", " ");
}
