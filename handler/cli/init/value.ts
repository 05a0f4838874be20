import { asRotationError } from "../../../lib/errors.ts";
import type { PasswordApi, SecretValue } from "../../../lib/ports.ts";
import { parseSecretValue } from "../../../lib/secret-value.ts";
import { UsageError } from "../exit.ts";

/** As commander gives them. */
export interface InitOptions {
  readonly region: string;
  readonly username?: string;
  readonly usernames?: string;
  readonly api?: PasswordApi;
  readonly host?: string;
  readonly port?: string;
  readonly ssl?: boolean;
  readonly probe: boolean;
  readonly passwordStdin?: true;
  readonly store?: string;
  readonly name?: string;
  readonly out?: string;
  readonly json?: true;
}

type Fields = Pick<InitOptions, "region" | "username" | "usernames" | "api" | "host"> & {
  readonly port?: string | number;
  readonly ssl?: boolean;
};

/**
 * The secret as far as the call tells, without a password, by the rules that a rotation reads it by.
 *
 * @throws UsageError that names every bad option
 */
export function parseDraft(instanceId: string, options: InitOptions): SecretValue {
  try {
    return parseSecretValue(jsonOf(instanceId, options, ""), instanceId);
  } catch (thrown) {
    throw new UsageError(asRotationError(thrown).message.replace(/^.*cannot be used: /, ""));
  }
}

/** The JSON of the secret, in the order in which the README has it. */
export function jsonOf(instanceId: string, fields: Fields, password: string): string {
  const { region, host, port, ssl = false, username = "default", usernames, api } = fields;
  const value = {
    engine: "tencentdb-redis",
    region,
    instanceId,
    ...(host !== undefined && { host }),
    ...(port !== undefined && { port: Number.isNaN(Number(port)) ? port : Number(port) }),
    ssl,
    username,
    ...(usernames !== undefined && { usernames: usernames.split(",").map((name) => name.trim()) }),
    password,
    ...(api !== undefined && { api }),
  };
  return JSON.stringify(value, undefined, 2);
}
