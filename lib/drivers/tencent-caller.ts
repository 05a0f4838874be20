import * as v from "valibot";
import { object } from "../schemas.ts";
import { createTencentClient, type TencentConnection } from "./tencent-client.ts";
import { type ApiErrorTable, ApiRefusal, COMMON_API_ERRORS } from "./tencent-errors.ts";

export interface TencentCallerOptions extends TencentConnection {
  /** STS serves every region; a finance region has an STS of its own. */
  readonly region: string;
}

/** Who signs the calls: such as `qcs::cam::uin/100000000001:uin/100000000002`. Undefined: the cloud knows, and does not say. */
export type TencentCaller = () => Promise<string | undefined>;

const ERRORS: ApiErrorTable = new Map(COMMON_API_ERRORS);

const caller = object({ Arn: v.string() });

/**
 * Who the credentials belong to (STS, version 2018-08-13, GetCallerIdentity). Its document names no permission for it. Whoever
 * is refused for the want of one has been recognised all the same.
 *
 * @throws RotationError what the API client throws
 */
export function tencentCaller(options: TencentCallerOptions): TencentCaller {
  const client = createTencentClient({ ...options, service: "sts", version: "2018-08-13", errors: ERRORS });
  return async () => {
    try {
      const call = { action: "GetCallerIdentity", params: {}, answer: caller, change: false };
      return (await client(call)).Arn;
    } catch (error) {
      if (error instanceof ApiRefusal && error.apiCode.includes("UnauthorizedOperation")) return undefined;
      throw error;
    }
  };
}
