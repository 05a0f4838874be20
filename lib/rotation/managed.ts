import { RotationError } from "../errors.ts";
import type { SecretDescription, Stage, Step } from "../ports.ts";
import { type Findings, noteInstance } from "./answer.ts";
import type { Context } from "./context.ts";
import { preflight } from "./preflight.ts";
import { testSecret } from "./proof.ts";
import { Run } from "./run.ts";
import { createSecret } from "./staging.ts";
import { finishSecret } from "./steps.ts";
import { readCurrent, readVersion, type Version } from "./versions.ts";

/** What Secrets Manager asks for: one step of the rotation that `token` names. */
export interface StepRequest {
  readonly step: Step;
  readonly secretId: string;
  readonly token: string;
  readonly rotationToken?: string;
}

/**
 * One step of a managed run. Every step may be repeated, by the same or another instance of the function; a step that
 * cannot be finished throws, and Secrets Manager calls it again with the same token. `findings` gets what is known of the
 * pending version, also where it throws.
 *
 * @throws RotationError
 */
export async function runStep(
  context: Context,
  request: StepRequest,
  findings: Findings = {},
): Promise<void> {
  const { step, token, secretId } = request;
  const description = await context.store.describe(secretId);
  const run = new Run(context, secretId, description);
  const stages = guardedStages(description, token);
  if (stages.includes("current")) {
    if (step === "finishSecret") await context.store.release(secretId, token);
    return;
  }
  if (!stages.includes("pending")) {
    const unlabelled = step !== "createSecret" && (await readVersion(context.store, secretId, token));
    if (unlabelled) {
      run.follow({ pending: unlabelled });
      await rescue(run, unlabelled);
    }
    throw refuse(description, "VersionNotPending", `version ${token} is not pending`);
  }
  try {
    await run.step(step, () => act(run, description, request));
  } finally {
    if (run.pending !== undefined) notePending(findings, run.pending);
  }
}

function notePending(findings: Findings, pending: Version): void {
  noteInstance(findings, pending);
  findings.versionId = pending.versionId;
  findings.pendingSince = pending.createdAt.toISOString();
}

async function act(run: Run, description: SecretDescription, request: StepRequest): Promise<void> {
  const { context, secretId } = run;
  const { step, token, rotationToken } = request;
  if (step === "createSecret") {
    const current = await readCurrent(context.store, description);
    run.follow(
      await createSecret(context, {
        secretId,
        description,
        current,
        versionIds: async () => ({ ids: [token], arePending: true }),
        ...(rotationToken !== undefined && { rotationToken }),
      }),
    );
    return;
  }

  const stored = await readVersion(context.store, secretId, token);
  if (stored !== undefined) run.follow({ pending: stored });
  else if (step === "testSecret") return testConfiguration(context, secretId, description);
  const { pending, watch } = run.requirePending();
  switch (step) {
    case "setSecret":
      await run.bringIntoForce(await run.next());
      // Redis has just taken the password: the task's last word is worth one call, for the log.
      if (watch.tasks.task === "running") await watch.tasks.poll();
      // Without AUTH only this call knows that the task was its own: no later one could rescue the version.
      if (context.verify === "task" && watch.tasks.sends > 0) await rescue(run, pending);
      return;
    case "testSecret": {
      const current = await readCurrent(context.store, description);
      return testSecret(context, { secretId, current, pending, watch });
    }
    case "finishSecret":
      await requireInForce(run);
      return finishSecret(context, { secretId, pending, watch, description });
  }
}

/** A version becomes current only when its password is seen to open Redis, whoever says that the test has passed. */
async function requireInForce(run: Run): Promise<void> {
  const { pending, watch } = run.requirePending();
  for (;;) {
    const move = await run.next();
    if (move === "testSecret" || move === "finishSecret") return;
    if (move === "hold" || move === "wait") {
      await run.advance(move);
      continue;
    }
    // Where Redis cannot be asked: setSecret has taken the word of its own task, in an earlier call.
    const isBlind = watch.blindness !== undefined;
    if (isBlind && run.context.verify === "task" && watch.tasks.task === "succeeded") return;
    const { instanceId, region } = pending.value;
    throw new RotationError(
      "NewPasswordRejected",
      `The pending password does not open instance ${instanceId} in ${region}`,
      { effect: "none" },
    );
  }
}

/** With no pending value, Secrets Manager only asks whether a rotation would work (RotateImmediately=false). */
async function testConfiguration(
  context: Context,
  secretId: string,
  description: SecretDescription,
): Promise<void> {
  const { value } = await readCurrent(context.store, description);
  const checked = await preflight(context, secretId, value);
  if (checked.current !== "rejected") return;
  throw new RotationError(
    "CurrentPasswordRejected",
    `The current password of secret ${secretId} does not open instance ${value.instanceId} in ${value.region}`,
    { effect: "none" },
  );
}

/**
 * Another rotation that began at the same moment, or an operator, may have taken the label off a version whose password
 * was on its way. It must not be left without one: where Redis has that password, the version becomes current after all.
 */
async function rescue({ context, secretId, watch }: Run, pending: Version): Promise<void> {
  const description = await context.store.describe(secretId);
  const isLabelled = description.versions.some(({ versionId }) => versionId === pending.versionId);
  if (isLabelled || watch === undefined) return;
  const isLive = context.verify === "task" ? watch.tasks.isOwn : (await watch.probe()) === "pending";
  if (isLive) await finishSecret(context, { secretId, pending, watch, description });
}

/** AWS's guards: rotation is enabled, and the token is a version; its stages say the rest. */
function guardedStages(description: SecretDescription, token: string): readonly Stage[] {
  if (!description.rotationEnabled) throw refuse(description, "RotationDisabled", "rotation is not enabled");
  return description.versions.find(({ versionId }) => versionId === token)?.stages ?? [];
}

function refuse(
  { name }: SecretDescription,
  code: "RotationDisabled" | "VersionNotPending",
  what: string,
): RotationError {
  return new RotationError(code, `Secret ${name}: ${what}`, { effect: "none" });
}
