import { RotationError } from "../../lib/errors.ts";
import type { ProbeVerdict } from "../../lib/ports.ts";
import { AwsApiError } from "../cloud/secrets-manager/aws-api-error.ts";
import { BrokenAnswer, type TransportFault } from "../cloud/secrets-manager/faults.ts";
import { ApiError } from "../cloud/tencentdb/api-error.ts";
import { BrokenReply } from "../cloud/tencentdb/faults.ts";
import { isPasswordAction } from "../cloud/tencentdb/password-rules.ts";
import type { Call } from "./world.ts";

/** What a call meets instead of its answer. */
export interface Trouble {
  readonly name: string;
  readonly port: Call["port"];
  /** Its code is one of API 2.0's, or of API 3.0's. Default: it has none. */
  readonly api?: 2 | 3;
  /** It concerns only the request that changes a password. */
  readonly ofChanges?: boolean;
  /** It concerns only APIs that ask for the old password, or only the others. Default: all. */
  readonly asksForOld?: boolean;
  /** `passing`: the same call may succeed later. `final`: it will not. */
  readonly kind: "passing" | "final";
  /** The code tells nothing, not even whether the call was carried out. */
  readonly isUnheardOf?: boolean;
  /** Where the change meets it, the password is given up, and another one drawn. */
  readonly costsPassword?: boolean;
  instead(effect: () => Promise<unknown>): Promise<unknown>;
}

const PASSING_CODES = [
  "RequestLimitExceeded",
  "RequestLimitExceeded.UinLimitExceeded",
  "ResourceInUse",
  "ResourceInUse.InstanceBeenLocked",
  "ResourceUnavailable.InstanceStatusAbnormal",
  "ResourceUnavailable.InstanceLockedError",
  "ResourceUnavailable.InstanceStatusError",
  "ResourceUnavailable.InstanceStateError",
  "ResourceUnavailable.InstanceUnLockedError",
  "FailedOperation.SystemError",
  "FailedOperation.Unknown",
  "InternalError",
  "InternalError.DbOperationFailed",
  "ServiceUnavailable",
  "LimitExceeded.ReplicationGroupLocked",
  "UnsupportedOperation.Inspection",
  "ResourceUnavailable.CallOssError",
  "ResourceUnavailable.GetSecurityError",
];

/** For good, and not about this request: the same one is as good as another. */
const STANDING_CODES = [
  "InvalidParameter.PermissionDenied",
  "AuthFailure.SignatureExpire",
  "AuthFailure.TokenFailure",
  "AuthFailure.SecretIdNotFound",
  "AuthFailure.InvalidSecretId",
  "UnauthorizedOperation",
  "UnauthorizedOperation.NoCAMAuthed",
  "ResourceNotFound.InstanceNotExists",
  "ResourceUnavailable.InstanceIsolated",
  "ResourceUnavailable.InstanceDeleted",
  "InternalError.InstanceOperatePermissionError",
  "IpInBlacklist",
  "IpNotInWhitelist",
];

/** For good, and about this request: its password may be why. */
const REFUSAL_CODES = [
  "InvalidParameter",
  "InvalidParameterValue",
  "InvalidParameterValue.PasswordFreeDenied",
  "MissingParameter",
  "UnsupportedOperation",
  "FailedOperation.UnSupportError",
  "UnsupportedRegion",
  "UnsupportedProtocol",
  "UnknownParameter",
  "OperationDenied",
  "ResourceNotFound.AccountDoesNotExists",
  "ResourceUnavailable",
  "ResourceInsufficient",
  "LimitExceeded",
  "RequestSizeLimitExceeded",
  "InvalidRequest",
  "InvalidAction",
  "ActionOffline",
  "NoSuchVersion",
  "NoSuchProduct",
];

/** No table knows it. */
const UNHEARD_OF = "NeverSeenBefore.OfThisKind";

const WRONG_PASSWORD = "InvalidParameterValue.PasswordError";

/** What these say of a password makes no sense of any other call. */
const PASSWORD_CODES = [
  "InvalidParameterValue.PasswordRuleError",
  WRONG_PASSWORD,
  "InvalidParameterValue.PasswordEmpty",
];

/** API 2.0's codes, as far as ModfiyRedisPassword can meet them. */
const QCLOUD_CODES: readonly Pick<Trouble, "name" | "kind" | "costsPassword" | "isUnheardOf">[] = [
  ...["10702", "10707", "4400", "5100", "6000", "6100", "6200"].map((name) => ({
    name,
    kind: "passing" as const,
  })),
  { name: "10502", kind: "passing" },
  ...[
    "10701",
    "4100",
    "4101",
    "4102",
    "4103",
    "4104",
    "4105",
    "4106",
    "4110",
    "4200",
    "4300",
    "4500",
    "5000",
  ].map((name) => ({ name, kind: "final" as const })),
  ...["10501", "11058", "11201", "4000", "4600", "5200", "5300", "5500"].map((name) => ({
    name,
    kind: "final" as const,
    costsPassword: true,
  })),
  ...["5400", "9999"].map((name) => ({ name, kind: "final" as const, isUnheardOf: true })),
];

/** What the far end may have done all the same, where its answer says that it failed or is no answer. */
const UNCERTAIN_CODES = ["FailedOperation.SystemError", "FailedOperation.Unknown", "InternalError"];

const BROKEN_REPLIES = [
  { kind: "status", status: 500 },
  { kind: "status", status: 502 },
  { kind: "not-json" },
  { kind: "empty" },
  { kind: "hang" },
  { kind: "reset" },
] as const;

/** What Secrets Manager refuses a call with for good. */
const AWS_NAMES = [
  "AccessDeniedException",
  "DecryptionFailure",
  "ExpiredTokenException",
  "InvalidParameterException",
  "InvalidRequestException",
  "LimitExceededException",
  "ResourceNotFoundException",
  "ResourceExistsException",
  "NeverSeenBeforeException",
];

/** Every error's name, by the interface that answers with it. */
export const ERROR_NAMES = {
  "API 3.0": [...PASSING_CODES, ...STANDING_CODES, ...REFUSAL_CODES, ...PASSWORD_CODES, UNHEARD_OF],
  "API 2.0": QCLOUD_CODES.map(({ name }) => name),
  AWS: [...AWS_NAMES, "ThrottlingException", "InternalServiceError"],
} as const;

type Instead = Trouble["instead"];

const refused =
  (error: () => Error): Instead =>
  async () => {
    throw error();
  };

/** The call has its effect, and its answer is lost; so is a refusal. */
const carriedOut =
  (error: () => Error): Instead =>
  async (effect) => {
    await effect().catch(() => {});
    throw error();
  };

const apiError = (code: string) => () => new ApiError(code, "Made to fail.");
const awsError = (name: string, status?: number) => () => new AwsApiError(name, "Made to fail.", status);
const told = (fault: { readonly kind: string; readonly status?: number }) =>
  `${fault.kind} ${fault.status ?? ""}`.trim();

const API_3: readonly Trouble[] = [
  ...PASSING_CODES.map((code) => tencent(code, "passing", refused(apiError(code)))),
  ...STANDING_CODES.map((code) => tencent(code, "final", refused(apiError(code)))),
  ...REFUSAL_CODES.map((code) => ({
    ...tencent(code, "final", refused(apiError(code))),
    costsPassword: true,
  })),
  {
    ...tencent(UNHEARD_OF, "final", refused(apiError(UNHEARD_OF))),
    isUnheardOf: true,
  },
  ...PASSWORD_CODES.map((code) => ({
    ...tencent(code, "final", refused(apiError(code)), true),
    costsPassword: true,
    // Of two passwords in one request, this one says that the old one is wrong.
    ...(code === WRONG_PASSWORD && { asksForOld: false }),
  })),
  {
    ...tencent(`${WRONG_PASSWORD}: the old one`, "passing", refused(apiError(WRONG_PASSWORD)), true),
    asksForOld: true,
  },
  ...UNCERTAIN_CODES.map((code) =>
    tencent(`${code}, carried out`, "passing", carriedOut(apiError(code)), true),
  ),
];

const TENCENT: readonly Trouble[] = [
  ...API_3.map((trouble) => ({ ...trouble, api: 3 as const })),
  ...QCLOUD_CODES.map(({ name, kind, ...rest }) => ({
    ...tencent(name, kind, refused(apiError(name)), true),
    ...rest,
    api: 2 as const,
  })),
  { ...tencent("6000, carried out", "passing", carriedOut(apiError("6000")), true), api: 2 },
  tencent(
    "HTTP 429",
    "passing",
    refused(() => new BrokenReply({ kind: "status", status: 429 })),
  ),
  tencent(
    "a redirect",
    "passing",
    refused(() => new BrokenReply({ kind: "redirect", location: "https://example.com/" })),
  ),
  tencent(
    "no connection",
    "passing",
    refused(() => new RotationError("CloudUnreachable", "no connection", { effect: "none" })),
  ),
  ...BROKEN_REPLIES.map((fault) =>
    tencent(
      told(fault),
      "passing",
      refused(() => new BrokenReply(fault)),
    ),
  ),
  ...BROKEN_REPLIES.map((fault) =>
    tencent(
      `${told(fault)}, carried out`,
      "passing",
      carriedOut(() => new BrokenReply(fault)),
      true,
    ),
  ),
];

const BROKEN_ANSWERS: readonly TransportFault[] = [
  { kind: "status", status: 503 },
  { kind: "hang" },
  { kind: "reset" },
];

const AWS: readonly Trouble[] = [
  aws("ThrottlingException", "passing", refused(awsError("ThrottlingException"))),
  aws("InternalServiceError", "passing", refused(awsError("InternalServiceError", 500))),
  aws("InternalServiceError, carried out", "passing", carriedOut(awsError("InternalServiceError", 500))),
  ...BROKEN_ANSWERS.flatMap((fault) => [
    aws(
      told(fault),
      "passing",
      refused(() => new BrokenAnswer(fault)),
    ),
    aws(
      `${told(fault)}, carried out`,
      "passing",
      carriedOut(() => new BrokenAnswer(fault)),
    ),
  ]),
  ...AWS_NAMES.map((name) => aws(name, "final", refused(awsError(name)))),
];

const PROBE: readonly Trouble[] = [
  auth("no answer", "passing", { answer: "unknown", reason: "no answer in time" }),
  auth("a proxy that lags behind", "passing", { answer: "rejected" }),
];

export const TROUBLES: readonly Trouble[] = [...TENCENT, ...AWS, ...PROBE];

/** Whether the call of a rotation by this API can meet the trouble. */
export function concerns(trouble: Trouble, { port, action }: Call, api: string): boolean {
  const { ofChanges = false, asksForOld, api: codesOf } = trouble;
  if (trouble.port !== port || (ofChanges && !isPasswordAction(action))) return false;
  if (codesOf !== undefined && (codesOf === 2) !== (action === "ModfiyRedisPassword")) return false;
  return asksForOld === undefined || asksForOld === OLD_PASSWORD_APIS.includes(api);
}

const OLD_PASSWORD_APIS = ["ModifyInstancePassword", "ModfiyRedisPassword"];

function tencent(name: string, kind: Trouble["kind"], instead: Instead, ofChanges = false): Trouble {
  return { name, kind, instead, port: "controlPlane", ofChanges };
}

function aws(name: string, kind: Trouble["kind"], instead: Instead): Trouble {
  return { name, kind, instead, port: "store" };
}

function auth(name: string, kind: Trouble["kind"], verdict: ProbeVerdict): Trouble {
  return { name, kind, instead: async () => verdict, port: "probe" };
}
