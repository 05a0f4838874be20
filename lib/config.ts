import * as z from "zod/mini";
import { RotationError } from "./errors.ts";
import { describeIssues } from "./issues.ts";

export type StoreKind = "aws" | "ssm";

/** The operator's settings, from the environment. */
export interface Config {
  readonly site: "domestic" | "intl";
  readonly endpointUrl: string | undefined;
  readonly credentialsSecretId: string | undefined;
  readonly store: StoreKind;
  readonly storeRegion: string | undefined;
  /** The secrets that a driven run works on where its payload names none. */
  readonly secretIds: readonly string[];
  readonly intervalDays: number;
  /** How long the idle one of alternating users is left alone after the other was changed. */
  readonly alternationIntervalMs: number;
  readonly passwordLength: number | undefined;
  readonly verify: "auth" | "task";
  readonly caBundlePath: string | undefined;
  readonly logLevel: (typeof LOG_LEVELS)[number];
}

const LOG_LEVELS = ["fatal", "error", "warn", "info", "debug", "trace", "silent"] as const;

const number = z.pipe(z.string().check(z.regex(/^\d+(\.\d+)?$/, "must be a number")), z.transform(Number));
const names = z.pipe(
  z.string(),
  z.transform((text) =>
    text
      .split(",")
      .map((name) => name.trim())
      .filter(Boolean),
  ),
);

const schema = z.object({
  TENCENTCLOUD_SITE: z.optional(z.literal("intl")),
  TENCENTCLOUD_ENDPOINT_URL: z.optional(z.url({ protocol: /^https?$/ })),
  TENCENTCLOUD_CREDENTIALS_SECRET_ID: z.optional(z.string()),
  SECRET_STORE: z.optional(z.enum(["aws", "ssm"])),
  SECRET_STORE_REGION: z.optional(z.string().check(z.regex(/^[a-z0-9-]+$/, "must be a region"))),
  ROTATION_SECRETS: z._default(names, []),
  ROTATION_INTERVAL_DAYS: z._default(z.pipe(number, z.number().check(z.maximum(3_650))), 30),
  ALTERNATION_INTERVAL_MINUTES: z._default(z.pipe(number, z.number().check(z.maximum(525_600))), 60),
  PASSWORD_LENGTH: z.optional(z.pipe(number, z.int().check(z.minimum(8), z.maximum(64)))),
  VERIFY: z._default(z.enum(["auth", "task"]), "auth"),
  REDIS_CA_BUNDLE: z.optional(z.string()),
  LOG_LEVEL: z._default(z.enum(LOG_LEVELS), "info"),
});

/** SCF reserves the prefix TENCENTCLOUD_ for itself: there these can only be set by their second names. */
const SECOND_NAMES: Readonly<Record<string, string>> = {
  TENCENT_SITE: "TENCENTCLOUD_SITE",
  TENCENT_ENDPOINT_URL: "TENCENTCLOUD_ENDPOINT_URL",
  TENCENT_CREDENTIALS_SECRET_ID: "TENCENTCLOUD_CREDENTIALS_SECRET_ID",
};

const NOT_YET = ["ROTATION_TAG", "ROTATION_PREFIX"] as const;

/**
 * Reads the settings from an environment. A variable that is set to nothing counts as not set; `TENCENT_SITE` and its like
 * stand for `TENCENTCLOUD_SITE`.
 *
 * @throws RotationError `ConfigurationInvalid`, naming every bad variable at once
 */
export function parseConfig(
  environment: Readonly<Record<string, string | undefined>>,
  defaultStore: StoreKind,
): Config {
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value));
  const seconds = Object.entries(SECOND_NAMES).map(([second, first]) => [first, given[second]]);
  const set = { ...Object.fromEntries(seconds.filter(([, value]) => value)), ...given };
  const parsed = schema.safeParse(set);
  const problems: string[] = parsed.success ? [] : [describeIssues(parsed.error.issues)];
  for (const [second, first] of Object.entries(SECOND_NAMES)) {
    if (given[second] && given[second] !== set[first])
      problems.push(`${second}: ${first} says something else`);
  }
  for (const name of NOT_YET) {
    if (set[name]) problems.push(`${name}: not supported yet, list the secrets in ROTATION_SECRETS`);
  }
  if (!parsed.success || problems.length > 0) {
    throw new RotationError("ConfigurationInvalid", `Environment: ${problems.join("; ")}`, {
      effect: "none",
    });
  }

  const variables = parsed.data;
  return {
    site: variables.TENCENTCLOUD_SITE ?? "domestic",
    endpointUrl: variables.TENCENTCLOUD_ENDPOINT_URL,
    credentialsSecretId: variables.TENCENTCLOUD_CREDENTIALS_SECRET_ID,
    store: variables.SECRET_STORE ?? defaultStore,
    storeRegion: variables.SECRET_STORE_REGION,
    secretIds: variables.ROTATION_SECRETS,
    intervalDays: variables.ROTATION_INTERVAL_DAYS,
    alternationIntervalMs: variables.ALTERNATION_INTERVAL_MINUTES * 60_000,
    passwordLength: variables.PASSWORD_LENGTH,
    verify: variables.VERIFY,
    caBundlePath: variables.REDIS_CA_BUNDLE,
    logLevel: variables.LOG_LEVEL,
  };
}
