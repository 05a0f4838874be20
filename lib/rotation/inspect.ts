import { RotationError } from "../errors.ts";
import type { ProbeVerdict, SecretDescription, SecretResult, SecretValue, Stage, Status } from "../ports.ts";
import { requireInterval } from "./account.ts";
import { attempt, type Findings, noteInstance } from "./answer.ts";
import type { Context } from "./context.ts";
import { preflight, requireOwnAddress } from "./preflight.ts";
import type { RotateOptions } from "./rotate.ts";
import { dueAt, isDue, type Schedule } from "./schedule.ts";
import { findTarget } from "./target.ts";
import { readCurrent, readIfFit, type Version, versionAt } from "./versions.ts";

/** What the secret manager says, without asking Redis or its control plane. */
export function statusOfSecret(context: Context, name: string, schedule: Schedule): Promise<SecretResult> {
  return attempt(context, name, async (findings) =>
    expected(context, await read(context, name, findings), schedule),
  );
}

/** The same for a secret that is about to be rotated. `seen` is told what the secret says. */
export function surveySecret(
  context: Context,
  name: string,
  options: RotateOptions,
  seen: (value: SecretValue) => void,
): Promise<SecretResult> {
  return attempt(context, name, async (findings) => {
    const secret = await read(context, name, findings);
    seen(secret.current.value);
    return planned(context, secret, options, findings);
  });
}

/** What a rotation would do, and what would stop it, each found without touching anything. */
export function planSecret(
  context: Context,
  name: string,
  options: RotateOptions,
  seen: (value: SecretValue) => void = () => {},
): Promise<SecretResult> {
  return attempt(context, name, async (findings) => {
    const secret = await read(context, name, findings);
    const { description, current } = secret;
    seen(current.value);
    const checked = await preflight(context, description.secretId, current.value);
    if (!options.force) requireOwnAddress(current.value, checked);
    const status = planned(context, secret, options, findings);
    if (status === "planned") await requireInterval(context, description, current);
    return status;
  });
}

/** Which version's password opens Redis. Anything but the current one is drift, with the version's stage named. */
export function verifySecret(context: Context, name: string): Promise<SecretResult> {
  return attempt(context, name, async (findings) => {
    const { description, current } = await read(context, name, findings);
    const asked = await ask(context, current);
    if (asked.answer === "accepted") return "ok";
    if (asked.answer === "unknown") {
      throw new RotationError(
        "RedisUnreachable",
        `Redis of secret ${name} could not be asked: ${asked.reason}`,
        {
          effect: "none",
        },
      );
    }
    const opener = await firstThatOpens(context, description, ["pending", "previous"]);
    findings.error = new RotationError(
      "Drift",
      `The current password of secret ${name} does not open Redis; ${adviceOn(opener)}`,
      { effect: "none" },
    );
    return "drift";
  });
}

function adviceOn(opener: Stage | undefined): string {
  switch (opener) {
    case "pending":
      return "the pending one does: the next run makes it current";
    case "previous":
      return "the previous one does: a rollback makes it current";
    default:
      return "nor does another version's";
  }
}

interface Secret {
  readonly description: SecretDescription;
  readonly current: Version;
}

/** A secret as it stands, for actions that change nothing of it. */
async function read(context: Context, name: string, findings: Findings): Promise<Secret> {
  const description = await context.store.describe(name);
  const current = await readCurrent(context.store, description);
  noteInstance(findings, current);
  findings.versionId = current.versionId;
  return { description, current };
}

/** What a rotation would do with it, and when it falls due. */
function planned(context: Context, secret: Secret, options: RotateOptions, findings: Findings): Status {
  findings.dueAt = new Date(dueAt(context, secret.description, secret.current, options)).toISOString();
  const found = expected(context, secret, options);
  return options.force && found === "not-due" ? "planned" : found;
}

function expected(context: Context, { description, current }: Secret, schedule: Schedule): Status {
  if (versionAt(description, "pending") !== undefined) return "in-progress";
  return isDue(context, description, current, schedule) ? "planned" : "not-due";
}

async function ask(context: Context, { value }: Version): Promise<ProbeVerdict> {
  return context.probe(await findTarget(context.controlPlane, value));
}

async function firstThatOpens(
  context: Context,
  description: SecretDescription,
  stages: readonly Stage[],
): Promise<Stage | undefined> {
  for (const stage of stages) {
    const versionId = versionAt(description, stage);
    const version = versionId && (await readIfFit(context.store, description.secretId, versionId));
    if (version && (await ask(context, version)).answer === "accepted") return stage;
  }
  return undefined;
}
