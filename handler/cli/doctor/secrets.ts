/** What is checked of each secret, and of the instance that it is for. */
import pLimit from "p-limit";
import { asRotationError, ERRORS, RotationError } from "../../../lib/errors.ts";
import { type EffectivePolicy, passwordPolicy } from "../../../lib/password.ts";
import type { Instance, SecretResult, SecretValue } from "../../../lib/ports.ts";
import { requireAccount } from "../../../lib/rotation/account.ts";
import type { Context } from "../../../lib/rotation/context.ts";
import { surveySecret, verifySecret } from "../../../lib/rotation/inspect.ts";
import {
  askCurrent,
  requireInstance,
  requireOwnAddress,
  requirePath,
  requirePolicy,
} from "../../../lib/rotation/preflight.ts";
import { withoutRivals } from "../../../lib/rotation/rivals.ts";
import { findTarget, probeTarget } from "../../../lib/rotation/target.ts";
import type { Composition } from "../../compose.ts";
import { type Check, type CheckName, check, type Finding, finding, good, skipped, told } from "./checks.ts";

/** Secrets whose instances are looked at, at the same time. */
const LOOKS = 50;
const TASKS_MS = 30 * 86_400_000;

const OF_AN_INSTANCE = ["instance", "account", "password-rule", "redis", "password"] as const;

export interface Secrets {
  readonly checks: readonly Check[];
  /** What those say that could be read. */
  readonly values: ReadonlyMap<string, SecretValue>;
}

/** Reads all secrets as a run does that is about to rotate them. */
export async function readSecrets(composition: Composition, secretIds: readonly string[]): Promise<Secrets> {
  const { apart, config, context } = composition;
  const values = new Map<string, SecretValue>();
  const results = await withoutRivals(secretIds, (secretId, seen) =>
    apart(() =>
      surveySecret(context, secretId, { ...config, force: false }, (value) => {
        values.set(secretId, value);
        seen(value);
      }),
    ),
  );
  const checks = results.map(
    (result): Check => ({
      name: "secret",
      subject: result.secretId,
      ...secretFinding(result),
      durationMs: result.durationMs,
    }),
  );
  return { checks, values };
}

function secretFinding({ error, status }: SecretResult): Finding {
  if (error === undefined) {
    return good(status === "in-progress" ? "the JSON is right; a rotation is pending" : "the JSON is right");
  }
  const { code, effect } = error;
  // A result's message ends with what comes next: here that has a line of its own.
  const message = error.message.replace(`. ${ERRORS[code].next}`, "");
  return finding(new RotationError(code, message, { effect }));
}

/** Looks at the instances of the secrets. `refusalIn`: why Tencent Cloud cannot be asked in a region. */
export async function instanceChecks(
  { apart, context }: Composition,
  secretIds: readonly string[],
  values: ReadonlyMap<string, SecretValue>,
  refusalIn: (region: string) => string | undefined,
): Promise<Check[]> {
  const places = pLimit(LOOKS);
  const looks = secretIds.map((secretId) => {
    const value = values.get(secretId);
    if (value === undefined) return skipAll(secretId, "the secret could not be used");
    return places(() => apart(() => lookAtInstance(context, secretId, value, refusalIn(value.region))));
  });
  const found = (await Promise.all(looks)).flat();
  return OF_AN_INSTANCE.flatMap((name) => found.filter((each) => each.name === name));
}

function skipAll(secretId: string, why: string): Check[] {
  return OF_AN_INSTANCE.map((name) => told(name, secretId, skipped(why)));
}

async function lookAtInstance(
  context: Context,
  secretId: string,
  value: SecretValue,
  refusal: string | undefined,
): Promise<Check[]> {
  const { clock, controlPlane } = context;
  const make = (name: CheckName, find: () => Promise<Finding>) => check(clock, [name, secretId], find);
  let instance: Instance | undefined;
  let policy: EffectivePolicy | undefined;

  const asked = (find: () => Promise<Finding>) => async () =>
    refusal === undefined ? find() : skipped(refusal);

  const ofInstance = await make(
    "instance",
    asked(async () => {
      instance = await requireInstance(controlPlane, value);
      return good(instance.state === "busy" ? "busy with another flow, which passes" : "running");
    }),
  );
  const ofAccount = await make(
    "account",
    asked(async () => {
      await requireAccount(controlPlane, value);
      return good(value.username === "default" ? "the default account" : `account ${value.username} exists`);
    }),
  );
  const ofRule = await make(
    "password-rule",
    asked(async () => {
      if (instance === undefined) return skipped("the instance is not known");
      policy = await requirePolicy(context, value, instance);
      return good(`a password of ${policy.length} characters keeps every rule`);
    }),
  );
  if (refusal === undefined) await askForTasks(context, value);
  const ofRedis = await make("redis", () => redisFinding(context, value, instance, policy));
  const ofPassword = await make("password", async () => {
    if (ofRedis.status !== "good") return skipped("Redis could not be asked");
    return passwordFinding(context, secretId, value, instance);
  });
  return [ofInstance, ofAccount, ofRule, ofRedis, ofPassword];
}

/** For the permissions alone: what comes of it is with them. */
async function askForTasks({ clock, controlPlane }: Context, value: SecretValue): Promise<void> {
  try {
    const newest = await controlPlane.newestPasswordTask(value, new Date(clock.now() - TASKS_MS));
    if (newest !== undefined) await controlPlane.describeTask(value, newest.taskId);
  } catch {
    // Told with the permissions.
  }
}

async function redisFinding(
  context: Context,
  value: SecretValue,
  instance: Instance | undefined,
  policy: EffectivePolicy | undefined,
): Promise<Finding> {
  const known = probeTarget(value, instance);
  if (known === undefined && instance === undefined) {
    return skipped("the secret does not tell its address, and its instance is not known");
  }
  const target = known ?? (await findTarget(context.controlPlane, value));
  const at = `${target.host}:${target.port}${target.ssl ? ", with TLS" : ""}`;
  const drawn = policy ?? passwordPolicy({ api: value.api, edition: "redis" });
  try {
    const verdict = await requirePath(context, value, target, drawn);
    if (verdict.answer !== "unknown") return good(target.ssl ? "answers AUTH, with TLS" : "answers AUTH");
    return { status: "unknown", found: `${at}: ${verdict.reason}; VERIFY=task goes without it` };
  } catch (thrown) {
    const error = asRotationError(thrown);
    return { ...finding(error), found: `${at}: ${error.message}` };
  }
}

async function passwordFinding(
  context: Context,
  secretId: string,
  value: SecretValue,
  instance: Instance | undefined,
): Promise<Finding> {
  const target = probeTarget(value, instance);
  if (target === undefined) return skipped("the address is not known");
  const current = await askCurrent(context, secretId, value, target);
  if (current === "accepted") return good("the current one opens Redis");
  if (current === "rejected" && instance !== undefined) requireOwnAddress(value, { instance, current });
  // Which version opens Redis, if one does.
  const verified = secretFinding(await verifySecret(context, secretId));
  return verified.status === "good" ? good("the current one opens Redis") : verified;
}
