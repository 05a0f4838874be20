import { type ErrorCode, RotationError } from "../errors.ts";
import { parseConfidentialJson } from "../json.ts";
import type { ApiErrorTable } from "./tencent-errors.ts";

/**
 * SSM, version 2019-09-23: its documented error codes and the codes common to every API 3.0 service. Where the cloud
 * failed while it worked on the call, the change may have been carried out.
 */
export const SSM_API_ERRORS: ApiErrorTable = new Map([
  // Passes by itself.
  ["RequestLimitExceeded", ["StoreThrottled", "none"]],
  ["ResourceInUse", ["StoreUnavailable", "none"]],
  ["FailedOperation", ["StoreUnavailable", "unknown"]],
  ["InternalError", ["StoreUnavailable", "unknown"]],
  ["ServiceUnavailable", ["StoreUnavailable", "unknown"]],
  // Somebody was first.
  ["ResourceInUse.VersionIdExists", ["StoreConflict", "none"]],
  // Stays until someone grants it.
  ["AuthFailure", ["StoreDenied", "none"]],
  ["AuthFailure.TokenFailure", ["CredentialsRejected", "none"]],
  ["AuthFailure.SecretIdNotFound", ["CredentialsRejected", "none"]],
  ["AuthFailure.SignatureExpire", ["CredentialsRejected", "none"]],
  ["AuthFailure.InvalidSecretId", ["CredentialsRejected", "none"]],
  ["UnauthorizedOperation", ["StoreDenied", "none"]],
  ["OperationDenied.RoleNotExist", ["StoreDenied", "none"]],
  ["OperationDenied.UinNotMatch", ["StoreDenied", "none"]],
  ["IpInBlacklist", ["StoreDenied", "none"]],
  ["IpNotInWhitelist", ["StoreDenied", "none"]],
  // Stays for this secret.
  ["ResourceNotFound", ["SecretNotFound", "none"]],
  ["ResourceUnavailable", ["StoreRefused", "none"]],
  ["FailedOperation.RotationForbidden", ["StoreRefused", "none"]],
  ["OperationDenied", ["StoreRefused", "none"]],
  ["LimitExceeded", ["StoreRefused", "none"]],
  ["ResourceInsufficient", ["StoreRefused", "none"]],
  ["ResourcesSoldOut", ["StoreRefused", "none"]],
  // Stays for this request.
  ["InvalidParameter", ["StoreRefused", "none"]],
  ["InvalidParameterValue", ["StoreRefused", "none"]],
  ["MissingParameter", ["StoreRefused", "none"]],
  ["UnknownParameter", ["StoreRefused", "none"]],
  ["UnsupportedOperation", ["StoreRefused", "none"]],
  ["UnsupportedRegion", ["StoreRefused", "none"]],
  ["UnsupportedProtocol", ["StoreRefused", "none"]],
  ["InvalidAction", ["StoreRefused", "none"]],
  ["InvalidRequest", ["StoreRefused", "none"]],
  ["NoSuchVersion", ["StoreRefused", "none"]],
  ["NoSuchProduct", ["StoreRefused", "none"]],
  ["ActionOffline", ["StoreRefused", "none"]],
  ["RequestSizeLimitExceeded", ["StoreRefused", "none"]],
]);

/** The client's own codes, as the secret manager's: whoever reads the answer must know which cloud service failed. */
const STORE_CODES: Readonly<Partial<Record<ErrorCode, ErrorCode>>> = {
  Throttled: "StoreThrottled",
  CloudUnavailable: "StoreUnavailable",
  CloudUnreachable: "StoreUnavailable",
  NoAnswer: "StoreUnavailable",
  RequestRefused: "StoreRefused",
};

/** The error of a call, with what it was about: `Secret redis-orders`. */
export function ssmError(error: unknown, subject: string): unknown {
  if (!(error instanceof RotationError)) return error;
  const { code, effect, requestId } = error;
  return new RotationError(STORE_CODES[code] ?? code, `${subject}: ${error.message}`, {
    effect,
    requestId,
  });
}

/** Shorter ones are words that every message may have. */
const SHORTEST_SECRET = 6;
/** As much of a text as is needed to find it in a message. */
const SEARCHED_LENGTH = 256;

/** What no message may quote of a secret's text: each value in its JSON. */
export function confidentialParts(text: string): readonly string[] {
  const parts: string[] = [];
  const visit = (value: unknown): void => {
    if (typeof value === "string") parts.push(value);
    else if (typeof value === "object" && value !== null) Object.values(value).forEach(visit);
  };
  visit(parseConfidentialJson(text) ?? text);
  return parts.filter((part) => part.length >= SHORTEST_SECRET).map((part) => part.slice(0, SEARCHED_LENGTH));
}
