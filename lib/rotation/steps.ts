import { RotationError } from "../errors.ts";
import { generatePassword } from "../password.ts";
import type { Instance } from "../ports.ts";
import { withPassword } from "../secret-value.ts";
import type { Context } from "./context.ts";
import { requireTime } from "./deadline.ts";
import { findTarget, preflight } from "./preflight.ts";
import { parseVersion, requireSameAccount, type Version, versionAt } from "./versions.ts";
import type { Watch } from "./watch.ts";

/** Each proof asks on this many fresh connections: several proxies may stand before one instance. */
const PROOF_CONNECTIONS = 3;
const PROOF_PAUSE_MS = 250;
/** How long a proof may stay open: an old password still accepted, a path that comes and goes. */
const PROOF_PATIENCE_MS = 10_000;

export interface Staged {
  readonly pending: Version;
  /** Given where this call stored the version itself: the instance as it was just before. */
  readonly instance?: Instance;
}

/**
 * createSecret: draws the password and stores it as the pending version, before anything is asked of the API.
 * Takes the first of `versionIds` that is free; where one already holds a pending value, that value is the answer and
 * the fresh password is forgotten. An id whose version was released is passed over.
 */
export async function createSecret(
  context: Context,
  request: {
    readonly secretId: string;
    readonly current: Version;
    readonly versionIds: Iterable<string>;
    readonly rotationToken?: string;
    /** Instead of a fresh one: the previous password, for a rollback. */
    readonly password?: string;
  },
): Promise<Staged> {
  const { secretId, current, rotationToken } = request;
  const { instance, policy } = await preflight(context, current.value);
  const password = request.password ?? generatePassword(policy, context.randomBytes);
  const text = withPassword(current.text, password);

  for (const versionId of request.versionIds) {
    const stored = await context.store.stage(secretId, {
      versionId,
      text,
      ...(rotationToken !== undefined && { rotationToken }),
    });
    if (stored.stages.length === 0) continue;
    if (!stored.stages.includes("pending") && !stored.stages.includes("current")) {
      throw new RotationError(
        "StoreConflict",
        `Secret ${secretId} was rotated twice while this run looked away`,
        {
          effect: "none",
        },
      );
    }
    const pending = parseVersion(stored, secretId);
    requireSameAccount(current, pending, secretId);
    return stored.text === text ? { pending, instance } : { pending };
  }
  throw new RotationError(
    "VersionNotPending",
    `The version that this rotation of secret ${secretId} would use was released before`,
    { effect: "none" },
  );
}

/**
 * setSecret: sends the pending password, once. The caller has looked first. A passing refusal or a lost reply is left
 * to the next look; a password that the API refuses for good is released, so that the next rotation draws another.
 */
export async function setSecret(
  context: Context,
  request: { readonly secretId: string; readonly pending: Version; readonly watch: Watch },
): Promise<void> {
  const { secretId, pending, watch } = request;
  const { region, instanceId, password } = pending.value;
  try {
    const { taskId } = await context.controlPlane.changePassword(pending.value, password);
    context.observe({ type: "sent", secretId, region, instanceId, taskId });
    watch.tasks.sent(taskId);
  } catch (error) {
    if (!(error instanceof RotationError)) throw error;
    if (error.passing) return watch.tasks.refused(error);
    // The look before found no task that could still bring this password into Redis: nothing is lost with the label.
    if (error.code === "PasswordRefused") {
      await context.store.release(secretId, pending.versionId);
      context.observe({ type: "released", secretId, versionId: pending.versionId });
    }
    throw error;
  }
}

/** testSecret: proves on fresh connections that the new password opens Redis and the old one no longer does. */
export async function testSecret(
  context: Context,
  request: { readonly secretId: string; readonly current: Version; readonly pending: Version },
): Promise<void> {
  const { secretId, current, pending } = request;
  requireSameAccount(current, pending, secretId);
  const { clock } = context;
  const startedAt = clock.now();
  for (;;) {
    const flaw = await findFlaw(context, current, pending);
    if (flaw === undefined) return;
    if (clock.now() - startedAt >= PROOF_PATIENCE_MS) throw flaw;
    requireTime(context, "during the proof of the new password", "applied");
    await clock.sleep(PROOF_PAUSE_MS);
  }
}

async function findFlaw(
  { controlPlane, probe, verify }: Context,
  current: Version,
  pending: Version,
): Promise<RotationError | undefined> {
  const target = await findTarget(controlPlane, pending.value);
  const news = await Promise.all(Array.from({ length: PROOF_CONNECTIONS }, () => probe(target)));
  const old = await probe({ ...target, password: current.value.password });

  const name = `instance ${pending.value.instanceId} in ${pending.value.region}`;
  if (news.some(({ answer }) => answer === "rejected")) {
    return new RotationError("NewPasswordRejected", `The new password does not open ${name}`, {
      effect: "unknown",
    });
  }
  const blind = [...news, old].find((verdict) => verdict.answer === "unknown");
  if (blind !== undefined) return verify === "task" ? undefined : notVerified(pending, blind.reason);
  if (old.answer === "rejected") return undefined;
  return new RotationError("OldPasswordAccepted", `The new password opens ${name}, and so does the old one`, {
    effect: "applied",
  });
}

/**
 * finishSecret: makes the pending version current. Where another run has moved the stages meanwhile, the pending
 * password is still the one that opens Redis, so it takes the place of whatever is current by then.
 */
export async function finishSecret(
  context: Context,
  request: { readonly secretId: string; readonly pendingId: string; readonly currentId: string | undefined },
): Promise<void> {
  const { store } = context;
  const { secretId, pendingId, currentId } = request;
  try {
    await store.promote(secretId, pendingId, currentId ?? pendingId);
  } catch (error) {
    if (!(error instanceof RotationError && error.code === "StoreConflict")) throw error;
    const movedTo = versionAt(await store.describe(secretId), "current");
    if (movedTo === undefined) throw error;
    await store.promote(secretId, pendingId, movedTo);
  }
}

export function notVerified(pending: Version, reason: string): RotationError {
  const { instanceId, region } = pending.value;
  return new RotationError(
    "NotVerified",
    `The task for instance ${instanceId} in ${region} succeeded, but the new password could not be proven: ${reason}`,
    { effect: "applied" },
  );
}
