import { SecretsManagerServiceException } from "@aws-sdk/client-secrets-manager";
import { type Effect, type ErrorCode, RotationError } from "../errors.ts";
import { mask, quotes } from "./mask.ts";
import { ProxyFailure } from "./proxy-agent.ts";

export interface FailedCall {
  /** The action and the secret, for the message: `GetSecretValue of redis/orders`. */
  readonly what: string;
  readonly effect: Effect;
  /** What was sent and must not be told: values, tokens, signatures. An answer may quote them. */
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

/** The longest text of the service that a message quotes. */
const MAX_TEXT_LENGTH = 500;
/** A message may have shorter ones by chance, and then is not shown at all. */
const SHORTEST_SECRET = 8;

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
  const confidential = call.confidential.filter((text) => text.length >= SHORTEST_SECRET);
  const { code, detail } = explain(error, { ...call, confidential });
  const requestId = requestIdOf(error);
  return new RotationError(code, `${call.what}: ${detail}`, {
    effect: call.effect,
    requestId: requestId && mask(requestId, confidential),
  });
}

function explain(error: unknown, call: FailedCall): { code: ErrorCode; detail: string } {
  if (call.aborted) return { code: "InProgress", detail: "the time of this run is used up" };
  if (error instanceof SecretsManagerServiceException) {
    const name = mask(error.name, call.confidential);
    return {
      code: codeOf(error),
      detail: quotes(error.message, call.confidential)
        ? `${name} (its message quotes the request)`
        : `${name}: ${error.message.slice(0, MAX_TEXT_LENGTH)}`,
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
