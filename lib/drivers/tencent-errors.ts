import { type Effect, type ErrorCode, RotationError } from "../errors.ts";
import { mask } from "./mask.ts";

/** What an API error code means, and whether a change may have been carried out all the same. */
type ApiErrorMeaning = readonly [code: ErrorCode, effect: Extract<Effect, "none" | "unknown">];

/**
 * From the cloud's error code, or from the part before its dot, to what it means. The whole code wins; and over that, the
 * whole code after the action's name, `Action: Code`.
 */
export type ApiErrorTable = ReadonlyMap<string, ApiErrorMeaning>;

/** The codes common to every API 3.0 service. Where the cloud failed while it worked on the call, the change may have been carried out. */
export const COMMON_API_ERRORS: readonly (readonly [string, ApiErrorMeaning])[] = [
  // Passes by itself.
  ["RequestLimitExceeded", ["Throttled", "none"]],
  ["FailedOperation", ["CloudUnavailable", "unknown"]],
  ["InternalError", ["CloudUnavailable", "unknown"]],
  ["ServiceUnavailable", ["CloudUnavailable", "unknown"]],
  // Stays until someone grants it.
  ["AuthFailure", ["AccessDenied", "none"]],
  // Unknown to the cloud by now, or signed with another time.
  ["AuthFailure.TokenFailure", ["CredentialsRejected", "none"]],
  ["AuthFailure.SecretIdNotFound", ["CredentialsRejected", "none"]],
  ["AuthFailure.SignatureExpire", ["CredentialsRejected", "none"]],
  ["AuthFailure.InvalidSecretId", ["CredentialsRejected", "none"]],
  ["UnauthorizedOperation", ["AccessDenied", "none"]],
  ["IpInBlacklist", ["AccessDenied", "none"]],
  ["IpNotInWhitelist", ["AccessDenied", "none"]],
  // Stays for this request.
  ["ResourceUnavailable", ["RequestRefused", "none"]],
  ["ResourceInsufficient", ["RequestRefused", "none"]],
  ["LimitExceeded", ["RequestRefused", "none"]],
  ["OperationDenied", ["RequestRefused", "none"]],
  ["InvalidParameter", ["RequestRefused", "none"]],
  ["InvalidParameterValue", ["RequestRefused", "none"]],
  ["MissingParameter", ["RequestRefused", "none"]],
  ["UnknownParameter", ["RequestRefused", "none"]],
  ["UnsupportedOperation", ["RequestRefused", "none"]],
  ["UnsupportedRegion", ["RequestRefused", "none"]],
  ["UnsupportedProtocol", ["RequestRefused", "none"]],
  ["InvalidAction", ["RequestRefused", "none"]],
  ["InvalidRequest", ["RequestRefused", "none"]],
  ["NoSuchVersion", ["RequestRefused", "none"]],
  ["NoSuchProduct", ["RequestRefused", "none"]],
  ["ActionOffline", ["RequestRefused", "none"]],
  ["RequestSizeLimitExceeded", ["RequestRefused", "none"]],
];

/** TencentDB for Redis, version 2018-04-12: its documented error codes and the common ones. */
export const REDIS_API_ERRORS: ApiErrorTable = new Map<string, ApiErrorMeaning>([
  ...COMMON_API_ERRORS,
  // Passes by itself.
  ["ResourceInUse", ["InstanceBusy", "none"]],
  ["ResourceUnavailable.InstanceStatusAbnormal", ["InstanceBusy", "none"]],
  ["ResourceUnavailable.InstanceStatusError", ["InstanceBusy", "none"]],
  ["ResourceUnavailable.InstanceStateError", ["InstanceBusy", "none"]],
  ["ResourceUnavailable.InstanceLockedError", ["InstanceBusy", "none"]],
  ["ResourceUnavailable.InstanceUnLockedError", ["InstanceBusy", "none"]],
  ["LimitExceeded.ReplicationGroupLocked", ["InstanceBusy", "none"]],
  ["UnsupportedOperation.Inspection", ["InstanceBusy", "none"]],
  ["ResourceUnavailable.CallOssError", ["CloudUnavailable", "unknown"]],
  ["ResourceUnavailable.GetSecurityError", ["CloudUnavailable", "unknown"]],
  // Stays until someone grants it.
  ["InvalidParameter.PermissionDenied", ["AccessDenied", "none"]],
  ["InternalError.InstanceOperatePermissionError", ["AccessDenied", "none"]],
  // Stays for this instance.
  ["ResourceNotFound", ["InstanceNotFound", "none"]],
  ["ResourceNotFound.AccountDoesNotExists", ["AccountNotFound", "none"]],
  ["ResourceUnavailable.InstanceIsolated", ["InstanceGone", "none"]],
  ["ResourceUnavailable.InstanceDeleted", ["InstanceGone", "none"]],
  // Stays for this password.
  ["InvalidParameterValue.PasswordRuleError", ["PasswordRefused", "none"]],
  ["InvalidParameterValue.PasswordError", ["PasswordRefused", "none"]],
  ["InvalidParameterValue.PasswordEmpty", ["PasswordRefused", "none"]],
  // Stays for this old password.
  ["ModifyInstancePassword: InvalidParameterValue.PasswordError", ["OldPasswordError", "none"]],
  ["ModfiyInstancePassword: InvalidParameterValue.PasswordError", ["OldPasswordError", "none"]],
  // Stays for this request.
  ["FailedOperation.UnSupportError", ["RequestRefused", "none"]],
]);

/** A code that no table knows: shown to the operator, and nothing is taken for granted about its effect. */
const UNLISTED: ApiErrorMeaning = ["RequestRefused", "unknown"];

/** What the API itself answered. */
export class ApiRefusal extends RotationError {
  /** Its own code. */
  readonly apiCode: string;

  constructor(apiCode: string, { code, message, effect, requestId }: RotationError) {
    super(code, message, { effect, requestId });
    this.apiCode = apiCode;
  }
}

/** What was sent, as far as an error has to know it. */
export interface SentCall {
  readonly action: string;
  /** Whether the call changes something. A failed read has no effect, whatever happened to it. */
  readonly change: boolean;
  /** Every value that must not come back in a message: passwords and credentials. */
  readonly secrets: readonly string[];
}

/** What became of a request on its way. */
export interface Attempt {
  /** Whether any of it can have left: a connection to the endpoint stood. */
  readonly sent: boolean;
  /** Whether the run's deadline stopped it. */
  readonly aborted: boolean;
  /** Whether the endpoint answered with a redirect, which is not followed. */
  readonly redirected: boolean;
  /** The system's code of a transport failure, such as ECONNREFUSED, or what a proxy did. */
  readonly systemCode: string | undefined;
}

/** What the SDK's own error says, where it says it. Nothing else of it is used: its texts can quote headers. */
interface SdkError {
  readonly message?: unknown;
  readonly code?: unknown;
  readonly requestId?: unknown;
  readonly httpCode?: unknown;
}

/**
 * Makes the SDK's error a RotationError: code, effect and the cloud's RequestId. The message names the action, the
 * cloud's code and the cloud's text with every secret of the call masked. The SDK's error is not kept as cause.
 */
export function toRotationError(
  error: unknown,
  call: SentCall,
  attempt: Attempt,
  table: ApiErrorTable,
): RotationError {
  const { message, code, requestId, httpCode } = (error ?? {}) as SdkError;
  // Errors of the transport have a code as well, but no RequestId: the cloud has not spoken.
  if (typeof code === "string" && code !== "" && typeof requestId === "string" && requestId !== "") {
    const keys = [`${call.action}: ${code}`, code, code.replace(/\..*/s, "")];
    const [meaning, effect] = keys.map((key) => table.get(key)).find(Boolean) ?? UNLISTED;
    const text = `${code}: ${typeof message === "string" ? message : "no message"}`;
    return new ApiRefusal(mask(code, call.secrets), fail(call, meaning, effect, text, requestId));
  }
  if (httpCode === 429) return fail(call, "Throttled", "none", "HTTP 429");
  if (typeof httpCode === "number") return fail(call, "CloudUnavailable", "unknown", `HTTP ${httpCode}`);
  if (attempt.aborted) {
    return fail(call, "InProgress", attempt.sent ? "unknown" : "none", "stopped at the deadline");
  }
  const reason = attempt.systemCode ?? (isTimeout(message) ? "timed out" : undefined);
  if (!attempt.sent) {
    return reason === undefined
      ? fail(call, "Internal", "none", "the request could not be made")
      : fail(call, "CloudUnreachable", "none", `no connection (${reason})`);
  }
  if (attempt.redirected)
    return fail(call, "NoAnswer", "unknown", "a redirect was answered and not followed");
  return unreadable(call, reason ?? "the answer cannot be read");
}

/** An answer that does not say whether the call was carried out. */
export function unreadable(call: SentCall, reason: string, requestId?: string): RotationError {
  return fail(call, "NoAnswer", "unknown", reason, requestId);
}

/** The longest text of the cloud's that a message quotes. */
const MAX_TEXT_LENGTH = 500;

function fail(
  call: SentCall,
  code: ErrorCode,
  effectOfChange: Effect,
  text: string,
  requestId?: string,
): RotationError {
  const id = requestId ? mask(requestId, call.secrets).slice(0, MAX_TEXT_LENGTH) : undefined;
  const shown = mask(text, call.secrets).slice(0, MAX_TEXT_LENGTH);
  return new RotationError(code, `${call.action}: ${shown}${id ? ` (RequestId ${id})` : ""}`, {
    effect: call.change ? effectOfChange : "none",
    requestId: id,
  });
}

/** node-fetch's own time-out has no code, only this text. */
function isTimeout(message: unknown): boolean {
  return typeof message === "string" && /^(network|response) timeout /i.test(message);
}
