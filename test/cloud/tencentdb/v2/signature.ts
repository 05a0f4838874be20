import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { ApiError } from "../api-error.ts";
import type { Credential } from "../tc3.ts";

const VALID_FOR_SECONDS = 300;

export interface SignedForm {
  readonly method: string;
  readonly host: string;
  readonly path: string;
  /** Decoded, the common parameters and the signature among them. */
  readonly form: URLSearchParams;
}

export interface FormVerifier {
  /** Checks a request of API 2.0. @throws ApiError with the number that the real API answers */
  verify(request: SignedForm, nowMs: number): void;
}

/** Remembers what it has accepted, so that no request is carried out twice. Looks at the keys for each request. */
export function createFormVerifier(credentials: readonly Credential[]): FormVerifier {
  const seen = new Set<string>();
  return {
    verify(request, nowMs) {
      const { form } = request;
      const nonce = number(form, "Nonce");
      const timestamp = number(form, "Timestamp");
      const credential = credentials.find(({ secretId }) => secretId === form.get("SecretId"));
      if (credential === undefined) throw new ApiError("4104", "The SecretId is not found.");
      if (!equal(sign(request, credential.secretKey), form.get("Signature") ?? "")) {
        throw new ApiError("4100", "The signature is not that of this request.");
      }
      const token = form.get("Token");
      if (credential.token === undefined ? token !== null : !equal(credential.token, token ?? "")) {
        throw new ApiError("4105", "The token is not that of this key.");
      }
      if (credential.expiresAtMs !== undefined && credential.expiresAtMs <= nowMs) {
        throw new ApiError("4105", "The token has expired.");
      }
      const use = `${credential.secretId}/${timestamp}/${nonce}`;
      if (seen.has(use) || Math.abs(nowMs / 1_000 - timestamp) > VALID_FOR_SECONDS) {
        throw new ApiError("4500", "The Nonce was used before, or the Timestamp is not of now.");
      }
      seen.add(use);
    },
  };
}

function number(form: URLSearchParams, name: string): number {
  const text = form.get(name) ?? "";
  if (!/^[1-9]\d{0,15}$/.test(text)) throw new ApiError("4000", `${name} is missing or not a number.`);
  return Number(text);
}

/** By name in the order of the code units, every value as it is; the host without its port. */
function sign({ method, host, path, form }: SignedForm, secretKey: string): string {
  const pairs = [...form].filter(([name]) => name !== "Signature");
  pairs.sort(([one], [other]) => (one < other ? -1 : 1));
  const text = `${method}${host.replace(/:\d+$/, "")}${path}?${pairs.map((pair) => pair.join("=")).join("&")}`;
  const hash = form.get("SignatureMethod") === "HmacSHA256" ? "sha256" : "sha1";
  return createHmac(hash, secretKey).update(text, "utf8").digest("base64");
}

function equal(left: string, right: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(left), digest(right));
}
