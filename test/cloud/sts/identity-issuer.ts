import {
  createPublicKey,
  generateKeyPairSync,
  type JsonWebKey,
  type KeyObject,
  sign,
  verify,
} from "node:crypto";

export type TokenAlgorithm = "RS256" | "ES384";

export interface Claims {
  readonly iss: string;
  readonly aud: string | readonly string[];
  readonly sub: string;
  /** Seconds since the epoch, as the next two. */
  readonly iat: number;
  readonly nbf?: number;
  readonly exp: number;
  readonly jti?: string;
}

type PublicKey = JsonWebKey & { readonly kid: string; readonly alg: TokenAlgorithm };

/** What the issuer publishes for verifiers at its `jwks_uri`. */
export interface KeySet {
  readonly keys: readonly PublicKey[];
}

export interface IdentityIssuer {
  /** The tokens' `iss`. */
  readonly url: string;
  keySet(): KeySet;
  /** A signed JSON Web Token. */
  issue(claims: Omit<Claims, "iss">, algorithm: TokenAlgorithm): string;
}

/** An issuer of OpenID Connect tokens with keys of its own, which it makes when they are first needed. */
export function createIdentityIssuer(url: string): IdentityIssuer {
  const made = new Map<TokenAlgorithm, { readonly privateKey: KeyObject; readonly jwk: PublicKey }>();

  function keyOf(alg: TokenAlgorithm) {
    const known = made.get(alg);
    if (known !== undefined) return known;
    const { privateKey, publicKey } =
      alg === "RS256"
        ? generateKeyPairSync("rsa", { modulusLength: 2_048 })
        : generateKeyPairSync("ec", { namedCurve: "P-384" });
    const jwk = { ...publicKey.export({ format: "jwk" }), kid: `${alg}-1`, alg, use: "sig" };
    const key = { privateKey, jwk };
    made.set(alg, key);
    return key;
  }

  return {
    url,
    keySet: () => ({ keys: (["RS256", "ES384"] as const).map((alg) => keyOf(alg).jwk) }),
    issue(claims, alg) {
      const { privateKey, jwk } = keyOf(alg);
      const head = encode({ alg, kid: jwk.kid, typ: "JWT" });
      const signed = `${head}.${encode({ iss: url, ...claims })}`;
      const signature = sign(hashOf(alg), Buffer.from(signed), {
        key: privateKey,
        dsaEncoding: "ieee-p1363",
      });
      return `${signed}.${signature.toString("base64url")}`;
    },
  };
}

/** The claims of a token that one of these keys has signed, or why there are none. */
export function readToken(token: string, { keys }: KeySet): Claims | string {
  const [head = "", body = "", signature = "", ...rest] = token.split(".");
  const { alg, kid } = decode(head);
  const jwk = keys.find((key) => key.kid === kid && key.alg === alg);
  if (rest.length > 0 || jwk === undefined) return "it is not signed by a key of the identity provider";
  const key = { key: createPublicKey({ key: jwk, format: "jwk" }), dsaEncoding: "ieee-p1363" } as const;
  const isSigned = verify(
    hashOf(jwk.alg),
    Buffer.from(`${head}.${body}`),
    key,
    Buffer.from(signature, "base64url"),
  );
  return isSigned ? (decode(body) as unknown as Claims) : "its signature is not that of its text";
}

function hashOf(algorithm: TokenAlgorithm): string {
  return algorithm === "RS256" ? "sha256" : "sha384";
}

function encode(content: object): string {
  return Buffer.from(JSON.stringify(content)).toString("base64url");
}

function decode(part: string): Readonly<Record<string, unknown>> {
  try {
    const content: unknown = JSON.parse(Buffer.from(part, "base64url").toString());
    return typeof content === "object" && content !== null ? { ...content } : {};
  } catch {
    return {};
  }
}
