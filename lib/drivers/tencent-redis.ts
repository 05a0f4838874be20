import { RotationError } from "../errors.ts";
import type { Account, Clock, ControlPlane, Ready } from "../ports.ts";
import { createTencentClient, type TencentClient, type TencentConnection } from "./tencent-client.ts";
import { ApiRefusal, REDIS_API_ERRORS } from "./tencent-errors.ts";
import {
  accountList,
  fromApiTime,
  passwordPolicy,
  taskList,
  taskResult,
  taskStarted,
  toApiTime,
} from "./tencent-redis-answers.ts";
import { ACCOUNT_TASK, MAX_ITEMS, PASSWORD_TASK, type RedisRead, redisReads } from "./tencent-redis-reads.ts";
import { sharedReads } from "./tencent-redis-shared.ts";

/** How to reach TencentDB for Redis. One set of options serves every region. */
export type TencentRedisOptions = TencentConnection;

const ACCOUNT_DELETED = 4;

const VERSION = "2018-04-12";

/**
 * TencentDB for Redis through API 3.0, version 2018-04-12: DescribeInstances, DescribeInstancePasswordPolicy,
 * DescribeInstanceAccount, DescribeTaskInfo and DescribeTaskList; ResetPassword, ModifyInstancePassword or, where the
 * endpoint does not know that yet, ModfiyInstancePassword, ModifyInstanceAccount and CreateInstanceAccount. Reads are
 * sent up to four times while they fail for a passing reason, changes once.
 */
export function tencentRedis(options: TencentRedisOptions): ControlPlane {
  const clients = new Map<string, TencentClient>();
  return redisControlPlane({
    clock: options.clock,
    client(region) {
      const made =
        clients.get(region) ??
        createTencentClient({
          ...options,
          service: "redis",
          version: VERSION,
          region,
          errors: REDIS_API_ERRORS,
        });
      clients.set(region, made);
      return made;
    },
  });
}

export interface RedisControlPlaneOptions {
  readonly client: (region: string) => TencentClient;
  readonly clock: Clock;
}

/** The same over any client of the API. */
export function redisControlPlane({ client, clock }: RedisControlPlaneOptions): ControlPlane {
  const passwords = new Set<string>();

  const read: RedisRead = async ({ region }, action, params, answer) =>
    client(region)({ action, params, answer, change: false, secrets: passwords });

  const reads = sharedReads(redisReads(read, passwords), clock);

  const start = async (
    { region, instanceId }: Account,
    action: string,
    params: Record<string, unknown>,
    ready?: Ready,
  ): Promise<{ readonly taskId: number }> => {
    const { TaskId } = await client(region)({
      action,
      params: { InstanceId: instanceId, ...params },
      answer: taskStarted,
      change: true,
      secrets: passwords,
      ready,
    });
    reads.started(TaskId);
    return { taskId: TaskId };
  };

  return {
    describeInstance: (instance) => reads.instance(instance),

    async describePasswordPolicy(instance) {
      const params = { InstanceId: instance.instanceId };
      const action = "DescribeInstancePasswordPolicy";
      const { PasswordPolicy: policy } = await read(instance, action, params, passwordPolicy).catch(
        (error) => {
          // An older endpoint, an edition without it, no grant.
          if (error instanceof ApiRefusal && !error.passing) return { PasswordPolicy: undefined };
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

    async describeAccount(account) {
      const name = accountName(account);
      for (let offset = 0; ; offset += MAX_ITEMS) {
        const params = { InstanceId: account.instanceId, Limit: MAX_ITEMS, Offset: offset };
        const { Accounts } = await read(account, "DescribeInstanceAccount", params, accountList);
        const found = Accounts?.find(
          ({ AccountName, Status }) => AccountName === name && Status !== ACCOUNT_DELETED,
        );
        if (found) {
          const passwordChangedAt = fromApiTime(found.PasswordLastModifiedTime ?? "");
          return {
            privilege: found.Privilege || "rw",
            readonlyPolicy: found.ReadonlyPolicy?.length ? found.ReadonlyPolicy : ["master"],
            ...(passwordChangedAt && { passwordChangedAt }),
          };
        }
        if ((Accounts?.length ?? 0) < MAX_ITEMS) return undefined;
      }
    },

    async changePassword(account, { password, oldPassword, ready }) {
      passwords.add(password).add(oldPassword ?? "");
      switch (account.api) {
        case "ResetPassword":
          return start(account, "ResetPassword", { Password: password }, ready);
        case "ModifyInstanceAccount": {
          const params = { AccountName: accountName(account), AccountPassword: password };
          return start(account, "ModifyInstanceAccount", params, ready);
        }
        case "ModifyInstancePassword": {
          if (oldPassword === undefined) throw defect(account, "the old password is missing");
          const params = { OldPassword: oldPassword, Password: password };
          return start(account, "ModifyInstancePassword", params, ready).catch((error) => {
            if (!isUnknownAction(error)) throw error;
            // Nothing was carried out under that name. The action is older than its right spelling.
            return start(account, "ModfiyInstancePassword", params, ready);
          });
        }
        case "ModfiyRedisPassword":
          throw defect(account, "this is an action of API 2.0");
      }
    },

    async createAccount(account, password, { privilege, readonlyPolicy }, ready) {
      passwords.add(password);
      const params = {
        AccountName: account.username,
        AccountPassword: password,
        ReadonlyPolicy: readonlyPolicy,
        Privilege: privilege,
      };
      return start(account, "CreateInstanceAccount", params, ready);
    },

    describeTask: (account, taskId) => reads.task(account, taskId),

    async newestPasswordTask(account, since) {
      const isOfAccounts = account.api === "ModifyInstanceAccount";
      const params = {
        InstanceId: account.instanceId,
        TaskTypes: isOfAccounts ? [PASSWORD_TASK, ACCOUNT_TASK] : [PASSWORD_TASK],
        BeginTime: toApiTime(since),
        Limit: MAX_ITEMS,
      };
      const { Tasks } = await read(account, "DescribeTaskList", params, taskList);
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

/** The API's name for the account. */
function accountName({ username }: Account): string {
  return username === "default" ? "root" : username;
}

/** Whether the endpoint, or the service behind it, has no action of that name. */
function isUnknownAction(error: unknown): boolean {
  return (
    error instanceof ApiRefusal &&
    ["InvalidAction", "InvalidParameter.ActionNotFound"].includes(error.apiCode)
  );
}

function defect({ api }: Account, what: string): RotationError {
  return new RotationError("Internal", `${api}: ${what}`, { effect: "none" });
}
