import { createHmac } from "node:crypto";

/** The two methods of API 2.0. */
export type SignatureMethod = "HmacSHA256" | "HmacSHA1";

/** A request of API 2.0 without its signature. */
export interface QcloudRequest {
  readonly method: "GET" | "POST";
  readonly host: string;
  readonly path: string;
  /** All parameters, the common ones too. Values as they are, not URL-encoded. */
  readonly params: Readonly<Record<string, string>>;
}

/**
 * The value of the parameter `Signature`, by the method that the parameter `SignatureMethod` names: base64 of the HMAC
 * over the method, the address and the parameters, sorted by code unit and not URL-encoded. Source: "Signature" of
 * API 2.0. As the API does, takes HmacSHA1 for whatever is not HmacSHA256.
 */
export function qcloudSignature({ method, host, path, params }: QcloudRequest, secretKey: string): string {
  const sorted = Object.keys(params).sort();
  const query = sorted.map((name) => `${name}=${params[name]}`).join("&");
  const algorithm = params.SignatureMethod === "HmacSHA256" ? "sha256" : "sha1";
  return createHmac(algorithm, secretKey).update(`${method}${host}${path}?${query}`).digest("base64");
}
