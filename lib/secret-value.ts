import { applyEdits, modify } from "jsonc-parser";
import * as v from "valibot";
import { RotationError } from "./errors.ts";
import { parseConfidentialJson } from "./json.ts";
import type { SecretValue } from "./ports.ts";
import { describeIssues, object, wholeBetween } from "./schemas.ts";

/** The actions that change a password, as a secret may name them. */
export const PASSWORD_APIS = [
  "ResetPassword",
  "ModifyInstancePassword",
  "ModfiyRedisPassword",
  "ModifyInstanceAccount",
] as const;

// The console of Secrets Manager writes every field of a secret as a string: "6379", "true".
const port = v.pipe(
  v.union([v.number(), v.pipe(v.string(), v.regex(/^\d+$/), v.transform(Number))], "must be a number"),
  wholeBetween(1, 65_535),
);
const flag = v.union(
  [
    v.boolean(),
    v.pipe(
      v.picklist(["true", "false"]),
      v.transform((text) => text === "true"),
    ),
  ],
  "must be true or false",
);

const ACCOUNT_NAME = "must be an account name: 32 of A–Z a–z 0–9 _ -";
const DEFAULT_ACCOUNT_NAMES = ["", "default", "root"];
const TWO_NAMES = "must be two account names";

const accountName = v.pipe(
  v.string(),
  v.regex(/^[A-Za-z0-9_-]{1,32}$/, ACCOUNT_NAME),
  v.check((name) => !DEFAULT_ACCOUNT_NAMES.includes(name), "must not be the default account"),
);
const pair = v.pipe(
  v.union(
    [
      v.array(v.unknown()),
      v.pipe(
        v.string(),
        v.transform((text) => text.split(",").map((name) => name.trim())),
      ),
    ],
    TWO_NAMES,
  ),
  v.length(2, TWO_NAMES),
  v.tuple([accountName, accountName]),
  v.check(([first, second]) => first !== second, "must be two different accounts"),
);

// The region becomes part of a host name, so its form is checked closely: a secret must never set an endpoint.
const schema = object({
  engine: v.literal("tencentdb-redis"),
  region: v.pipe(v.string(), v.regex(/^[a-z]{2,3}(-[a-z0-9]+){1,3}$/, "must look like ap-guangzhou")),
  instanceId: v.pipe(v.string(), v.regex(/^[a-z0-9]+(-[a-z0-9]+)+$/i, "must look like crs-5a4py64p")),
  host: v.optional(v.pipe(v.string(), v.regex(/^[A-Za-z0-9.:_-]+$/, "must be a host name or an address"))),
  port: v.optional(port),
  ssl: v.optional(flag, false),
  username: v.optional(v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{0,32}$/, ACCOUNT_NAME)), ""),
  password: v.string(),
  api: v.optional(v.picklist(PASSWORD_APIS)),
  usernames: v.optional(pair),
});

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
  const parsed = v.safeParse(schema, json);
  if (!parsed.success) throw problems(describeIssues(parsed.issues));

  const { host, port, username, api, usernames, ...rest } = parsed.output;
  const isDefault = DEFAULT_ACCOUNT_NAMES.includes(username);
  const isCustom = !isDefault || usernames !== undefined;
  const chosen = api ?? (isCustom ? "ModifyInstanceAccount" : "ResetPassword");
  if (isCustom && chosen !== "ModifyInstanceAccount") {
    const names = usernames === undefined ? "username names another" : "usernames names two others";
    throw problems(`api: ${chosen} changes the default account only, but ${names}`);
  }
  return {
    ...rest,
    ...(host !== undefined && { host }),
    ...(port !== undefined && { port }),
    ...(usernames !== undefined && { usernames }),
    username: isDefault ? "default" : username,
    api: chosen,
  };
}

/** What opens an account. */
export type Credentials = Pick<SecretValue, "username" | "password">;

/**
 * The same JSON with other credentials; every other field, known or not, is kept to the letter. The account's name is
 * written only where it changes.
 */
export function withCredentials(text: string, { username, password }: Credentials): string {
  const { username: named = "" } = parseConfidentialJson(text) as { readonly username?: string };
  const isSame = named === username || (username === "default" && DEFAULT_ACCOUNT_NAMES.includes(named));
  const fields = { ...(!isSame && { username }), password };
  return Object.entries(fields).reduce((edited, [field, value]) => withField(edited, field, value), text);
}

function withField(text: string, field: string, value: string): string {
  const edited = applyEdits(text, modify(text, [field], value, {}));
  const read = parseConfidentialJson(edited) as Readonly<Record<string, unknown>>;
  // Of a field that is named twice the first was edited, and the last counts.
  return read[field] === value ? edited : JSON.stringify({ ...read, [field]: value });
}
