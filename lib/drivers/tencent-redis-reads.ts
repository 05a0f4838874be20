import type * as v from "valibot";
import { RotationError } from "../errors.ts";
import type { InstanceRef, Task } from "../ports.ts";
import { mask } from "./mask.ts";
import {
  instanceList,
  instanceOf,
  taskInfo,
  taskList,
  taskResult,
  taskState,
  toApiTime,
} from "./tencent-redis-answers.ts";

import type { SharedReadCalls } from "./tencent-redis-shared.ts";

/** One read of the API. */
export type RedisRead = <Answer>(
  ref: Pick<InstanceRef, "region">,
  action: string,
  params: Record<string, unknown>,
  answer: v.GenericSchema<unknown, Answer>,
) => Promise<Answer>;

/** FLOW_SETPWD and FLOW_MODIFYINSTANCEACCOUNT in DescribeTaskList's list of task types. */
export const PASSWORD_TASK = "007";
export const ACCOUNT_TASK = "037";

/** The largest page of every list. */
export const MAX_ITEMS = 100;

/** How far the clocks of this process and of the control plane may differ. */
const SKEW_MS = 60_000;

/** DescribeInstances and DescribeTaskInfo, and what tells of many at once. `passwords`: no message may show them. */
export function redisReads(read: RedisRead, passwords: ReadonlySet<string>): SharedReadCalls {
  return {
    async instance(ref) {
      const params = { InstanceId: ref.instanceId };
      const { InstanceSet } = await read(ref, "DescribeInstances", params, instanceList);
      const found = InstanceSet?.find(({ InstanceId }) => InstanceId === ref.instanceId);
      if (found) return instanceOf(found);
      const message = `DescribeInstances: ${ref.instanceId} is not in ${ref.region}`;
      throw new RotationError("InstanceNotFound", message, { effect: "none" });
    },

    async instances(region, instanceIds) {
      const params = { InstanceIds: instanceIds, Limit: instanceIds.length };
      const { InstanceSet } = await read({ region }, "DescribeInstances", params, instanceList);
      return new Map((InstanceSet ?? []).map((found) => [found.InstanceId, instanceOf(found)]));
    },

    async task(ref, taskId) {
      const answer = await read(ref, "DescribeTaskInfo", { TaskId: taskId }, taskInfo);
      const state = taskState(answer.Status.toLowerCase());
      if (state !== "failed" || !answer.TaskMessage) return { taskId, state };
      return { taskId, state, message: mask(answer.TaskMessage, [...passwords]) };
    },

    async tasks(region, taskIds, since) {
      const found = new Map<number, Task>();
      const isWanted = new Set(taskIds);
      // Others of the account stand in the list, too. What is not on the first pages is asked for by itself.
      for (let offset = 0; offset <= MAX_ITEMS; offset += MAX_ITEMS) {
        const params = {
          TaskTypes: [PASSWORD_TASK, ACCOUNT_TASK],
          BeginTime: toApiTime(new Date(since.getTime() - SKEW_MS)),
          Limit: MAX_ITEMS,
          Offset: offset,
        };
        const { Tasks } = await read({ region }, "DescribeTaskList", params, taskList);
        for (const { TaskId, Result } of Tasks ?? []) {
          if (isWanted.has(TaskId)) found.set(TaskId, { taskId: TaskId, state: taskResult(Result) });
        }
        if (found.size === taskIds.length || (Tasks?.length ?? 0) < MAX_ITEMS) break;
      }
      return found;
    },
  };
}
