import * as v from "valibot";
import { SSM_API_ERRORS } from "../../lib/drivers/ssm-errors.ts";
import type { TencentClient } from "../../lib/drivers/tencent-client.ts";
import { toRotationError, unreadable } from "../../lib/drivers/tencent-errors.ts";
import type { Clock } from "../../lib/ports.ts";
import type { Ssm } from "../cloud/ssm/model.ts";
import { ApiError } from "../cloud/tencentdb/api-error.ts";
import { BrokenReply } from "../cloud/tencentdb/faults.ts";

/** A moment of an API call: nothing has happened yet, or the effect is there and the answer is not. */
export interface SsmMoment {
  readonly action: string;
  readonly versionId: string | undefined;
  readonly phase: "before" | "after";
}

export interface SsmClientOptions {
  readonly ssm: Ssm;
  readonly clock: Clock;
  readonly region?: string;
  /** Called at each moment of each call: what it throws, the call throws; what it waits for, the call waits for. */
  readonly at?: (moment: SsmMoment) => void | Promise<void>;
}

/** Half of what a call takes. */
const TRAVEL_MS = 15;

/** The client of the real driver on the local SSM itself: no HTTP, no SDK. A call is sent once. */
export function createSsmClient(options: SsmClientOptions): TencentClient {
  const { ssm, clock, region = "ap-guangzhou", at = () => {} } = options;
  let sent = 0;
  return async ({ action, params, answer, change, secrets = [] }) => {
    sent += 1;
    const requestId = `request-${sent}`;
    const { VersionId } = params;
    const moment = { action, versionId: typeof VersionId === "string" ? VersionId : undefined };
    const request = { host: "ssm.tencentcloudapi.com", method: "POST", version: "2019-09-23", requestId };
    await at({ ...moment, phase: "before" });
    await clock.sleep(TRAVEL_MS);
    const failure = { action, change, secrets: [...secrets] };
    try {
      const fields = await ssm.dispatch({ ...request, action, region, parameters: params });
      await clock.sleep(TRAVEL_MS);
      await at({ ...moment, phase: "after" });
      return v.parse(answer, { ...fields, RequestId: requestId });
    } catch (error) {
      if (error instanceof BrokenReply) throw unreadable(failure, error.fault.kind);
      if (!(error instanceof ApiError)) throw error;
      await at({ ...moment, phase: "after" });
      const { code, message } = error;
      const attempt = { sent: true, aborted: false, redirected: false, systemCode: undefined };
      throw toRotationError({ code, message, requestId }, failure, attempt, SSM_API_ERRORS);
    }
  };
}
