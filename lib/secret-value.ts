import { applyEdits, modify } from "jsonc-parser";
import * as z from "zod/mini";
import { RotationError } from "./errors.ts";
import { describeIssues } from "./issues.ts";
import { parseConfidentialJson } from "./json.ts";
import type { SecretValue } from "./ports.ts";

const PASSWORD_APIS = [
  "ResetPassword",
  "ModifyInstancePassword",
  "ModfiyRedisPassword",
  "ModifyInstanceAccount",
] as const;

// The console of Secrets Manager writes every field of a secret as a string: "6379", "true".
const port = z.pipe(
  z.union([z.number(), z.pipe(z.string().check(z.regex(/^\d+$/)), z.transform(Number))]),
  z.int().check(z.minimum(1), z.maximum(65_535)),
);
const flag = z.union([
  z.boolean(),
  z.pipe(
    z.enum(["true", "false"]),
    z.transform((text) => text === "true"),
  ),
]);

// The region becomes part of a host name, so its form is checked closely: a secret must never set an endpoint.
const schema = z.object({
  engine: z.literal("tencentdb-redis"),
  region: z.string().check(z.regex(/^[a-z]{2,3}(-[a-z0-9]+){1,3}$/, "must look like ap-guangzhou")),
  instanceId: z.string().check(z.regex(/^[a-z0-9]+(-[a-z0-9]+)+$/i, "must look like crs-5a4py64p")),
  host: z.optional(z.string().check(z.regex(/^[A-Za-z0-9.:_-]+$/, "must be a host name or an address"))),
  port: z.optional(port),
  ssl: z._default(flag, false),
  username: z._default(
    z.string().check(z.regex(/^[A-Za-z0-9_-]{0,32}$/, "must be an account name: 32 of A–Z a–z 0–9 _ -")),
    "",
  ),
  password: z.string(),
  api: z.optional(z.enum(PASSWORD_APIS)),
  usernames: z.optional(z.undefined("alternating users are not supported yet")),
});

const DEFAULT_ACCOUNT_NAMES = ["", "default", "root"];

/**
 * Reads the JSON of a secret.
 *
 * @throws RotationError `SecretInvalid`, naming every bad field at once and no value
 */
export function parseSecretValue(text: string, secretId: string): SecretValue {
  const problems = (list: string) =>
    new RotationError("SecretInvalid", `The value of secret ${secretId} cannot be used: ${list}`, {
      effect: "none",
    });

  const json = parseConfidentialJson(text);
  if (json === undefined) throw problems("it is not JSON");
  const parsed = schema.safeParse(json);
  if (!parsed.success) throw problems(describeIssues(parsed.error.issues));

  const { host, port, username, api, usernames: _, ...rest } = parsed.data;
  const isDefault = DEFAULT_ACCOUNT_NAMES.includes(username);
  const chosen = api ?? (isDefault ? "ResetPassword" : "ModifyInstanceAccount");
  if (chosen === "ResetPassword" && !isDefault) {
    throw problems("api: ResetPassword changes the default account only, but username names another");
  }
  if (chosen !== "ResetPassword") throw problems(`api: ${chosen} is not supported yet`);
  return {
    ...rest,
    ...(host !== undefined && { host }),
    ...(port !== undefined && { port }),
    username: isDefault ? "default" : username,
    api: chosen,
  };
}

/** The same JSON with another password; every other field, known or not, is kept to the letter. */
export function withPassword(text: string, password: string): string {
  const edited = applyEdits(text, modify(text, ["password"], password, {}));
  if (passwordIn(edited) === password) return edited;
  // Of a field that is named twice the first was edited, and the last counts.
  return JSON.stringify({ ...(parseConfidentialJson(text) as object), password });
}

function passwordIn(text: string): unknown {
  return (parseConfidentialJson(text) as { readonly password?: unknown }).password;
}
