import { RotationError } from "../errors.ts";
import { generatePassword } from "../password.ts";
import type { Instance, SecretDescription } from "../ports.ts";
import { withPassword } from "../secret-value.ts";
import type { Context } from "./context.ts";
import { requireTime } from "./deadline.ts";
import { preflight, requireOwnAddress } from "./preflight.ts";
import { parseVersion, requireSameAccount, type Version, versionAt } from "./versions.ts";
import type { Watch } from "./watch.ts";

/** Each proof asks on this many fresh connections: several proxies may stand before one instance. */
const PROOF_CONNECTIONS = 3;
const PROOF_PAUSE_MS = 250;
/** How long a proof may stay open when no task is running any more. */
const PROOF_PATIENCE_MS = 10_000;
/** How often a run whose password is in force tries to make it current while others move the labels. */
const MAX_PROMOTIONS = 3;

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
    /** Asked for right before the version is stored. */
    readonly versionIds: () => Iterable<string> | Promise<Iterable<string>>;
    readonly rotationToken?: string;
    /** Instead of a fresh one: the previous password, for a rollback. */
    readonly password?: string;
    /** Even where the current password is rejected at an address that is not the instance's own. */
    readonly force?: boolean;
  },
): Promise<Staged> {
  const { secretId, current, rotationToken } = request;
  const checked = await preflight(context, current.value);
  if (request.force !== true) requireOwnAddress(current.value, checked);
  const { instance, policy } = checked;
  const password = request.password ?? generatePassword(policy, context.randomBytes);
  const text = withPassword(current.text, password);

  for (const versionId of await request.versionIds()) {
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
    // Two rollbacks store the same text: only a fresh password tells who has stored it.
    const isOurs = stored.text === text && request.password === undefined;
    return isOurs ? { pending, instance } : { pending };
  }
  throw new RotationError(
    "VersionNotPending",
    `Every version that this rotation of secret ${secretId} could use was released before`,
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
    if (error.passing || error.effect !== "none") return watch.tasks.refused(error);
    // Where an earlier reply was lost, the password may reach Redis yet: the next run looks again and decides.
    const isRefused = error.code === "PasswordRefused" || error.code === "RequestRefused";
    if (isRefused && !watch.tasks.lostReply) {
      await context.store.release(secretId, pending.versionId);
      context.observe({ type: "released", secretId, versionId: pending.versionId });
    }
    throw error;
  }
}

/** testSecret: proves on fresh connections that the new password opens Redis and the old one no longer does. */
export async function testSecret(
  context: Context,
  request: {
    readonly secretId: string;
    readonly current: Version;
    readonly pending: Version;
    readonly watch: Watch;
  },
): Promise<void> {
  const { secretId, current, pending, watch } = request;
  const { tasks } = watch;
  requireSameAccount(current, pending, secretId);
  const { clock } = context;
  let patientUntil = clock.now() + PROOF_PATIENCE_MS;
  for (;;) {
    const flaw = await findFlaw(context, current, pending, watch);
    if (flaw === undefined) return;
    // While the task runs, some proxies may have the new password and some the old one.
    if (tasks.due) await tasks.poll();
    if (tasks.task === "running") patientUntil = clock.now() + PROOF_PATIENCE_MS;
    if (clock.now() >= patientUntil) {
      if (flaw.bearable) return;
      throw flaw.error;
    }
    requireTime(context, 0, "during the proof of the new password", "applied");
    await clock.sleep(PROOF_PAUSE_MS);
  }
}

interface Flaw {
  readonly error: RotationError;
  /** The new password is proven; only the old one could not be asked about. */
  readonly bearable: boolean;
}

async function findFlaw(
  { probe, verify }: Context,
  current: Version,
  pending: Version,
  watch: Watch,
): Promise<Flaw | undefined> {
  const target = await watch.target();
  const news = await Promise.all(Array.from({ length: PROOF_CONNECTIONS }, () => probe(target)));
  const name = `instance ${pending.value.instanceId} in ${pending.value.region}`;
  if (news.some(({ answer }) => answer === "rejected")) {
    const message = `The new password does not open ${name}`;
    return {
      error: new RotationError("NewPasswordRejected", message, { effect: "unknown" }),
      bearable: false,
    };
  }
  const blind = news.find((verdict) => verdict.answer === "unknown");
  if (blind !== undefined) {
    return verify === "task" ? undefined : { error: notVerified(pending, blind.reason), bearable: false };
  }
  if (current.value.password === pending.value.password) return undefined;
  const old = await probe({ ...target, password: current.value.password });
  if (old.answer === "rejected") return undefined;
  if (old.answer === "unknown") return { error: notVerified(pending, old.reason), bearable: true };
  const message = `The new password opens ${name}, and so does the old one`;
  return { error: new RotationError("OldPasswordAccepted", message, { effect: "applied" }), bearable: false };
}

/**
 * finishSecret: makes the pending version current. Where the labels have moved meanwhile, another run has gone on from
 * here, or somebody has taken the label off: then only a password that opens Redis at this moment becomes current.
 */
export async function finishSecret(
  context: Context,
  request: {
    readonly secretId: string;
    readonly pending: Version;
    readonly watch: Watch;
    /** Just read. */
    readonly description: SecretDescription;
  },
): Promise<void> {
  const { store } = context;
  const { secretId, watch, description } = request;
  const { versionId } = request.pending;
  const promote = async (from: string): Promise<boolean> => {
    try {
      await store.promote(secretId, versionId, from);
      return true;
    } catch (error) {
      if (error instanceof RotationError && error.code === "StoreConflict") return false;
      throw error;
    }
  };
  const isUnmoved = versionAt(description, "pending") === versionId;
  if (isUnmoved && (await promote(versionAt(description, "current") ?? versionId))) return;
  for (let tried = 0; tried < MAX_PROMOTIONS; tried += 1) {
    const now = await store.describe(secretId);
    const currentId = versionAt(now, "current") ?? versionId;
    if (currentId === versionId) return store.release(secretId, versionId);
    if (!(await isInForce(context, request.pending, watch, now))) break;
    if (await promote(currentId)) return;
  }
  throw new RotationError("StoreConflict", `Another run has moved the stages of secret ${secretId}`, {
    effect: "none",
  });
}

/** By AUTH. Where that has no path: by the word of this run's own task, if it is the last one and no other is to come. */
async function isInForce(
  { controlPlane, verify }: Context,
  pending: Version,
  watch: Watch,
  description: SecretDescription,
): Promise<boolean> {
  const { tasks } = watch;
  const live = await watch.probe();
  if (live !== "unknown" || verify !== "task") return live === "pending";
  if (!tasks.isOwn || tasks.task !== "succeeded" || versionAt(description, "pending") !== undefined)
    return false;
  const newest = await controlPlane.newestPasswordTask(pending.value, pending.createdAt);
  return newest?.taskId === tasks.taskId;
}

export function notVerified(pending: Version, reason: string): RotationError {
  const { instanceId, region } = pending.value;
  return new RotationError(
    "NotVerified",
    `The task for instance ${instanceId} in ${region} succeeded, but the new password could not be proven: ${reason}`,
    { effect: "applied" },
  );
}
