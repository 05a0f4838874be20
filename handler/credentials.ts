import * as v from "valibot";
import type { TencentCredentials } from "../lib/drivers/tencent-client.ts";
import { RotationError } from "../lib/errors.ts";
import type { SecretStore } from "../lib/ports.ts";
import { object } from "../lib/schemas.ts";
import { readSecretJson } from "./secret-json.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** SCF's spelling first: on SCF the role's variables are there, and they are the ones that are renewed. */
const SPELLINGS = [
  ["TENCENTCLOUD_SECRETID", "TENCENTCLOUD_SECRETKEY", "TENCENTCLOUD_SESSIONTOKEN"],
  ["TENCENTCLOUD_SECRET_ID", "TENCENTCLOUD_SECRET_KEY", "TENCENTCLOUD_SESSION_TOKEN"],
] as const;

/**
 * Tencent Cloud credentials from the environment, all three names of one spelling.
 *
 * @throws RotationError `CredentialsMissing`
 */
export function credentialsFromEnvironment(environment: Environment): TencentCredentials {
  const [id = "", key = "", session = ""] = credentialVariables(environment);
  const { [id]: secretId, [key]: secretKey, [session]: token } = environment;
  if (secretId && secretKey) return { secretId, secretKey, ...(token && { token }) };
  throw new RotationError("CredentialsMissing", "The environment holds no Tencent Cloud credentials", {
    effect: "none",
  });
}

/** The variables that they are read from, by their names. None: there are no credentials. */
export function credentialVariables(environment: Environment): readonly string[] {
  const spelling = SPELLINGS.find(([id, key]) => environment[id] && environment[key]) ?? [];
  return spelling.filter((name) => environment[name]);
}

const schema = object({
  secretId: v.pipe(v.string(), v.minLength(1, "must not be empty")),
  secretKey: v.pipe(v.string(), v.minLength(1, "must not be empty")),
  token: v.optional(v.string()),
});

/**
 * Tencent Cloud credentials from a secret of AWS Secrets Manager: `{ "secretId", "secretKey", "token"? }`.
 *
 * @throws RotationError `CredentialsMissing`, and what the store throws
 */
export async function credentialsFromSecret(store: SecretStore, name: string): Promise<TencentCredentials> {
  return readSecretJson(
    store,
    name,
    schema,
    (why) =>
      new RotationError("CredentialsMissing", `Secret ${name} (TENCENTCLOUD_CREDENTIALS_SECRET_ID): ${why}`, {
        effect: "none",
      }),
  );
}
