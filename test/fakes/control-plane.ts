import { qcloudError } from "../../lib/drivers/qcloud-errors.ts";
import { ApiRefusal, REDIS_API_ERRORS, toRotationError } from "../../lib/drivers/tencent-errors.ts";
import { RotationError } from "../../lib/errors.ts";
import type { Account, Clock, ControlPlane, Instance, InstanceRef, Task } from "../../lib/ports.ts";
import { ApiError } from "../cloud/tencentdb/api-error.ts";
import { BrokenReply } from "../cloud/tencentdb/faults.ts";
import type { TencentDb } from "../cloud/tencentdb/model.ts";
import type { PasswordPolicy } from "../cloud/tencentdb/password-rules.ts";
import { qcloudCode } from "../cloud/tencentdb/v2/codes.ts";

export interface FakeControlPlaneOptions {
  readonly model: TencentDb;
  readonly clock: Clock;
  /** How long a call that hangs is waited for. Default 10 s. */
  readonly timeoutMs?: number;
}

interface Answers {
  DescribeTaskInfo: { readonly Status: string; readonly TaskMessage: string };
  DescribeTaskList: { readonly Tasks: readonly { readonly TaskId: number; readonly Result: number }[] };
  DescribeInstances: {
    readonly InstanceSet: readonly {
      readonly Status: number;
      readonly WanIp: string;
      readonly Port: number;
      readonly NoAuth: boolean;
      readonly Type: number;
    }[];
  };
  DescribeInstancePasswordPolicy: { readonly PasswordPolicy: PasswordPolicy };
  DescribeInstanceAccount: {
    readonly Accounts: readonly {
      readonly AccountName: string;
      readonly Status: number;
      readonly Privilege: string;
      readonly ReadonlyPolicy: readonly string[];
      readonly PasswordLastModifiedTime: string;
    }[];
    readonly TotalCount: number;
  };
}

type Parameters = Readonly<Record<string, unknown>>;

const SENT = { sent: true, aborted: false, redirected: false, systemCode: undefined } as const;
const READ_PAUSES_MS = [250, 500, 1_000];
const PAGE = 100;

/**
 * The control plane without a network: the port straight on the local TencentDB, by API 3.0, and by API 2.0 for the
 * accounts that want it. What an error means is the drivers' own tables, and reads are tried again as often as a driver
 * tries them.
 */
export function createFakeControlPlane(options: FakeControlPlaneOptions): ControlPlane {
  const { model, clock, timeoutMs = 10_000 } = options;
  let requests = 0;

  async function send(
    { region }: InstanceRef,
    action: string,
    parameters: Parameters,
    { change = false, legacy = false } = {},
  ): Promise<Parameters> {
    requests += 1;
    const [version, host] = legacy ? ["2.0", "redis.api.qcloud.com"] : ["2018-04-12", hostOf(region)];
    const requestId = `request-${requests}`;
    const request = { host, method: "POST", action, version, region, parameters, requestId };
    try {
      return await model.dispatch(request);
    } catch (error) {
      const secrets = Object.entries(parameters).flatMap(([name, value]) =>
        /password/i.test(name) ? [String(value)] : [],
      );
      const call = { action, change, secrets };
      if (error instanceof ApiError) {
        const { code, message } = error;
        if (legacy) throw qcloudError({ ...qcloudCode(error), message }, call);
        throw toRotationError({ code, message, requestId }, call, SENT, REDIS_API_ERRORS);
      }
      if (!(error instanceof BrokenReply)) throw error;
      const { fault } = error;
      if (fault.kind === "hang") await clock.sleep(timeoutMs);
      const attempt = {
        ...SENT,
        redirected: fault.kind === "redirect",
        systemCode: fault.kind === "reset" ? "ECONNRESET" : undefined,
      };
      const seen = fault.kind === "status" ? { httpCode: fault.status } : {};
      throw toRotationError(seen, call, attempt, REDIS_API_ERRORS);
    }
  }

  async function read<A extends keyof Answers>(
    instance: InstanceRef,
    action: A,
    parameters: Parameters,
  ): Promise<Answers[A]> {
    for (const pauseMs of READ_PAUSES_MS) {
      try {
        return (await send(instance, action, parameters)) as unknown as Answers[A];
      } catch (error) {
        if (!(error instanceof RotationError && error.passing)) throw error;
        await clock.sleep(pauseMs);
      }
    }
    return (await send(instance, action, parameters)) as unknown as Answers[A];
  }

  async function start(account: Account, action: string, parameters: Parameters) {
    const given = { InstanceId: account.instanceId, ...parameters };
    const { TaskId } = await send(account, action, given, { change: true });
    return { taskId: Number(TaskId) };
  }

  return {
    async describeInstance(instance) {
      const { region, instanceId } = instance;
      const { InstanceSet } = await read(instance, "DescribeInstances", { InstanceId: instanceId });
      const [found] = InstanceSet;
      if (found === undefined) {
        throw new RotationError("InstanceNotFound", `There is no ${instanceId} in ${region}`, {
          effect: "none",
        });
      }
      return {
        state: instanceState(found.Status),
        host: found.WanIp,
        port: found.Port,
        passwordFree: found.NoAuth,
        edition: found.Type === 3 || found.Type === 4 ? "ckv" : "redis",
      };
    },

    async describePasswordPolicy(instance) {
      const parameters = { InstanceId: instance.instanceId };
      const answer = await read(instance, "DescribeInstancePasswordPolicy", parameters).catch(
        (error: unknown) => {
          // An answer that is for good, whatever it says: the call is not served, or not granted.
          if (error instanceof ApiRefusal && !error.passing) return undefined;
          throw error;
        },
      );
      const policy = answer?.PasswordPolicy;
      if (policy?.Enabled !== true) return undefined;
      const { MinLength = 8, MinLetterCount = 1, MinDigitCount = 1, MinSpecialCount = 1 } = policy;
      return {
        minLength: MinLength,
        minLetters: MinLetterCount,
        minDigits: MinDigitCount,
        minSpecials: MinSpecialCount,
      };
    },

    async describeAccount(account) {
      for (let offset = 0; ; offset += PAGE) {
        const parameters = { InstanceId: account.instanceId, Limit: PAGE, Offset: offset };
        const { Accounts, TotalCount } = await read(account, "DescribeInstanceAccount", parameters);
        const found = Accounts.find((each) => each.AccountName === nameOf(account) && each.Status !== 4);
        if (found !== undefined) {
          const { Privilege, ReadonlyPolicy, PasswordLastModifiedTime: changedAt } = found;
          return {
            privilege: Privilege,
            readonlyPolicy: ReadonlyPolicy,
            ...(changedAt !== "" && { passwordChangedAt: new Date(`${changedAt.replace(" ", "T")}+08:00`) }),
          };
        }
        if (offset + PAGE >= TotalCount) return undefined;
      }
    },

    async changePassword(account, { password, oldPassword = "", ready }) {
      await ready?.();
      const { api, instanceId } = account;
      switch (api) {
        case "ResetPassword":
          return start(account, api, { Password: password });
        case "ModifyInstanceAccount":
          return start(account, api, { AccountName: nameOf(account), AccountPassword: password });
        case "ModifyInstancePassword": {
          const parameters = { OldPassword: oldPassword, Password: password };
          return start(account, api, parameters).catch((error: unknown) => {
            if (!(error instanceof ApiRefusal && error.apiCode === "InvalidAction")) throw error;
            return start(account, "ModfiyInstancePassword", parameters);
          });
        }
        case "ModfiyRedisPassword": {
          const parameters = { redisId: instanceId, oldPassword, password };
          const { requestId } = await send(account, api, parameters, { change: true, legacy: true });
          return { taskId: Number(requestId) };
        }
      }
    },

    async createAccount(account, password, { privilege, readonlyPolicy }, ready) {
      await ready?.();
      return start(account, "CreateInstanceAccount", {
        AccountName: account.username,
        AccountPassword: password,
        ReadonlyPolicy: readonlyPolicy,
        Privilege: privilege,
      });
    },

    async describeTask(account, taskId) {
      const { Status, TaskMessage } = await read(account, "DescribeTaskInfo", { TaskId: taskId });
      const state = taskState(Status);
      return { taskId, state, ...(state === "failed" && TaskMessage !== "" ? { message: TaskMessage } : {}) };
    },

    async newestPasswordTask(account, since) {
      const parameters = {
        InstanceId: account.instanceId,
        TaskTypes: account.api === "ModifyInstanceAccount" ? ["007", "037"] : ["007"],
        BeginTime: formatTime(since),
        Limit: 1,
      };
      const { Tasks } = await read(account, "DescribeTaskList", parameters);
      const [newest] = Tasks;
      if (newest === undefined) return undefined;
      const state = newest.Result === 2 ? "succeeded" : newest.Result === 4 ? "failed" : "running";
      return { taskId: newest.TaskId, state };
    },
  };
}

function hostOf(region: string): string {
  return region.endsWith("-fsi") ? `redis.${region}.tencentcloudapi.com` : "redis.tencentcloudapi.com";
}

function nameOf({ username }: Account): string {
  return username === "default" ? "root" : username;
}

function instanceState(status: number): Instance["state"] {
  if (status === 2) return "running";
  return status < 0 ? "gone" : "busy";
}

function taskState(status: string): Task["state"] {
  if (/^succeed$/i.test(status)) return "succeeded";
  return /^(failed|error)$/i.test(status) ? "failed" : "running";
}

/** UTC+8, in whole seconds. */
function formatTime(time: Date): string {
  return new Date(time.getTime() + 8 * 3_600_000).toISOString().slice(0, 19).replace("T", " ");
}
