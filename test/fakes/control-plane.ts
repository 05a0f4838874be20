import { REDIS_API_ERRORS, toRotationError } from "../../lib/drivers/tencent-errors.ts";
import { RotationError } from "../../lib/errors.ts";
import type { Clock, ControlPlane, Instance, InstanceRef, Task } from "../../lib/ports.ts";
import { ApiError } from "../cloud/tencentdb/api-error.ts";
import { BrokenReply } from "../cloud/tencentdb/faults.ts";
import type { TencentDb } from "../cloud/tencentdb/model.ts";
import type { PasswordPolicy } from "../cloud/tencentdb/password-rules.ts";

export interface FakeControlPlaneOptions {
  readonly model: TencentDb;
  readonly clock: Clock;
  /** How long a call that hangs is waited for. Default 10 s. */
  readonly timeoutMs?: number;
}

interface Answers {
  ResetPassword: { readonly TaskId: number };
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
}

const SENT = { sent: true, aborted: false, redirected: false, systemCode: undefined } as const;
const READ_PAUSES_MS = [250, 500, 1_000];

/**
 * The control plane without a network: the port straight on the local TencentDB. What an error means is the driver's own
 * table, and reads are tried again as often as the driver tries them.
 */
export function createFakeControlPlane(options: FakeControlPlaneOptions): ControlPlane {
  const { model, clock, timeoutMs = 10_000 } = options;
  let requests = 0;

  async function send<A extends keyof Answers>(
    action: A,
    region: string,
    parameters: Readonly<Record<string, unknown>>,
  ): Promise<Answers[A]> {
    requests += 1;
    const host = region.endsWith("-fsi")
      ? `redis.${region}.tencentcloudapi.com`
      : "redis.tencentcloudapi.com";
    const requestId = `request-${requests}`;
    const request = { host, method: "POST", action, version: "2018-04-12", region, parameters, requestId };
    try {
      return (await model.dispatch(request)) as unknown as Answers[A];
    } catch (error) {
      const change = action === "ResetPassword";
      const { Password } = parameters;
      const call = { action, change, secrets: typeof Password === "string" ? [Password] : [] };
      if (error instanceof ApiError) {
        const { code, message } = error;
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

  async function call<A extends keyof Answers>(...request: Parameters<typeof send<A>>): Promise<Answers[A]> {
    const pauses = request[0] === "ResetPassword" ? [] : READ_PAUSES_MS;
    for (const pauseMs of pauses) {
      try {
        return await send(...request);
      } catch (error) {
        if (!(error instanceof RotationError && error.passing)) throw error;
        await clock.sleep(pauseMs);
      }
    }
    return send(...request);
  }

  return {
    async describeInstance({ region, instanceId }) {
      const { InstanceSet } = await call("DescribeInstances", region, { InstanceId: instanceId });
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

    async describePasswordPolicy({ region, instanceId }) {
      const answer = await call("DescribeInstancePasswordPolicy", region, { InstanceId: instanceId }).catch(
        (error: unknown) => {
          // An answer that is for good, whatever it says: the call is not served, or not granted.
          if (error instanceof RotationError && error.requestId !== undefined && !error.passing)
            return undefined;
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

    async changePassword({ region, instanceId }, password) {
      const parameters = { InstanceId: instanceId, Password: password };
      const { TaskId } = await call("ResetPassword", region, parameters);
      return { taskId: TaskId };
    },

    async describeTask({ region }: InstanceRef, taskId) {
      const { Status, TaskMessage } = await call("DescribeTaskInfo", region, { TaskId: taskId });
      const state = taskState(Status);
      return { taskId, state, ...(state === "failed" && TaskMessage !== "" ? { message: TaskMessage } : {}) };
    },

    async newestPasswordTask({ region, instanceId }, since) {
      const parameters = {
        InstanceId: instanceId,
        TaskTypes: ["007"],
        BeginTime: formatTime(since),
        Limit: 1,
      };
      const { Tasks } = await call("DescribeTaskList", region, parameters);
      const [newest] = Tasks;
      if (newest === undefined) return undefined;
      const state = newest.Result === 2 ? "succeeded" : newest.Result === 4 ? "failed" : "running";
      return { taskId: newest.TaskId, state };
    },
  };
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
