import { createAccountActions } from "./account-actions.ts";
import { ApiError } from "./api-error.ts";
import { type ActionContext, type Actions, defineAction, readPage } from "./define-action.ts";
import type { Instance } from "./instances.ts";
import { createPasswordActions } from "./password-actions.ts";
import { describeTask, describeTaskInfo, readTime, resultNumber, wholeSeconds } from "./task-answers.ts";

const DAY_MS = 86_400_000;

/** API 3.0, version 2018-04-12: what touches the accounts' passwords, and what tells of it. */
export function createActions(context: ActionContext): Actions {
  const { clock, instances, tasks } = context;
  const statusOf = (instance: Instance) =>
    instance.status === 2 && tasks.isBusy(instance.instanceId) ? 1 : instance.status;

  return {
    ...createPasswordActions(context),
    ...createAccountActions(context),

    DescribeTaskInfo: defineAction({ TaskId: "integer!" }, (region, { TaskId }) => {
      const task = tasks.find(TaskId);
      if (task === undefined || task.region !== region) {
        throw new ApiError("InvalidParameter.InvalidParameter", "Business parameter error.");
      }
      return describeTaskInfo(task, clock.now());
    }),

    DescribeTaskList: defineAction(
      {
        InstanceId: "string",
        InstanceName: "string",
        Limit: "integer",
        Offset: "integer",
        ProjectIds: "integers",
        TaskTypes: "strings",
        BeginTime: "string",
        EndTime: "string",
        TaskStatus: "integers",
        Result: "integers",
        OperatorUin: "integers",
        OperateUin: "strings",
      },
      (region, values) => {
        const { InstanceId, TaskTypes, Result, BeginTime, EndTime, Limit = 20, Offset = 0 } = values;
        if (InstanceId !== undefined) instances.find(region, InstanceId);
        const beginMs = Math.max(readTime(BeginTime) ?? 0, clock.now() - 30 * DAY_MS);
        const endMs = readTime(EndTime) ?? Number.POSITIVE_INFINITY;
        const found = tasks.since(wholeSeconds(beginMs)).filter((task) => {
          const startedAtMs = wholeSeconds(task.startedAtMs);
          if (task.region !== region || (InstanceId !== undefined && task.instanceId !== InstanceId))
            return false;
          if (startedAtMs > endMs) return false;
          if (TaskTypes !== undefined && !TaskTypes.includes(task.taskType)) return false;
          return Result === undefined || Result.includes(resultNumber(task, clock.now()));
        });
        const page = readPage(Limit, Offset, 100);
        return {
          TotalCount: found.length,
          Tasks: page(found).map((task) => describeTask(task, clock.now())),
        };
      },
    ),

    DescribeInstances: defineAction(
      {
        InstanceId: "string",
        InstanceIds: "strings",
        Limit: "integer",
        Offset: "integer",
        Status: "integers",
      },
      (region, { InstanceId, InstanceIds, Status, Limit = 20, Offset = 0 }) => {
        if (InstanceId !== undefined) instances.find(region, InstanceId);
        const named = InstanceId === undefined ? InstanceIds : [InstanceId];
        const found = instances.inRegion(region, named).filter((instance) => {
          return Status === undefined || Status.includes(statusOf(instance));
        });
        const page = readPage(Limit, Offset, 1000);
        const set = page(found).map((instance) => ({
          InstanceId: instance.instanceId,
          InstanceName: instance.instanceId,
          Status: statusOf(instance),
          WanIp: instance.wanIp,
          Port: instance.port,
          NoAuth: instance.noAuth,
          Type: instance.type,
          Engine: instance.type === 3 || instance.type === 4 ? "CKV" : "Redis",
          Region: instance.region,
        }));
        return { TotalCount: found.length, InstanceSet: set };
      },
    ),

    DescribeInstancePasswordPolicy: defineAction({ InstanceId: "string!" }, (region, { InstanceId }) => {
      const { passwordPolicy } = instances.find(region, InstanceId);
      return { PasswordPolicy: passwordPolicy ?? { Enabled: false } };
    }),
  };
}
