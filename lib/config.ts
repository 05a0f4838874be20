import * as v from "valibot";
import { RotationError } from "./errors.ts";
import {
  type FleetConfig,
  fleetConfig,
  fleetProblems,
  fleetVariables,
  httpUrl,
  numeral,
  whole,
} from "./fleet-config.ts";
import { describeIssues, object } from "./schemas.ts";

export type StoreKind = "aws" | "ssm";

export interface RoleConfig {
  readonly roleArn: string;
  /** The name of the identity provider in CAM. */
  readonly providerId: string;
  readonly sessionName: string;
  /** For whom the identity token is: a client id of the identity provider. */
  readonly audience: string;
  /** Where Tencent Cloud's STS is asked. */
  readonly region: string;
}

/** The operator's settings, from the environment. */
export interface Config extends FleetConfig {
  readonly site: "domestic" | "intl";
  readonly endpointUrl: string | undefined;
  readonly credentialsSecretId: string | undefined;
  /** The CAM role whose credentials an identity token of AWS is exchanged for. */
  readonly role: RoleConfig | undefined;
  readonly store: StoreKind;
  readonly storeRegion: string | undefined;
  /** How long the idle one of alternating users is left alone after the other was changed. */
  readonly alternationIntervalMs: number;
  readonly passwordLength: number | undefined;
  readonly verify: "auth" | "task";
  readonly caBundlePath: string | undefined;
  readonly logLevel: (typeof LOG_LEVELS)[number];
}

const LOG_LEVELS = ["fatal", "error", "warn", "info", "debug", "trace", "silent"] as const;

const schema = object({
  TENCENTCLOUD_SITE: v.optional(v.literal("intl")),
  TENCENTCLOUD_ENDPOINT_URL: v.optional(httpUrl),
  TENCENTCLOUD_CREDENTIALS_SECRET_ID: v.optional(v.string()),
  TENCENTCLOUD_ROLE_ARN: v.optional(
    v.pipe(v.string(), v.regex(/^qcs::cam::uin\/\d+:role(Name)?\/[^\s/:]+$/, "must be a role's ARN")),
  ),
  TENCENTCLOUD_PROVIDER_ID: v.optional(
    v.pipe(v.string(), v.regex(/^[^\s/:]+$/, "must be a provider's name")),
  ),
  TENCENTCLOUD_ROLE_SESSION_NAME: v.optional(
    v.pipe(v.string(), v.regex(/^[\w+=,.@-]{2,128}$/, "must be 2 to 128 letters, digits and +=,.@-_")),
    "redis-rotation",
  ),
  TENCENTCLOUD_TOKEN_AUDIENCE: v.optional(
    v.pipe(v.string(), v.regex(/^[\x21-\x7e]{1,1000}$/, "must be without blanks")),
    "sts.tencentcloudapi.com",
  ),
  TENCENTCLOUD_STS_REGION: v.optional(
    v.pipe(v.string(), v.regex(/^[a-z]+(-[a-z0-9]+)+$/, "must be a region")),
  ),
  SECRET_STORE: v.optional(v.picklist(["aws", "ssm"])),
  SECRET_STORE_REGION: v.optional(v.pipe(v.string(), v.regex(/^[a-z0-9-]+$/, "must be a region"))),
  ...fleetVariables,
  ALTERNATION_INTERVAL_MINUTES: v.optional(
    v.pipe(numeral, v.maxValue(525_600, "must be at most 525600")),
    "60",
  ),
  PASSWORD_LENGTH: v.optional(whole(8, 64)),
  VERIFY: v.optional(v.picklist(["auth", "task"]), "auth"),
  REDIS_CA_BUNDLE: v.optional(v.string()),
  LOG_LEVEL: v.optional(v.picklist(LOG_LEVELS), "info"),
});

/** SCF reserves the prefix TENCENTCLOUD_ for itself: there these can only be set by their second names. */
const SECOND_NAMES: Readonly<Record<string, string>> = {
  TENCENT_SITE: "TENCENTCLOUD_SITE",
  TENCENT_ENDPOINT_URL: "TENCENTCLOUD_ENDPOINT_URL",
  TENCENT_CREDENTIALS_SECRET_ID: "TENCENTCLOUD_CREDENTIALS_SECRET_ID",
  TENCENT_ROLE_ARN: "TENCENTCLOUD_ROLE_ARN",
  TENCENT_PROVIDER_ID: "TENCENTCLOUD_PROVIDER_ID",
  TENCENT_ROLE_SESSION_NAME: "TENCENTCLOUD_ROLE_SESSION_NAME",
  TENCENT_TOKEN_AUDIENCE: "TENCENTCLOUD_TOKEN_AUDIENCE",
  TENCENT_STS_REGION: "TENCENTCLOUD_STS_REGION",
};

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
  const parsed = v.safeParse(schema, set);
  const problems: string[] = parsed.success ? [] : [describeIssues(parsed.issues)];
  for (const [second, first] of Object.entries(SECOND_NAMES)) {
    if (given[second] && given[second] !== set[first])
      problems.push(`${second}: ${first} says something else`);
  }
  problems.push(...roleProblems(set), ...fleetProblems(set));
  if (!parsed.success || problems.length > 0) {
    throw new RotationError("ConfigurationInvalid", `Environment: ${problems.join("; ")}`, {
      effect: "none",
    });
  }

  const variables = parsed.output;
  return {
    site: variables.TENCENTCLOUD_SITE ?? "domestic",
    endpointUrl: variables.TENCENTCLOUD_ENDPOINT_URL,
    credentialsSecretId: variables.TENCENTCLOUD_CREDENTIALS_SECRET_ID,
    role: roleOf(variables),
    store: variables.SECRET_STORE ?? defaultStore,
    storeRegion: variables.SECRET_STORE_REGION,
    ...fleetConfig(variables),
    alternationIntervalMs: variables.ALTERNATION_INTERVAL_MINUTES * 60_000,
    passwordLength: variables.PASSWORD_LENGTH,
    verify: variables.VERIFY,
    caBundlePath: variables.REDIS_CA_BUNDLE,
    logLevel: variables.LOG_LEVEL,
  };
}

/** What does not fit together, whether or not each variable by itself is good. */
function roleProblems(set: Readonly<Record<string, string | undefined>>): string[] {
  const roleArn = set.TENCENTCLOUD_ROLE_ARN;
  const providerId = set.TENCENTCLOUD_PROVIDER_ID;
  const problems: string[] = [];
  if (roleArn && !providerId) {
    problems.push("TENCENTCLOUD_PROVIDER_ID: must be set with TENCENTCLOUD_ROLE_ARN");
  }
  if (providerId && !roleArn) {
    problems.push("TENCENTCLOUD_ROLE_ARN: must be set with TENCENTCLOUD_PROVIDER_ID");
  }
  if (roleArn && set.TENCENTCLOUD_CREDENTIALS_SECRET_ID) {
    problems.push("TENCENTCLOUD_CREDENTIALS_SECRET_ID: must not be set with TENCENTCLOUD_ROLE_ARN");
  }
  return problems;
}

function roleOf(variables: v.InferOutput<typeof schema>): RoleConfig | undefined {
  const { TENCENTCLOUD_ROLE_ARN: roleArn, TENCENTCLOUD_PROVIDER_ID: providerId } = variables;
  if (roleArn === undefined || providerId === undefined) return undefined;
  return {
    roleArn,
    providerId,
    sessionName: variables.TENCENTCLOUD_ROLE_SESSION_NAME,
    audience: variables.TENCENTCLOUD_TOKEN_AUDIENCE,
    region:
      variables.TENCENTCLOUD_STS_REGION ??
      (variables.TENCENTCLOUD_SITE === "intl" ? "ap-singapore" : "ap-guangzhou"),
  };
}
