import { ApiError } from "./api-error.ts";
import type { Task } from "./tasks.ts";

export const FLOW_SETPWD = "007";
export const ACCOUNT_CHANGE = "037";

type Fields = Readonly<Record<string, unknown>>;

/** What DescribeTaskInfo tells of a task. */
export function describeTaskInfo(task: Task, nowMs: number): Fields {
  return {
    Status: statusWord(task, nowMs),
    StartTime: formatTime(task.startedAtMs),
    TaskType: task.taskType === FLOW_SETPWD ? "重置密码" : "配置变更",
    InstanceId: task.instanceId,
    TaskMessage:
      task.ending === undefined || task.ending === "succeed" ? "" : "The flow ended with an error.",
  };
}

/** What DescribeTaskList tells of a task. */
export function describeTask(task: Task, nowMs: number): Fields {
  const result = resultNumber(task, nowMs);
  const elapsed = Math.floor(((nowMs - task.startedAtMs) / task.durationMs) * 100);
  return {
    TaskId: task.taskId,
    StartTime: formatTime(task.startedAtMs),
    TaskType: task.taskType,
    InstanceName: task.instanceId,
    InstanceId: task.instanceId,
    ProjectId: 0,
    Progress: result === 2 ? 100 : Math.min(elapsed, 99),
    EndTime: task.endedAtMs === undefined ? "" : formatTime(task.endedAtMs),
    Result: result,
  };
}

/** DescribeTaskInfo's word for how the task stands. */
export function statusWord(task: Task, nowMs: number): string {
  if (task.ending !== undefined) return task.ending;
  return task.statusUntilEnd ?? (isPreparing(task, nowMs) ? "preparing" : "running");
}

export function resultNumber(task: Task, nowMs: number): number {
  if (task.ending !== undefined) return task.ending === "succeed" ? 2 : 4;
  return isPreparing(task, nowMs) ? 0 : 1;
}

function isPreparing(task: Task, nowMs: number): boolean {
  return nowMs - task.startedAtMs < Math.min(task.durationMs / 10, 1_000);
}

/** The API tells and reads times in UTC+8, in whole seconds. */
export function formatTime(timeMs: number): string {
  return new Date(timeMs + 8 * 3_600_000).toISOString().slice(0, 19).replace("T", " ");
}

/** @throws ApiError */
export function readTime(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const timeMs = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/.test(text)
    ? Date.parse(`${text.replace(" ", "T")}+08:00`)
    : Number.NaN;
  if (Number.isNaN(timeMs)) throw new ApiError("InvalidParameter", "BeginTime or EndTime is not a time.");
  return timeMs;
}

export function wholeSeconds(timeMs: number): number {
  return Math.floor(timeMs / 1_000) * 1_000;
}
