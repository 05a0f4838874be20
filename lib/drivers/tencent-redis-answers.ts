/** What API 3.0 of TencentDB for Redis answers, as far as it is used, and what its words and numbers mean. */
import * as z from "zod/mini";
import type { Instance, Task } from "../ports.ts";

/** Numbers may come as text. */
const integer = z.pipe(
  z.union([z.number(), z.string().check(z.regex(/^\d+$/))]),
  z.pipe(z.transform(Number), z.int()),
);
export const taskId = z.pipe(integer, z.int().check(z.positive()));

export const taskStarted = z.object({ TaskId: taskId });

export const taskInfo = z.object({ Status: z.string(), TaskMessage: z.nullish(z.string()) });

export const taskList = z.object({
  Tasks: z.nullable(
    z.array(z.object({ TaskId: taskId, StartTime: z.nullish(z.string()), Result: z.nullish(integer) })),
  ),
});

const instance = z.object({
  InstanceId: z.string(),
  Status: z.number(),
  WanIp: z.nullish(z.string()),
  Port: z.nullish(integer),
  NoAuth: z.nullish(z.boolean()),
  Type: z.nullish(integer),
});

export const instanceList = z.object({ InstanceSet: z.nullable(z.array(instance)) });

export const passwordPolicy = z.object({
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

export const accountList = z.object({
  Accounts: z.nullable(
    z.array(
      z.object({
        AccountName: z.string(),
        Status: z.nullish(integer),
        Privilege: z.nullish(z.string()),
        ReadonlyPolicy: z.nullish(z.array(z.string())),
        PasswordLastModifiedTime: z.nullish(z.string()),
      }),
    ),
  ),
});

const CKV_TYPES: readonly unknown[] = [3, 4];

export function instanceOf({ Status, WanIp, Port, NoAuth, Type }: z.infer<typeof instance>): Instance {
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
