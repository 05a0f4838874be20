import { RotationError } from "../errors.ts";
import { mask } from "./mask.ts";
import type { ApiErrorTable, SentCall } from "./tencent-errors.ts";

/**
 * API 2.0: the codes of ModfiyRedisPassword and DescribeTaskInfo, and the codes common to every API 2.0 service. Where
 * the cloud failed while it worked on the call, the change may have been carried out.
 */
export const QCLOUD_ERRORS: ApiErrorTable = new Map([
  // Of TencentDB for Redis.
  ["10501", ["PasswordRefused", "none"]],
  ["10502", ["OldPasswordError", "none"]],
  ["11058", ["PasswordRefused", "none"]],
  ["10701", ["InstanceNotFound", "none"]],
  // In a flow, isolated or deleted: the code does not say which.
  ["10702", ["InstanceBusy", "none"]],
  ["10707", ["InstanceBusy", "none"]],
  ["11201", ["RequestRefused", "none"]],
  // Common: the request, the credentials, the pace.
  ["4000", ["RequestRefused", "none"]],
  ["4100", ["AccessDenied", "none"]],
  ["4101", ["AccessDenied", "none"]],
  ["4102", ["AccessDenied", "none"]],
  ["4103", ["AccessDenied", "none"]],
  ["4104", ["CredentialsRejected", "none"]],
  ["4105", ["CredentialsRejected", "none"]],
  ["4106", ["AccessDenied", "none"]],
  ["4110", ["AccessDenied", "none"]],
  ["4200", ["CredentialsRejected", "none"]],
  ["4300", ["AccessDenied", "none"]],
  ["4400", ["Throttled", "none"]],
  // Again and again: the clock is not the API's. That says nothing of the password.
  ["4500", ["CredentialsRejected", "none"]],
  ["4600", ["RequestRefused", "none"]],
  // Common: the resource.
  ["5000", ["InstanceNotFound", "none"]],
  ["5100", ["CloudUnavailable", "unknown"]],
  ["5200", ["RequestRefused", "none"]],
  ["5300", ["RequestRefused", "none"]],
  ["5400", ["RequestRefused", "unknown"]],
  ["5500", ["RequestRefused", "none"]],
  // Common: the cloud.
  ["6000", ["CloudUnavailable", "unknown"]],
  ["6100", ["CloudUnavailable", "unknown"]],
  ["6200", ["CloudUnavailable", "unknown"]],
]);

/** What API 2.0 answers besides data. */
export interface QcloudVerdict {
  /** 0: success. */
  readonly code: number;
  readonly message: string;
  readonly codeDesc: string;
}

/** The longest text of the cloud's that a message quotes. */
const MAX_TEXT_LENGTH = 500;

/**
 * Makes a refusal of API 2.0 a RotationError: code and effect. A code of the service that comes inside the message, as
 * `(10707)text`, counts before the common one. A code that no table knows is a refusal of which nothing is taken for
 * granted about the effect.
 */
export function qcloudError(verdict: QcloudVerdict, call: SentCall): RotationError {
  const inside = /^\s*\((-?\d+)\)/.exec(verdict.message)?.[1] ?? "";
  const known = QCLOUD_ERRORS.get(inside) ?? QCLOUD_ERRORS.get(String(verdict.code));
  const [code, effect] = known ?? (["RequestRefused", "unknown"] as const);
  const text = [verdict.code, verdict.codeDesc].filter((part) => part !== "").join(" ");
  const shown = mask(`${text}: ${verdict.message || "no message"}`, call.secrets).slice(0, MAX_TEXT_LENGTH);
  return new RotationError(code, `${call.action}: ${shown}`, { effect: call.change ? effect : "none" });
}
