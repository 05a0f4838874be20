import type { ApiError } from "../api-error.ts";

/** From API 3.0's code, or from the part before its dot, to API 2.0's number and word. */
const CODES: Readonly<Record<string, readonly [code: number, codeDesc: string]>> = {
  "InvalidParameterValue.PasswordEmpty": [10501, "PasswordEmpty"],
  "InvalidParameterValue.PasswordError": [10502, "OldPasswordError"],
  "InvalidParameterValue.PasswordRuleError": [11058, "PasswordRuleError"],
  "ResourceNotFound.InstanceNotExists": [10701, "InstanceNotExists"],
  "ResourceUnavailable.InstanceLockedError": [10707, "InstanceLockedError"],
  ResourceInUse: [10707, "InstanceLockedError"],
  ResourceUnavailable: [10702, "InstanceStatusAbnormal"],
  "InvalidParameter.InvalidParameter": [11201, "InvalidParameter"],
  "InvalidParameter.PermissionDenied": [4102, "PermissionDenied"],
  UnauthorizedOperation: [4101, "UnauthorizedOperation"],
  RequestLimitExceeded: [4400, "RequestLimitExceeded"],
  ResourceNotFound: [5000, "ResourceNotFound"],
  FailedOperation: [5100, "FailedOperation"],
  InternalError: [6000, "InternalError"],
  InvalidAction: [6100, "InvalidAction"],
};

/** What has no number of its own is a bad parameter. An error that is numbered already keeps its number. */
export function qcloudCode({ code }: ApiError): { readonly code: number; readonly codeDesc: string } {
  if (/^-?\d+$/.test(code)) return { code: Number(code), codeDesc: NAMES.get(Number(code)) ?? "" };
  const [number, codeDesc] = CODES[code] ?? CODES[code.replace(/\..*/, "")] ?? [4000, "InvalidParameter"];
  return { code: number, codeDesc };
}

const NAMES: ReadonlyMap<number, string> = new Map(Object.values(CODES));
