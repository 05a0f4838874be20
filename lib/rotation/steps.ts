import { asRotationError, RotationError } from "../errors.ts";
import type { AccountRights, ControlPlane, Ready, SecretDescription, SecretValue } from "../ports.ts";
import { rightsLike } from "./account.ts";
import type { Context } from "./context.ts";
import { asksForOldPassword, findOldPassword } from "./old-password.ts";
import { readCurrent, releasePending, type Version, versionAt } from "./versions.ts";
import type { Watch } from "./watch.ts";

/** How often a run whose password is in force tries to make it current while others move the labels. */
const MAX_PROMOTIONS = 3;

/**
 * setSecret: sends the pending password, once. The caller has looked first. A passing refusal or a lost reply is left
 * to the next look; a password that the API refuses for good is released, so that the next rotation draws another.
 */
export async function setSecret(
  context: Context,
  request: {
    readonly secretId: string;
    readonly pending: Version;
    readonly watch: Watch;
    /** Asked right before the password is sent, when all else is known. */
    readonly mayBeSent: () => Promise<boolean>;
  },
): Promise<void> {
  const { secretId, pending, watch } = request;
  const { region, instanceId } = pending.value;
  const change = await prepareChange(context, secretId, pending, watch).catch((error: unknown) => {
    // A proxy that lags behind may reject what is right: that is looked at again, as often as a refusal.
    if (!(error instanceof RotationError && error.code === "OldPasswordError")) throw error;
    watch.tasks.refused(error);
  });
  if (!change || !(await request.mayBeSent())) return;
  let stopped: RotationError | undefined;
  // Once more, since the request may have waited for its turn.
  const ready = async (): Promise<void> => {
    try {
      if (await request.mayBeSent()) return;
    } catch (error) {
      stopped = asRotationError(error);
      throw stopped;
    }
    stopped = OVERTAKEN;
    throw stopped;
  };
  try {
    const { taskId } = await change(ready);
    context.observe({ type: "sent", secretId, region, instanceId, taskId });
    watch.tasks.sent(taskId);
  } catch (error) {
    if (!(error instanceof RotationError)) throw error;
    if (error === OVERTAKEN) return;
    if (error === stopped) throw error;
    // The old password was good when it was asked for: since then, another run has changed it.
    const isOvertaken = error.code === "OldPasswordError";
    if (error.passing || error.effect !== "none" || isOvertaken) return watch.tasks.refused(error);
    // Where an earlier reply was lost, the password may reach Redis yet: the next run looks again and decides.
    const isRefused = error.code === "PasswordRefused" || error.code === "RequestRefused";
    if (isRefused && !watch.tasks.lostReply) {
      await releasePending(context, secretId, pending.versionId);
    }
    throw error;
  }
}

/** Another run has made the pending version current while the request waited for its turn. */
const OVERTAKEN = new RotationError("StoreConflict", "Another run was faster", { effect: "none" });

/** The one request that brings the pending password into Redis; undefined where it is in force by now. */
async function prepareChange(
  context: Context,
  secretId: string,
  pending: Version,
  watch: Watch,
): Promise<((ready: Ready) => Promise<{ readonly taskId: number }>) | undefined> {
  const { controlPlane, store } = context;
  const { value } = pending;
  const { password } = value;
  if (asksForOldPassword(value.api)) {
    const { lostReply, taskId } = watch.tasks;
    const effect = lostReply || taskId !== undefined ? "unknown" : "none";
    const oldPassword = await findOldPassword(context, {
      secretId,
      value,
      target: await watch.target(),
      effect,
    });
    if (oldPassword === password) return undefined;
    return (ready) => controlPlane.changePassword(value, { password, oldPassword, ready });
  }
  const isMissing = value.usernames && (await controlPlane.describeAccount(value)) === undefined;
  if (isMissing && value.username !== "default") {
    const active = await readCurrent(store, await store.describe(secretId));
    const rights = await rightsLike(controlPlane, active.value);
    return (ready) => createOnce(controlPlane, value, rights, ready);
  }
  return (ready) => controlPlane.changePassword(value, { password, ready });
}

/** What the API answers where another run has made the account meanwhile is not documented: what counts is that it is there. */
async function createOnce(
  controlPlane: ControlPlane,
  value: SecretValue,
  rights: AccountRights,
  ready: Ready,
): Promise<{ readonly taskId: number }> {
  try {
    return await controlPlane.createAccount(value, value.password, rights, ready);
  } catch (error) {
    const isRefused = error instanceof RotationError && error.code === "RequestRefused";
    if (!isRefused || (await controlPlane.describeAccount(value)) === undefined) throw error;
    throw new RotationError("InstanceBusy", `Another run has made account ${value.username} meanwhile`, {
      effect: "none",
    });
  }
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
    // Of alternating users both passwords are good, so that nothing tells against the version that came later.
    if (request.pending.value.usernames !== undefined) break;
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
