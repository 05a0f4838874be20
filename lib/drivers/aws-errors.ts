import { SecretsManagerServiceException } from "@aws-sdk/client-secrets-manager";
import { type Effect, type ErrorCode, RotationError } from "../errors.ts";
import { ProxyFailure } from "./proxy-agent.ts";

export interface FailedCall {
  /** The action and the secret, for the message: `GetSecretValue of redis/orders`. */
  readonly what: string;
  readonly effect: Effect;
  /** What was sent and must not be told: an answer may quote it. */
  readonly confidential: readonly string[];
  readonly aborted: boolean;
}

// Secrets Manager's API reference, "Common Error Types" and the errors of each action.
const CODES: Readonly<Record<string, ErrorCode>> = {
  ResourceNotFoundException: "SecretNotFound",
  ResourceExistsException: "StoreConflict",
  AccessDeniedException: "StoreDenied",
  DecryptionFailure: "StoreDenied",
  EncryptionFailure: "StoreDenied",
  ExpiredTokenException: "StoreDenied",
  IncompleteSignature: "StoreDenied",
  InvalidClientTokenId: "StoreDenied",
  InvalidSignatureException: "StoreDenied",
  MissingAuthenticationTokenException: "StoreDenied",
  NotAuthorized: "StoreDenied",
  OptInRequired: "StoreDenied",
  RequestExpired: "StoreDenied",
  UnrecognizedClientException: "StoreDenied",
  RequestLimitExceeded: "StoreThrottled",
  Throttling: "StoreThrottled",
  ThrottlingException: "StoreThrottled",
  TooManyRequestsException: "StoreThrottled",
};

const NEVER_SENT = ["EPROXY", "ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH"];

/** Whether the service has refused one attempt as one too many. */
export function isThrottling(error: unknown): boolean {
  return error instanceof SecretsManagerServiceException && CODES[error.name] === "StoreThrottled";
}

/** Whether the service may have done what one failed attempt asked for. */
export function mayBeDone(error: unknown): boolean {
  if (error instanceof SecretsManagerServiceException) return statusOf(error) >= 500;
  return !NEVER_SENT.includes(textOf(error, "code") ?? "");
}

/** The one error that leaves the store. It has no cause: the SDK's errors hold the request and its answer. */
export function storeError(error: unknown, call: FailedCall): RotationError {
  const { code, detail } = explain(error, call);
  return new RotationError(code, `${call.what}: ${detail}`, {
    effect: call.effect,
    requestId: requestIdOf(error),
  });
}

function explain(error: unknown, call: FailedCall): { code: ErrorCode; detail: string } {
  if (call.aborted) return { code: "InProgress", detail: "the time of this run is used up" };
  if (error instanceof SecretsManagerServiceException) {
    const quoted = call.confidential.some((text) => sharesWords(error.message, text));
    return {
      code: codeOf(error),
      detail: quoted ? `${error.name} (its message quotes the request)` : `${error.name}: ${error.message}`,
    };
  }
  // The SDK's other errors quote what they could not read, which may be the secret: only their kind is told.
  const kind = textOf(error, "code") ?? textOf(error, "name") ?? "unknown";
  if (kind === "CredentialsProviderError") {
    return { code: "StoreCredentialsMissing", detail: "no AWS credentials were found" };
  }
  if (error instanceof ProxyFailure) return { code: "StoreUnavailable", detail: error.message };
  if (kind === "TimeoutError" || kind === "ETIMEDOUT") {
    return { code: "StoreUnavailable", detail: "no answer in time" };
  }
  const unreadable = statusOf(error);
  if (unreadable > 0) {
    return { code: "StoreUnavailable", detail: `an answer that cannot be read (HTTP ${unreadable})` };
  }
  if (textOf(error, "code") !== undefined) return { code: "StoreUnavailable", detail: `no answer (${kind})` };
  return { code: "Internal", detail: `the call could not be made (${kind})` };
}

// Long enough to tell a quotation, of whatever part of the text, from a coincidence.
const QUOTE_LENGTH = 8;

function sharesWords(message: string, text: string): boolean {
  for (let start = 0; start + QUOTE_LENGTH <= text.length; start += 1) {
    if (message.includes(text.slice(start, start + QUOTE_LENGTH))) return true;
  }
  return false;
}

function codeOf(error: SecretsManagerServiceException): ErrorCode {
  const status = statusOf(error);
  if (status >= 500) return "StoreUnavailable";
  return CODES[error.name] ?? (status === 429 ? "StoreThrottled" : "StoreRefused");
}

function metadataOf(error: unknown): object {
  const metadata = error instanceof Error && "$metadata" in error ? error.$metadata : undefined;
  return typeof metadata === "object" && metadata !== null ? metadata : {};
}

function statusOf(error: unknown): number {
  const metadata = metadataOf(error);
  return "httpStatusCode" in metadata ? Number(metadata.httpStatusCode) : 0;
}

function requestIdOf(error: unknown): string | undefined {
  return textOf(metadataOf(error), "requestId");
}

function textOf(value: unknown, field: string): string | undefined {
  const found: unknown = typeof value === "object" && value !== null ? Reflect.get(value, field) : undefined;
  return typeof found === "string" ? found : undefined;
}
