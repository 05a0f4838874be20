import type { ErrorCode, RotationError } from "../errors.ts";
import type { AwsPost } from "./aws-post.ts";
import { withGrant } from "./grant.ts";

export interface AwsRefusal {
  /** Of HTTP. */
  readonly status: number;
  /** The error's, as the service calls it. */
  readonly name: string | undefined;
  readonly message: string | undefined;
  readonly requestId: string | undefined;
}

const THROTTLED = [
  "Throttled",
  "Throttling",
  "ThrottlingException",
  "RequestThrottled",
  "RequestLimitExceeded",
  "TooManyRequestsException",
];

/** What an error's name means that does not pass by itself: the first row that fits, else it is refused. */
const CODES: readonly (readonly [RegExp, ErrorCode])[] = [
  [/AccessDenied|^AuthorizationError$|^NotAuthorized/, "AccessDenied"],
  [
    /^(ExpiredToken|InvalidClientTokenId|InvalidSignature|MissingAuthentication|SignatureDoesNotMatch|UnrecognizedClient)/,
    "CredentialsRejected",
  ],
  [/^(QueueDoesNotExist|InvalidAddress|NotFound|ResourceNotFoundException)$/, "ConfigurationInvalid"],
];

/** What a refusal means that passes by itself, whatever the service. */
export function passingCode(status: number, name: string): ErrorCode | undefined {
  if (status >= 500) return "CloudUnavailable";
  return status === 429 || THROTTLED.includes(name) ? "Throttled" : undefined;
}

/** What a service that is sent messages has said in place of taking one. `grant`: what it takes to be let in. */
export function awsRefusal(
  { refusal }: AwsPost,
  { status, name: told, message, requestId }: AwsRefusal,
  grant: string,
): RotationError {
  const name = told?.replace(/^.*#/, "").replace(/\W/g, "") || `HTTP ${status}`;
  const code =
    passingCode(status, name) ?? CODES.find(([names]) => names.test(name))?.[1] ?? "RequestRefused";
  if (code !== "AccessDenied") return refusal(code, name, requestId);
  // The one text that helps. That of a refused signature quotes the request.
  return withGrant(refusal(code, `${name}: ${message?.slice(0, 500) ?? "no message"}`, requestId), grant);
}
