import * as v from "valibot";
import { noteThrottling, type TencentClient, withRetries } from "../../lib/drivers/tencent-client.ts";
import { type ApiErrorTable, toRotationError } from "../../lib/drivers/tencent-errors.ts";
import type { Limiter } from "../../lib/limiter.ts";
import type { Clock } from "../../lib/ports.ts";
import { ApiError } from "../cloud/tencentdb/api-error.ts";
import type { ApiRequest } from "../cloud/tencentdb/model.ts";

export interface InMemoryTencentOptions {
  readonly dispatch: (request: ApiRequest) => Promise<object>;
  /** As in `<service>.tencentcloudapi.com`. */
  readonly service: string;
  readonly version: string;
  readonly region: string;
  readonly errors: ApiErrorTable;
  readonly clock: Clock;
  readonly limiter: Limiter;
  /** How long a request travels, and its answer. */
  readonly travelMs: number;
}

/** The client of the real drivers in virtual time: no HTTP, no SDK, and the same pace and repetition. */
export function inMemoryTencent(options: InMemoryTencentOptions): TencentClient {
  const { service, version, region, errors, clock, limiter, travelMs } = options;
  const host = `${service}.tencentcloudapi.com`;
  return ({ action, params, answer, change, secrets = [], ready }) =>
    withRetries({ change }, clock, async () => {
      const key = `${region}/${action}`;
      await limiter.acquire(key);
      await ready?.();
      await clock.sleep(travelMs);
      const requestId = `${action}-${clock.now()}`;
      try {
        const request = { host, method: "POST", action, version, region, requestId };
        const fields = await options.dispatch({ ...request, parameters: { ...params } });
        return v.parse(answer, { ...fields, RequestId: requestId });
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        const { code, message } = error;
        const failure = toRotationError(
          { code, message, requestId },
          { action, change, secrets: [...secrets] },
          SENT,
          errors,
        );
        throw noteThrottling(failure, key, { onThrottled: limiter.throttled });
      } finally {
        await clock.sleep(travelMs);
      }
    });
}

const SENT = { sent: true, aborted: false, redirected: false, systemCode: undefined };
