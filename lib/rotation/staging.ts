import { RotationError } from "../errors.ts";
import { type EffectivePolicy, generatePassword, violations } from "../password.ts";
import type { Instance, SecretDescription, SecretValue, StoredVersion } from "../ports.ts";
import { type Credentials, withCredentials } from "../secret-value.ts";
import { nextAccount, requireInterval } from "./account.ts";
import type { Context } from "./context.ts";
import { preflight, requireOwnAddress } from "./preflight.ts";
import { parseVersion, requireSameAccount, type Version } from "./versions.ts";

/** How often a run looks for an id to stage under while others stage. */
const MAX_STAGINGS = 3;

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
  /** As it was when the run began. */
  readonly description: SecretDescription;
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
  const { secretId, description, current, credentials } = request;
  // A rollback is for the account that it goes back to, whatever has become of the other.
  const value = { ...current.value, ...credentials };
  const checked = await preflight(context, secretId, value);
  if (request.force !== true) requireOwnAddress(value, checked);
  const { instance, policy } = checked;
  if (credentials === undefined) await requireInterval(context, description, current);
  else if (checked.current !== "accepted") requireCompliance(policy, value);
  const text = withCredentials(
    current.text,
    credentials ?? {
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
  const isOurs = stored.text === text && credentials === undefined;
  return isOurs ? { pending, instance } : { pending };
}

/** A password from before may break the rules that hold by now: then the API would refuse it. */
function requireCompliance(policy: EffectivePolicy, { instanceId, region, password }: SecretValue): void {
  const broken = violations(policy, password);
  if (broken.length === 0) return;
  throw new RotationError(
    "PasswordRefused",
    `Instance ${instanceId} in ${region} would not take the previous password: ` +
      broken.map(({ sentence }) => sentence).join(" "),
    { effect: "none" },
  );
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
