/** AWS Signature Version 4, the verifier's side, for requests that carry the signature in the Authorization header. */
import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { AwsApiError } from "./aws-api-error.ts";

export interface Key {
  readonly secretAccessKey: string;
  /** Present where the key is temporary: the request must carry it, signed. */
  readonly sessionToken?: string;
}

export interface SignedRequest {
  readonly method: string;
  /** Path and query as sent. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Uint8Array;
}

export interface SigV4Options {
  /** By access key id. */
  readonly keys: Readonly<Record<string, Key>>;
  readonly service: string;
  readonly nowMs: number;
  /** How far the request's time may be off. Default 5 minutes. */
  readonly maxSkewMs?: number;
}

const MUST_BE_SIGNED = ["host", "x-amz-date", "x-amz-target", "x-amz-security-token", "x-amz-content-sha256"];

/**
 * Checks the signature and returns the region of its scope.
 *
 * @throws AwsApiError `MissingAuthenticationTokenException`, `IncompleteSignatureException`, `InvalidSignatureException`,
 * `UnrecognizedClientException`
 */
export function verifySigV4(request: SignedRequest, options: SigV4Options): { readonly region: string } {
  const { headers } = request;
  const authorization = headers.authorization;
  if (authorization === undefined) {
    throw new AwsApiError("MissingAuthenticationTokenException", "Missing Authentication Token");
  }
  const { accessKeyId, date, region, service, terminator, signedHeaders, signature } = parsed(authorization);
  const amzDate = header(headers, "x-amz-date") ?? "";

  const unsigned = MUST_BE_SIGNED.filter(
    (name) => headers[name] !== undefined && !signedHeaders.includes(name),
  );
  if (unsigned.length > 0) {
    throw invalidSignature(`These headers must be signed: ${unsigned.join(", ")}`);
  }
  if (terminator !== "aws4_request" || service !== options.service) {
    throw invalidSignature(`Credential should be scoped to correct service: '${options.service}'.`);
  }
  if (date !== amzDate.slice(0, 8)) {
    throw invalidSignature("Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date.");
  }
  if (!(Math.abs(timeOf(amzDate) - options.nowMs) <= (options.maxSkewMs ?? 300_000))) {
    throw invalidSignature("Signature expired or not yet current.");
  }

  const key = Object.hasOwn(options.keys, accessKeyId) ? options.keys[accessKeyId] : undefined;
  if (key === undefined || !sameText(header(headers, "x-amz-security-token") ?? "", key.sessionToken ?? "")) {
    throw new AwsApiError(
      "UnrecognizedClientException",
      "The security token included in the request is invalid.",
    );
  }
  const payloadHash = sha256(request.body);

  const canonical = [
    request.method,
    ...canonicalTarget(request.url),
    ...signedHeaders.map((name) => `${name}:${canonicalValue(header(headers, name))}`),
    "",
    signedHeaders.join(";"),
    payloadHash,
  ].join("\n");
  const scope = [date, region, service, terminator];
  const toSign = ["AWS4-HMAC-SHA256", amzDate, scope.join("/"), sha256(canonical)].join("\n");
  const signingKey = scope.reduce<Buffer | string>(hmac, `AWS4${key.secretAccessKey}`);
  if (!sameText(hmac(signingKey, toSign).toString("hex"), signature)) {
    throw invalidSignature(
      "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method.",
    );
  }
  return { region };
}

function parsed(authorization: string) {
  const match =
    /^AWS4-HMAC-SHA256 Credential=([^/,\s]+)\/(\d{8})\/([^/,\s]+)\/([^/,\s]+)\/([^/,\s]+),\s*SignedHeaders=([a-z0-9;_-]+),\s*Signature=([0-9a-f]{64})$/.exec(
      authorization,
    );
  if (match === null) {
    throw new AwsApiError("IncompleteSignatureException", "The Authorization header is not complete.");
  }
  const [
    ,
    accessKeyId = "",
    date = "",
    region = "",
    service = "",
    terminator = "",
    names = "",
    signature = "",
  ] = match;
  const signedHeaders = names.split(";");
  if (signedHeaders.join() !== [...new Set(signedHeaders)].sort().join()) {
    throw new AwsApiError("IncompleteSignatureException", "SignedHeaders must be sorted, each name once.");
  }
  return { accessKeyId, date, region, service, terminator, signedHeaders, signature };
}

/** Canonical path and query: each path segment is encoded once more than it was sent. */
function canonicalTarget(url: string): [string, string] {
  const [path = "/", query = ""] = url.split("?", 2);
  const pairs = query === "" ? [] : query.split("&").map((pair) => (pair.includes("=") ? pair : `${pair}=`));
  return [path.split("/").map(encodeURIComponent).join("/"), pairs.sort().join("&")];
}

function header(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value.join(",") : value;
}

function canonicalValue(value: string | undefined): string {
  return (value ?? "").trim().replaceAll(/ +/g, " ");
}

/** Not a number where it is no `YYYYMMDDTHHMMSSZ`. */
function timeOf(amzDate: string): number {
  return Date.parse(amzDate.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, "$1-$2-$3T$4:$5:$6Z"));
}

function sha256(data: Uint8Array | string): string {
  return createHash("sha256").update(data).digest("hex");
}

function hmac(key: Buffer | string, data: string): Buffer {
  return createHmac("sha256", key).update(data).digest();
}

/** Takes the same time whatever differs: both sides are hashed first, so the lengths are equal. */
function sameText(one: string, other: string): boolean {
  const digests = [one, other].map((text) => createHash("sha256").update(text).digest());
  return timingSafeEqual(digests[0] as Buffer, digests[1] as Buffer);
}

function invalidSignature(message: string): AwsApiError {
  return new AwsApiError("InvalidSignatureException", message);
}
