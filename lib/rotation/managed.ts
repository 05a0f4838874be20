import { RotationError } from "../errors.ts";
import type { SecretDescription, Step } from "../ports.ts";
import type { Context } from "./context.ts";
import { preflight } from "./preflight.ts";
import { Run } from "./run.ts";
import { createSecret, finishSecret, testSecret } from "./steps.ts";
import { readCurrent, readVersion, type Version } from "./versions.ts";
import type { Watch } from "./watch.ts";

/** What Secrets Manager asks for: one step of the rotation that `token` names. */
export interface StepRequest {
  readonly step: Step;
  readonly secretId: string;
  readonly token: string;
  readonly rotationToken?: string;
}

/**
 * One step of a managed run. Every step may be repeated, by the same or another instance of the function; a step that
 * cannot be finished throws, and Secrets Manager calls it again with the same token.
 *
 * @throws RotationError
 */
export async function runStep(context: Context, request: StepRequest): Promise<void> {
  const { step, token } = request;
  const description = await context.store.describe(request.secretId);
  if (isFinished(description, token)) {
    if (step === "finishSecret") await context.store.release(request.secretId, token);
    return;
  }
  const run = new Run(context, request.secretId, description);
  await run.step(step, () => act(run, description, request));
}

async function act(run: Run, description: SecretDescription, request: StepRequest): Promise<void> {
  const { context, secretId } = run;
  const { step, token, rotationToken } = request;
  if (step === "createSecret") {
    const current = await readCurrent(context.store, description);
    run.follow(
      await createSecret(context, {
        secretId,
        current,
        versionIds: () => [token],
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
      if (watch.tasks.sends > 0) await keepReadable(context, { secretId, pending, watch });
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

/** A rotation that began at the same moment, or an operator, may have taken the label off a password that was on its way. */
async function keepReadable(
  context: Context,
  sent: { readonly secretId: string; readonly pending: Version; readonly watch: Watch },
): Promise<void> {
  const description = await context.store.describe(sent.secretId);
  const { versionId } = sent.pending;
  if (description.versions.some((version) => version.versionId === versionId)) return;
  await finishSecret(context, { ...sent, description });
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
    // setSecret has taken the word of its own task, in an earlier call.
    if (run.context.verify === "task" && watch.tasks.task === "succeeded") return;
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
  const checked = await preflight(context, value);
  if (checked.current !== "rejected") return;
  throw new RotationError(
    "CurrentPasswordRejected",
    `The current password of secret ${secretId} does not open instance ${value.instanceId} in ${value.region}`,
    { effect: "none" },
  );
}

/** AWS's guards: rotation is enabled, the token is a version, and it is pending. True where it is current already. */
function isFinished(description: SecretDescription, token: string): boolean {
  const refuse = (code: "RotationDisabled" | "VersionNotPending", what: string) =>
    new RotationError(code, `Secret ${description.name}: ${what}`, { effect: "none" });
  if (!description.rotationEnabled) throw refuse("RotationDisabled", "rotation is not enabled");
  const version = description.versions.find(({ versionId }) => versionId === token);
  if (version === undefined) throw refuse("VersionNotPending", `it has no version ${token} with a stage`);
  if (version.stages.includes("current")) return true;
  if (!version.stages.includes("pending"))
    throw refuse("VersionNotPending", `version ${token} is not pending`);
  return false;
}
