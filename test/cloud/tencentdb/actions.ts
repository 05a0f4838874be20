import type { Clock } from "../../../lib/ports.ts";
import { ApiError } from "./api-error.ts";
import type { Instance, InstanceList } from "./instances.ts";
import { type ParameterSpec, type ParameterValues, readParameters } from "./parameters.ts";
import { acceptsPassword } from "./password-rules.ts";
import {
  describeTask,
  describeTaskInfo,
  FLOW_SETPWD,
  readTime,
  resultNumber,
  wholeSeconds,
} from "./task-answers.ts";
import type { TaskList } from "./tasks.ts";

/** The fields of an answer, without its RequestId. */
export type Fields = Readonly<Record<string, unknown>>;

export type Action = (region: string, parameters: Fields, fromQuery: boolean) => Fields;

function defineAction<const S extends ParameterSpec>(
  spec: S,
  run: (region: string, values: ParameterValues<S>) => Fields,
): Action {
  return (region, parameters, fromQuery) => run(region, readParameters(spec, parameters, fromQuery));
}

export interface ActionContext {
  readonly clock: Clock;
  readonly instances: InstanceList;
  readonly tasks: TaskList;
  readonly changePassword: (instance: Instance, password: string) => Promise<void>;
}

const DAY_MS = 86_400_000;

/** API 3.0, version 2018-04-12: what touches the default account's password, and what tells of it. */
export function createActions(context: ActionContext): Readonly<Record<string, Action>> {
  const { clock, instances, tasks } = context;
  const statusOf = (instance: Instance) =>
    instance.status === 2 && tasks.isBusy(instance.instanceId) ? 1 : instance.status;

  return {
    ResetPassword: defineAction(
      { InstanceId: "string!", Password: "string", NoAuth: "boolean", EncryptPassword: "boolean" },
      (region, { InstanceId, Password, NoAuth, EncryptPassword }) => {
        const instance = instances.find(region, InstanceId);
        if (NoAuth === true) {
          throw new ApiError("InvalidParameterValue.PasswordFreeDenied", "Password-free access is denied.");
        }
        if (EncryptPassword === true) {
          throw new ApiError("UnsupportedOperation", "Encrypted passwords are not supported.");
        }
        if (Password === undefined) {
          throw new ApiError("MissingParameter", "The request is missing a required parameter `Password`.");
        }
        if (!acceptsPassword(Password, instance.type, instance.passwordPolicy)) {
          throw new ApiError(
            "InvalidParameterValue.PasswordRuleError",
            "The password breaks the password rule.",
          );
        }
        requireRunning(statusOf(instance));
        const change = () => context.changePassword(instance, Password);
        const task = tasks.start({ instanceId: InstanceId, region, taskType: FLOW_SETPWD, change });
        return { TaskId: task.taskId };
      },
    ),

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
        const found = tasks.all().filter((task) => {
          const startedAtMs = wholeSeconds(task.startedAtMs);
          if (task.region !== region || (InstanceId !== undefined && task.instanceId !== InstanceId))
            return false;
          if (startedAtMs < wholeSeconds(beginMs) || startedAtMs > endMs) return false;
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
        const found = instances.inRegion(region).filter((instance) => {
          if (InstanceId !== undefined && instance.instanceId !== InstanceId) return false;
          if (InstanceIds !== undefined && !InstanceIds.includes(instance.instanceId)) return false;
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

function requireRunning(status: Instance["status"]): void {
  if (status === 2) return;
  const kind =
    status === -2 ? "InstanceIsolated" : status === -3 ? "InstanceDeleted" : "InstanceStatusAbnormal";
  throw new ApiError(
    `ResourceUnavailable.${kind}`,
    "The Redis status is exceptional, and the corresponding process cannot be executed.",
  );
}

function readPage(limit: number, offset: number, maximum: number): <T>(all: readonly T[]) => readonly T[] {
  if (limit < 1 || limit > maximum || offset < 0 || offset % limit !== 0) {
    throw new ApiError("InvalidParameterValue", "Limit or Offset is out of range.");
  }
  return (all) => all.slice(offset, offset + limit);
}
