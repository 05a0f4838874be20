import { RotationError } from "../errors.ts";
import type { SecretDescription, Step } from "../ports.ts";
import type { Context } from "./context.ts";
import { preflight } from "./preflight.ts";
import { Run } from "./run.ts";
import { createSecret, finishSecret, testSecret } from "./steps.ts";
import { readCurrent, readVersion, type Version, versionAt } from "./versions.ts";

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
  const { secretId } = description;
  if (isFinished(description, token)) {
    if (step === "finishSecret") await context.store.release(secretId, token);
    return;
  }
  const run = new Run(context, secretId);
  await run.step(step, () => act(run, description, request));
}

async function act(run: Run, description: SecretDescription, request: StepRequest): Promise<void> {
  const { context, secretId } = run;
  const { step, token, rotationToken } = request;
  if (step === "createSecret") {
    const current = await readCurrent(context.store, description);
    const versionIds = [token];
    run.follow(
      await createSecret(context, {
        secretId,
        current,
        versionIds,
        ...(rotationToken !== undefined && { rotationToken }),
      }),
    );
    return;
  }

  const pending = await readVersion(context.store, secretId, token);
  if (step === "testSecret") return proveSecret(context, description, pending);
  if (pending !== undefined) run.follow({ pending });
  run.requirePending();
  if (step === "setSecret") {
    await run.bringIntoForce(await run.next());
  } else {
    await requireInForce(run);
    await finishSecret(context, { secretId, pendingId: token, currentId: versionAt(description, "current") });
  }
}

/** A version becomes current only when its password is seen to open Redis, whoever says that the test has passed. */
async function requireInForce(run: Run): Promise<void> {
  for (;;) {
    const move = await run.next();
    if (move === "testSecret" || move === "finishSecret") return;
    if (move !== "hold" && move !== "wait") {
      const { pending } = run.requirePending();
      throw new RotationError(
        "NewPasswordRejected",
        `The pending password does not open instance ${pending.value.instanceId} in ${pending.value.region}`,
        { effect: "none" },
      );
    }
    await run.advance(move);
  }
}

/** With no pending value, Secrets Manager only asks whether a rotation would work (RotateImmediately=false). */
async function proveSecret(
  context: Context,
  description: SecretDescription,
  pending: Version | undefined,
): Promise<void> {
  const { secretId } = description;
  const current = await readCurrent(context.store, description);
  if (pending !== undefined) return testSecret(context, { secretId, current, pending });
  const { accepted } = await preflight(context, current.value);
  if (accepted || context.verify === "task") return;
  throw new RotationError(
    "CurrentPasswordRejected",
    `The current password of secret ${secretId} does not open instance ${current.value.instanceId} in ${current.value.region}`,
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
