/** The part of the settings that says who is told of failures. */
import * as v from "valibot";
import { isConfidential } from "./confidential-url.ts";
import type { StoreKind } from "./config.ts";
import { RotationError } from "./errors.ts";
import { numeral } from "./fleet-config.ts";
import { describeIssues } from "./schemas.ts";

export type WebhookFormat = v.InferOutput<typeof format>;

export interface NotifyConfig {
  readonly topicArn: string | undefined;
  /** Name or ARN. */
  readonly eventBus: string | undefined;
  readonly webhook: WebhookConfig | undefined;
  /** How long a version may be pending before that is told. */
  readonly stuckMs: number;
}

export interface WebhookConfig extends Partial<WebhookAddress> {
  readonly format: WebhookFormat;
  /** The secret of the secret manager that holds URL and key. Undefined: they are in the settings. */
  readonly secretId: string | undefined;
}

/** Both are confidential: a URL of WeCom or Slack is all that it takes to post. */
export interface WebhookAddress {
  readonly url: string | undefined;
  /** What requests are signed with. */
  readonly key: string | undefined;
}

const format = v.picklist(["generic", "wecom", "dingtalk", "feishu", "slack"]);
const ARN = "arn:[a-z-]+";
/** As Standard Webhooks has it: 24 to 64 bytes. */
const STANDARD_KEY = /^whsec_[A-Za-z0-9+/]{32,86}={0,2}$/;

const schema = v.object({
  NOTIFY_SNS_TOPIC_ARN: v.optional(
    v.pipe(
      v.string(),
      v.regex(new RegExp(`^${ARN}:sns:[a-z0-9-]+:\\d{12}:[\\w-]+$`), "must be a standard topic's ARN"),
    ),
  ),
  NOTIFY_EVENT_BUS: v.optional(
    v.pipe(
      v.string(),
      v.regex(
        new RegExp(`^(${ARN}:events:[a-z0-9-]+:\\d{12}:event-bus/)?[\\w./-]{1,256}$`),
        "must be an event bus's name or ARN",
      ),
    ),
  ),
  NOTIFY_WEBHOOK_URL: v.optional(v.string()),
  NOTIFY_WEBHOOK_KEY: v.optional(v.string()),
  NOTIFY_WEBHOOK_SECRET_ID: v.optional(v.string()),
  NOTIFY_WEBHOOK_FORMAT: v.optional(format, "generic"),
  NOTIFY_STUCK_HOURS: v.optional(v.pipe(numeral, v.maxValue(8_760, "must be at most 8760")), "3"),
});

/**
 * Who is told of failures, drift and rotations that are stuck. Nothing set: nobody. `defaultStore`: as for the other settings.
 *
 * @throws RotationError `ConfigurationInvalid`, naming every bad variable at once and no value
 */
export function parseNotifyConfig(
  environment: Readonly<Record<string, string | undefined>>,
  defaultStore: StoreKind,
): NotifyConfig {
  const set = Object.fromEntries(Object.entries(environment).filter(([, value]) => value));
  const parsed = v.safeParse(schema, set);
  const problems = parsed.success ? [] : [describeIssues(parsed.issues)];
  problems.push(...combinationProblems(set));
  // On SCF there are no credentials of AWS.
  const foreign = ["NOTIFY_SNS_TOPIC_ARN", "NOTIFY_EVENT_BUS"].filter(
    (name) => defaultStore === "ssm" && set[name],
  );
  problems.push(...foreign.map((name) => `${name}: is for Lambda; on SCF set a webhook`));
  if (!parsed.success || problems.length > 0) {
    throw new RotationError("ConfigurationInvalid", `Environment: ${problems.join("; ")}`, {
      effect: "none",
    });
  }
  const variables = parsed.output;
  const { NOTIFY_WEBHOOK_URL: url, NOTIFY_WEBHOOK_SECRET_ID: secretId } = variables;
  return {
    topicArn: variables.NOTIFY_SNS_TOPIC_ARN,
    eventBus: variables.NOTIFY_EVENT_BUS,
    webhook:
      url === undefined && secretId === undefined
        ? undefined
        : { format: variables.NOTIFY_WEBHOOK_FORMAT, secretId, url, key: variables.NOTIFY_WEBHOOK_KEY },
    stuckMs: variables.NOTIFY_STUCK_HOURS * 3_600_000,
  };
}

/** What does not fit together, whether or not each variable by itself is good. */
function combinationProblems(set: Readonly<Record<string, string | undefined>>): string[] {
  const refuse = (why: string, ...names: readonly string[]) =>
    names.filter((name) => set[name]).map((name) => `${name}: ${why}`);
  const { NOTIFY_WEBHOOK_URL: url, NOTIFY_WEBHOOK_KEY: key, NOTIFY_WEBHOOK_FORMAT: kind = "generic" } = set;
  if (set.NOTIFY_WEBHOOK_SECRET_ID) {
    return refuse(
      "must not be set with NOTIFY_WEBHOOK_SECRET_ID",
      "NOTIFY_WEBHOOK_URL",
      "NOTIFY_WEBHOOK_KEY",
    );
  }
  if (!url) {
    return refuse(
      "needs a webhook: set NOTIFY_WEBHOOK_SECRET_ID",
      "NOTIFY_WEBHOOK_KEY",
      "NOTIFY_WEBHOOK_FORMAT",
    );
  }
  const found = Object.entries(addressProblems(kind, { url, key }));
  return found.map(([name, why]) => `NOTIFY_WEBHOOK_${name.toUpperCase()}: ${why}`);
}

/** What is wrong with an address, by its fields. Shows nothing of it. */
export function addressProblems(
  kind: string,
  { url = "", key }: WebhookAddress,
): Partial<Record<keyof WebhookAddress, string>> {
  const problems: Partial<Record<keyof WebhookAddress, string>> = {};
  const given = URL.canParse(url) ? new URL(url) : undefined;
  if (given === undefined || !isConfidential(given)) {
    problems.url = "must be an https: URL";
  } else if (given.username || given.password) {
    problems.url = "must have no user and no password";
  }
  if (kind === "generic" && !STANDARD_KEY.test(key ?? "")) {
    problems.key = "must be whsec_ and 24 to 64 random bytes in base64";
  }
  if ((kind === "wecom" || kind === "slack") && key !== undefined) {
    problems.key = `must not be set: ${kind} has no signatures, its key is in the URL`;
  }
  return problems;
}
