import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { ApiError } from "./api-error.ts";
import { parseHost } from "./endpoints.ts";

const ALGORITHM = "TC3-HMAC-SHA256";
const VALID_FOR_SECONDS = 300;

/** A key of the account; one with a token is temporary, and useless without it. */
export interface Credential {
  readonly secretId: string;
  readonly secretKey: string;
  readonly token?: string;
  /** Milliseconds since the epoch. Default: it lasts. */
  readonly expiresAtMs?: number;
}

export interface SignedRequest {
  readonly method: string;
  readonly path: string;
  /** Without the question mark, as it came. */
  readonly query: string;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Uint8Array;
}

export interface VerifyOptions {
  readonly credentials: readonly Credential[];
  /** Milliseconds since the epoch. */
  readonly nowMs: number;
}

/** Checks a request's signature, version 3. @throws ApiError with the code that the real API answers */
export function verifyTc3(request: SignedRequest, options: VerifyOptions): void {
  const given = parseAuthorization(request.headers.authorization);
  const timestamp = request.headers["x-tc-timestamp"] ?? "";
  const seconds = /^\d{1,12}$/.test(timestamp) ? Number(timestamp) : undefined;
  if (seconds === undefined) {
    throw new ApiError("MissingParameter", "The request is missing a required parameter `X-TC-Timestamp`.");
  }
  if (Math.abs(options.nowMs / 1_000 - seconds) > VALID_FOR_SECONDS) {
    throw new ApiError("AuthFailure.SignatureExpire", "The provided credentials have expired.");
  }
  const credential = options.credentials.find(({ secretId }) => secretId === given.secretId);
  if (credential === undefined) {
    throw new ApiError("AuthFailure.SecretIdNotFound", "The SecretId is not found.");
  }
  const scopeDate = new Date(seconds * 1_000).toISOString().slice(0, 10);
  const service = parseHost(request.headers.host ?? "")?.service;
  const signature = sign(request, credential.secretKey, given, timestamp);
  if (given.date !== scopeDate || given.service !== service || !equal(signature, given.signature)) {
    throw new ApiError(
      "AuthFailure.SignatureFailure",
      "The provided credentials could not be validated. Please check your signature is correct.",
    );
  }
  const token = request.headers["x-tc-token"];
  if (credential.token === undefined ? token !== undefined : !equal(credential.token, token ?? "")) {
    throw new ApiError("AuthFailure.TokenFailure", "The provided token is not valid.");
  }
  if (credential.expiresAtMs !== undefined && credential.expiresAtMs <= options.nowMs) {
    throw new ApiError("AuthFailure.TokenFailure", "The provided token has expired.");
  }
}

interface Authorization {
  readonly secretId: string;
  readonly date: string;
  readonly service: string;
  readonly signedHeaders: readonly string[];
  readonly signature: string;
}

const AUTHORIZATION =
  /^TC3-HMAC-SHA256 Credential=([^/,\s]+)\/(\d{4}-\d\d-\d\d)\/([^/,\s]+)\/tc3_request, ?SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})$/;

function parseAuthorization(header: string | undefined): Authorization {
  const [, secretId, date, service, names, signature] = AUTHORIZATION.exec(header ?? "") ?? [];
  const signedHeaders = names?.split(";") ?? [];
  if (
    secretId === undefined ||
    date === undefined ||
    service === undefined ||
    signature === undefined ||
    !signedHeaders.includes("content-type") ||
    !signedHeaders.includes("host")
  ) {
    throw new ApiError("AuthFailure.InvalidAuthorization", "The Authorization header is not valid.");
  }
  return { secretId, date, service, signedHeaders, signature };
}

function sign(request: SignedRequest, secretKey: string, given: Authorization, timestamp: string): string {
  const canonicalHeaders = given.signedHeaders.map(
    (name) => `${name}:${canonicalValue(name, request.headers[name] ?? "")}\n`,
  );
  const canonicalRequest = [
    request.method,
    request.path,
    request.query,
    canonicalHeaders.join(""),
    given.signedHeaders.join(";"),
    sha256(request.body),
  ].join("\n");
  const scope = `${given.date}/${given.service}/tc3_request`;
  const stringToSign = [ALGORITHM, timestamp, scope, sha256(canonicalRequest)].join("\n");
  const dateKey = hmac(`TC3${secretKey}`, given.date);
  const signingKey = hmac(hmac(dateKey, given.service), "tc3_request");
  return hmac(signingKey, stringToSign).toString("hex");
}

/** Trimmed and in lower case, as documented; the host without its port, as the official SDKs sign it. */
function canonicalValue(name: string, value: string): string {
  const canonical = value.trim().toLowerCase();
  return name === "host" ? canonical.replace(/:\d+$/, "") : canonical;
}

function sha256(data: string | Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}

function hmac(key: string | Uint8Array, data: string): Buffer {
  return createHmac("sha256", key).update(data).digest();
}

function equal(left: string, right: string): boolean {
  return timingSafeEqual(Buffer.from(sha256(left)), Buffer.from(sha256(right)));
}
