import * as v from "valibot";
import { RotationError } from "../errors.ts";
import type { Account, ControlPlane, PasswordApi, RandomBytes, Task } from "../ports.ts";
import { number, object } from "../schemas.ts";
import { mask } from "./mask.ts";
import { createQcloudClient } from "./qcloud-client.ts";
import type { SignatureMethod } from "./qcloud-signature.ts";
import type { TencentConnection } from "./tencent-client.ts";
import { taskId } from "./tencent-redis-answers.ts";

/** How to reach API 2.0. One set of options serves every region; `site` makes no difference here. */
export interface TencentRedisV2Options extends TencentConnection {
  /** For the nonces of the requests. */
  readonly randomBytes: RandomBytes;
  /** Default: HmacSHA256. */
  readonly signatureMethod?: SignatureMethod | undefined;
}

const HOST = "redis.api.qcloud.com";
const API: PasswordApi = "ModfiyRedisPassword";

const taskStarted = object({ requestId: taskId });
const taskInfo = object({ status: v.union([number, v.string()]) });

/**
 * TencentDB for Redis through API 2.0, for the accounts whose password ModfiyRedisPassword changes: that action and
 * DescribeTaskInfo. What API 2.0 is not needed for, and every other account, goes to `v3`. The change is sent once,
 * and again only where the API refused it as a replay.
 *
 * A task that this driver has started is followed by API 2.0's DescribeTaskInfo. Any other was found by `v3`, whose id
 * for it need not be the same: `v3` follows it.
 */
export function tencentRedisV2(options: TencentRedisV2Options, v3: ControlPlane): ControlPlane {
  const call = createQcloudClient({ ...options, host: HOST });
  const passwords = new Set<string>();
  const started = new Set<string>();
  const nameOf = ({ region, instanceId }: Account, taskId: number) => `${region}/${instanceId}/${taskId}`;

  return {
    ...v3,

    async changePassword(account, change) {
      if (account.api !== API) return v3.changePassword(account, change);
      const { password, oldPassword, ready } = change;
      if (oldPassword === undefined) {
        throw new RotationError("Internal", `${API}: the old password is missing`, { effect: "none" });
      }
      passwords.add(password).add(oldPassword);
      const { requestId } = await call({
        action: API,
        region: account.region,
        params: { redisId: account.instanceId, oldPassword, password },
        data: taskStarted,
        change: true,
        secrets: passwords,
        ready,
      });
      started.add(nameOf(account, requestId));
      return { taskId: requestId };
    },

    async describeTask(account, taskId) {
      if (!started.has(nameOf(account, taskId))) {
        const task = await v3.describeTask(account, taskId);
        // It may tell of a task that was started here, and does not know the passwords.
        return { ...task, ...(task.message && { message: mask(task.message, [...passwords]) }) };
      }
      const { status } = await call({
        action: "DescribeTaskInfo",
        region: account.region,
        params: { requestId: String(taskId) },
        data: taskInfo,
        change: false,
        secrets: passwords,
      });
      return { taskId, state: taskState(String(status).toLowerCase()) };
    },
  };
}

/** Numbers by the document; words are seen, too. What is not known is not an end. */
function taskState(status: string): Task["state"] {
  if (["2", "success", "succeed", "succeeded"].includes(status)) return "succeeded";
  return ["3", "-1", "failed", "error"].includes(status) ? "failed" : "running";
}
