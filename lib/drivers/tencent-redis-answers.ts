/** What API 3.0 of TencentDB for Redis answers, as far as it is used, and what its words and numbers mean. */
import * as v from "valibot";
import type { Instance, Task } from "../ports.ts";
import { number, object } from "../schemas.ts";

/** Numbers may come as text. */
const integer = v.pipe(
  v.union([v.number(), v.pipe(v.string(), v.regex(/^\d+$/))]),
  v.transform(Number),
  v.safeInteger(),
);
export const taskId = v.pipe(integer, v.minValue(1));

export const taskStarted = object({ TaskId: taskId });

export const taskInfo = object({ Status: v.string(), TaskMessage: v.nullish(v.string()) });

export const taskList = object({
  Tasks: v.nullable(
    v.array(object({ TaskId: taskId, StartTime: v.nullish(v.string()), Result: v.nullish(integer) })),
  ),
});

const instance = object({
  InstanceId: v.string(),
  Status: number,
  WanIp: v.nullish(v.string()),
  Port: v.nullish(integer),
  NoAuth: v.nullish(v.boolean()),
  Type: v.nullish(integer),
});

export const instanceList = object({ InstanceSet: v.nullable(v.array(instance)) });

export const passwordPolicy = object({
  PasswordPolicy: v.nullish(
    object({
      Enabled: v.nullish(v.boolean()),
      MinLength: v.nullish(integer),
      MinLetterCount: v.nullish(integer),
      MinDigitCount: v.nullish(integer),
      MinSpecialCount: v.nullish(integer),
    }),
  ),
});

export const accountList = object({
  Accounts: v.nullable(
    v.array(
      object({
        AccountName: v.string(),
        Status: v.nullish(integer),
        Privilege: v.nullish(v.string()),
        ReadonlyPolicy: v.nullish(v.array(v.string())),
        PasswordLastModifiedTime: v.nullish(v.string()),
      }),
    ),
  ),
});

const CKV_TYPES: readonly unknown[] = [3, 4];

export function instanceOf({ Status, WanIp, Port, NoAuth, Type }: v.InferOutput<typeof instance>): Instance {
  return {
    state: instanceState(Status),
    ...(WanIp && { host: WanIp }),
    ...(Port && { port: Port }),
    passwordFree: NoAuth === true,
    edition: CKV_TYPES.includes(Type) ? "ckv" : "redis",
  };
}

function instanceState(status: number): Instance["state"] {
  if (status === 2) return "running";
  return status === -2 || status === -3 ? "gone" : "busy";
}

/** DescribeTaskInfo's words. A word that is not known is not an end. */
export function taskState(status: string): Task["state"] {
  if (status === "succeed") return "succeeded";
  return status === "failed" || status === "error" ? "failed" : "running";
}

/** DescribeTaskList's numbers. */
export function taskResult(result: number | null | undefined): Task["state"] {
  if (result === 2) return "succeeded";
  return result === 4 ? "failed" : "running";
}

/** The API takes and tells times without a zone: Beijing's, as the console shows them. */
const API_TIME_OFFSET_MS = 8 * 60 * 60 * 1000;

/** `2021-12-30 00:00:00`, rounded down to the second. */
export function toApiTime(time: Date): string {
  return new Date(time.getTime() + API_TIME_OFFSET_MS).toISOString().slice(0, 19).replace("T", " ");
}

/** Undefined where the text is no such time. */
export function fromApiTime(text: string): Date | undefined {
  const utcMs = Date.parse(`${text.replace(" ", "T")}Z`);
  const known = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/.test(text) && !Number.isNaN(utcMs);
  return known ? new Date(utcMs - API_TIME_OFFSET_MS) : undefined;
}
