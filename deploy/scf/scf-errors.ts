import { type ApiErrorTable, ApiRefusal } from "../../lib/drivers/tencent-errors.ts";
import { asRotationError } from "../../lib/errors.ts";

/** SCF, version 2018-04-16: what its codes mean for the next call. What it refused has not been carried out. */
export const SCF_API_ERRORS: ApiErrorTable = new Map([
  ["RequestLimitExceeded", ["Throttled", "none"]],
  ["InternalError", ["CloudUnavailable", "unknown"]],
  ["FailedOperation", ["RequestRefused", "none"]],
  ["AuthFailure", ["AccessDenied", "none"]],
  ["UnauthorizedOperation", ["AccessDenied", "none"]],
  ["InvalidParameter", ["RequestRefused", "none"]],
  ["InvalidParameterValue", ["RequestRefused", "none"]],
  ["LimitExceeded", ["RequestRefused", "none"]],
  ["MissingParameter", ["RequestRefused", "none"]],
  ["ResourceInUse", ["RequestRefused", "none"]],
  ["ResourceNotFound", ["RequestRefused", "none"]],
  ["UnsupportedOperation", ["RequestRefused", "none"]],
  ["UnsupportedRegion", ["RequestRefused", "none"]],
]);

/** The function does not exist: both codes are in use. */
export function isMissingFunction(error: unknown): boolean {
  return (
    error instanceof ApiRefusal &&
    ["ResourceNotFound.Function", "ResourceNotFound.FunctionName"].includes(error.apiCode)
  );
}

/** Another change of the function is under way. */
export function isBusyFunction(error: unknown): boolean {
  return error instanceof ApiRefusal && BUSY.test(error.apiCode);
}

const BUSY =
  /^FailedOperation\.(FunctionStatusError|FunctionNameStatusError|FunctionVersionStatusNotActive|OperationConflict|UpdateFunctionCode|CreateTrigger)$/;

/** What the operator does next: the first row that fits SCF's code. */
const NEXT: readonly (readonly [RegExp, string])[] = [
  [BUSY, "Another change of the function is under way: run this again when it is done."],
  [
    /^(ResourceNotFound\.Role|FailedOperation\.QcsRoleNotFound)$/,
    "Create the role first, or correct --role.",
  ],
  [/^ResourceNotFound\.Vpc$/, "Correct --vpc and --subnet: they must be in the function's region."],
  [/^ResourceInUse\.FunctionName$/, "Somebody else has just made the function: run this again."],
  [/^InvalidParameterValue\.Runtime$/, "Choose another --runtime: Node.js 20.19 or later."],
  [/^InvalidParameterValue\.TriggerDesc$/, "Correct --schedule: seven fields, seconds first, in UTC+8."],
  [/^InvalidParameterValue\.Environment/, "Correct the --env options."],
  [/^InvalidParameter\.FunctionName$/, "Correct --function: letters, digits, - and _, a letter first."],
  [/^(FailedOperation|ResourceUnavailable)\.InsufficientBalance$/, "Settle the account's balance."],
  [/^FailedOperation\.UnOpenedService$/, "Open SCF once in the console."],
  [
    /^UnauthorizedOperation/,
    "Grant your credentials the named action (policies/deployer.json), and cam:PassRole on the role.",
  ],
  [/^AuthFailure/, "Correct your credentials, or the clock of this machine."],
  [/^(RequestLimitExceeded|InternalError)/, "Run this again in a minute."],
  [/^LimitExceeded/, "Remove what is not needed any more, or ask for a larger quota."],
  [/./, "Read the message: SCF refuses the call."],
];

/** What a deployment cannot go on with. The message says what the operator does next. */
export class DeployFailure extends Error {
  override readonly name = "DeployFailure";
}

/** What happened, and what the operator does next. */
export function adviceOn(error: unknown): string {
  if (error instanceof DeployFailure) return error.message;
  const known = asRotationError(error);
  if (!(known instanceof ApiRefusal)) return known.advice;
  const next = NEXT.find(([code]) => code.test(known.apiCode))?.[1] ?? "";
  return `${known.message.replace(/\.+$/, "")}. ${next}`;
}
