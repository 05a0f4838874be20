/** Which calls a rotation makes, and whether the credentials may make them. */
import type { OnOutcome } from "../../../lib/drivers/tencent-client.ts";
import type { RotationError } from "../../../lib/errors.ts";
import type { SecretValue } from "../../../lib/ports.ts";
import type { Settings } from "../../settings.ts";
import { type Check, type Finding, finding, good, told } from "./checks.ts";
import { isAwsKeyRefused, isTencentKeyRefused } from "./credentials.ts";
import { policyOf } from "./fixes.ts";

interface Tally {
  answered: number;
  denied: number;
  /** The last one, a denial before any other. */
  error: RotationError | undefined;
}

/** Counts by action how calls ended. */
export interface Tallies {
  readonly note: OnOutcome;
  readonly of: (action: string) => Readonly<Tally>;
}

const NONE: Tally = { answered: 0, denied: 0, error: undefined };

export function createTallies(): Tallies {
  const tallies = new Map<string, Tally>();
  return {
    of: (action) => tallies.get(action) ?? NONE,
    note(action, error) {
      const tally = tallies.get(action) ?? { ...NONE };
      tallies.set(action, tally);
      if (error === undefined) tally.answered += 1;
      else if (isDenied(error)) {
        tally.denied += 1;
        tally.error = error;
      } else if (tally.denied === 0) tally.error = error;
      // It was heard, and refused for what it asked: a secret or an instance that is not there.
      if (error !== undefined && isAnswer(error)) tally.answered += 1;
    },
  };
}

function isDenied(error: RotationError): boolean {
  const isKey = isTencentKeyRefused(error) || isAwsKeyRefused(error);
  return !isKey && (error.code === "AccessDenied" || error.code === "StoreDenied");
}

function isAnswer({ code, message }: RotationError): boolean {
  // An endpoint that does not know the action says nothing of who may call it.
  if (/InvalidAction|ActionNotFound/.test(message)) return false;
  return ["SecretNotFound", "InstanceNotFound", "InstanceGone", "RequestRefused", "StoreRefused"].includes(
    code,
  );
}

/** What a rotation reads of these secrets and their instances. */
function readsOf({ config }: Settings, values: readonly SecretValue[], isFound: boolean): string[] {
  const store =
    config.store === "aws"
      ? ["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"]
      : ["ssm:DescribeSecret", "ssm:ListSecretVersionIds", "ssm:GetSecretValue"];
  const list = config.store === "aws" ? "secretsmanager:ListSecrets" : "ssm:ListSecrets";
  const redis = ["Instances", "InstancePasswordPolicy", "TaskList", "TaskInfo"];
  const isCustom = values.some(({ username }) => username !== "default");
  return [
    ...(isFound ? [list] : []),
    ...store,
    ...[...redis, ...(isCustom ? ["InstanceAccount"] : [])].map((what) => `redis:Describe${what}`),
  ];
}

/** What it changes. */
function changesOf({ config }: Settings, values: readonly SecretValue[]): string[][] {
  const apis = [...new Set(values.map(({ api }) => api))].flatMap((api) =>
    api === "ModifyInstancePassword" ? [api, "ModfiyInstancePassword"] : [api],
  );
  const pairs = values.some(({ usernames }) => usernames !== undefined) ? ["CreateInstanceAccount"] : [];
  const store =
    config.store === "aws"
      ? ["secretsmanager:PutSecretValue", "secretsmanager:UpdateSecretVersionStage"]
      : ["ssm:PutSecretValue", "ssm:UpdateSecret", "ssm:DeleteSecretVersion"];
  return [store, [...apis, ...pairs].map((action) => `redis:${action}`)].filter((some) => some.length > 0);
}

/** `isFound`: the fleet is found by a tag or a prefix. */
export function permissionChecks(
  settings: Settings,
  values: readonly SecretValue[],
  isFound: boolean,
  tallies: Tallies,
): Check[] {
  const reads = readsOf(settings, values, isFound).map((action) =>
    told("permission", action, readFinding(action, tallies)),
  );
  const changes = changesOf(settings, values).map((actions) =>
    told("permission", actions.join(", "), changeFinding(actions)),
  );
  return [...reads, ...changes];
}

/** Many instances at once may be refused where each by itself is granted; which of those are not, their own checks say. */
const ASKED_AT_ONCE = "redis:DescribeInstances";

function readFinding(action: string, { of }: Tallies): Finding {
  const { answered, denied, error } = of(action);
  const isGranted = denied === 0 || (action === ASKED_AT_ONCE && answered > 0);
  if (answered > 0 && isGranted) return good("granted");
  if (denied > 0 && error !== undefined) {
    const some = answered > 0 ? `refused for ${denied} of ${answered + denied} calls: ` : "";
    return { ...finding(error), found: `${some}${error.message}` };
  }
  if (error !== undefined) return { status: "unknown", found: error.message };
  if (action === "redis:DescribeTaskInfo" && of("redis:DescribeTaskList").answered > 0) {
    return {
      status: "unknown",
      found: "there is no password task of the last 30 days to ask about",
      fix: `Compare the policy of the credentials with ${policyOf("DescribeTaskInfo")}.`,
    };
  }
  return { status: "skipped", found: "nothing could be asked, or had to be: see above" };
}

function changeFinding(actions: readonly string[]): Finding {
  const files = new Set(actions.map((action) => policyOf(action.replace(/.*:/, ""))));
  const fix = actions[0]?.startsWith("secretsmanager:")
    ? "Compare the role's policy with serverless.yml, or ask IAM: aws iam simulate-principal-policy."
    : `Compare the policy of the credentials with ${[...files].join(" and ")}.`;
  return { status: "unknown", found: "it cannot be tried without changing something", fix };
}
