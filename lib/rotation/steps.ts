import { RotationError } from "../errors.ts";
import { generatePassword } from "../password.ts";
import type {
  AccountRights,
  ControlPlane,
  Instance,
  SecretDescription,
  SecretValue,
  StoredVersion,
} from "../ports.ts";
import { type Credentials, withCredentials } from "../secret-value.ts";
import { nextAccount, requireInterval, rightsLike } from "./account.ts";
import type { Context } from "./context.ts";
import { asksForOldPassword, findOldPassword } from "./old-password.ts";
import { preflight, requireOwnAddress } from "./preflight.ts";
import { parseVersion, readCurrent, requireSameAccount, type Version, versionAt } from "./versions.ts";
import type { Watch } from "./watch.ts";

/** How often a run looks for an id to stage under while others stage. */
const MAX_STAGINGS = 3;
/** How often a run whose password is in force tries to make it current while others move the labels. */
const MAX_PROMOTIONS = 3;

export interface Staged {
  readonly pending: Version;
  /** Given where this call stored the version itself: the instance as it was just before. */
  readonly instance?: Instance;
}

/** The ids that a new version may have, in order. */
export interface VersionIds {
  readonly ids: readonly string[];
  /** There is one, and it is pending by now: made by the secret manager, or by another run. */
  readonly arePending: boolean;
}

export interface StagingRequest {
  readonly secretId: string;
  readonly current: Version;
  /** Asked for right before the version is stored. */
  readonly versionIds: () => Promise<VersionIds>;
  readonly rotationToken?: string;
  /** Instead of a fresh password: the previous version's credentials, for a rollback. */
  readonly credentials?: Credentials;
  /** Even where the current password is rejected at an address that is not the instance's own. */
  readonly force?: boolean;
}

/**
 * createSecret: draws the password and stores it as the pending version, before anything is asked of the API.
 * Takes the first of `versionIds` that is free; where one already holds a pending value, that value is the answer and
 * the fresh password is forgotten. An id whose version was released is passed over.
 */
export async function createSecret(context: Context, request: StagingRequest): Promise<Staged> {
  const { secretId, current } = request;
  const checked = await preflight(context, secretId, current.value);
  if (request.force !== true) requireOwnAddress(current.value, checked);
  const { instance, policy } = checked;
  if (request.credentials === undefined) await requireInterval(context, current);
  const text = withCredentials(
    current.text,
    request.credentials ?? {
      username: nextAccount(current.value).username,
      password: generatePassword(policy, context.randomBytes),
    },
  );

  const stored = await stageFirst(context, request, text);
  if (!stored.stages.includes("pending") && !stored.stages.includes("current")) {
    throw new RotationError(
      "StoreConflict",
      `Secret ${secretId} was rotated twice while this run looked away`,
      { effect: "none" },
    );
  }
  const pending = parseVersion(stored, secretId);
  requireSameAccount(current, pending, secretId);
  // Two rollbacks store the same text: only a fresh password tells who has stored it.
  const isOurs = stored.text === text && request.credentials === undefined;
  return isOurs ? { pending, instance } : { pending };
}

/** Stores the text under the first id that is free. Where another version has become pending meanwhile, looks again. */
async function stageFirst(
  { store }: Context,
  { secretId, versionIds, rotationToken }: StagingRequest,
  text: string,
): Promise<StoredVersion> {
  for (let looks = 1; ; looks += 1) {
    const { ids, arePending: isPending } = await versionIds();
    try {
      for (const versionId of ids) {
        const token = rotationToken === undefined ? {} : { rotationToken };
        const stored = await store.stage(secretId, { versionId, text, isPending, ...token });
        if (stored.stages.length > 0) return stored;
      }
    } catch (error) {
      const isConflict = error instanceof RotationError && error.code === "StoreConflict";
      if (isConflict && looks < MAX_STAGINGS) continue;
      throw error;
    }
    throw new RotationError(
      "VersionNotPending",
      `Every version that this rotation of secret ${secretId} could use was released before`,
      { effect: "none" },
    );
  }
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
  const { region, instanceId } = pending.value;
  const change = await prepareChange(context, secretId, pending, watch);
  if (change === undefined) return;
  try {
    const { taskId } = await change();
    context.observe({ type: "sent", secretId, region, instanceId, taskId });
    watch.tasks.sent(taskId);
  } catch (error) {
    if (!(error instanceof RotationError)) throw error;
    // The old password was good when it was asked for: since then, another run has changed it.
    const isOvertaken = error.code === "OldPasswordError";
    if (error.passing || error.effect !== "none" || isOvertaken) return watch.tasks.refused(error);
    // Where an earlier reply was lost, the password may reach Redis yet: the next run looks again and decides.
    const isRefused = error.code === "PasswordRefused" || error.code === "RequestRefused";
    if (isRefused && !watch.tasks.lostReply) {
      await context.store.release(secretId, pending.versionId);
      context.observe({ type: "released", secretId, versionId: pending.versionId });
    }
    throw error;
  }
}

/** The one request that brings the pending password into Redis; undefined where it is in force by now. */
async function prepareChange(
  context: Context,
  secretId: string,
  pending: Version,
  watch: Watch,
): Promise<(() => Promise<{ readonly taskId: number }>) | undefined> {
  const { controlPlane, store } = context;
  const { value } = pending;
  const { password } = value;
  if (asksForOldPassword(value.api)) {
    const oldPassword = await findOldPassword(context, secretId, value, await watch.target());
    if (oldPassword === password) return undefined;
    return () => controlPlane.changePassword(value, { password, oldPassword });
  }
  const isMissing = value.usernames && (await controlPlane.describeAccount(value)) === undefined;
  if (isMissing && value.username !== "default") {
    const active = await readCurrent(store, await store.describe(secretId));
    const rights = await rightsLike(controlPlane, active.value);
    return () => createOnce(controlPlane, value, rights);
  }
  return () => controlPlane.changePassword(value, { password });
}

/** What the API answers where another run has made the account meanwhile is not documented: what counts is that it is there. */
async function createOnce(
  controlPlane: ControlPlane,
  value: SecretValue,
  rights: AccountRights,
): Promise<{ readonly taskId: number }> {
  try {
    return await controlPlane.createAccount(value, value.password, rights);
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
