import { RotationError } from "../errors.ts";
import type { SecretDescription, SecretStore, SecretValue, Stage, StoredVersion } from "../ports.ts";
import { parseSecretValue } from "../secret-value.ts";

/** A stored version whose JSON has been read. */
export interface Version extends StoredVersion {
  readonly value: SecretValue;
}

export function parseVersion(stored: StoredVersion, secretId: string): Version {
  return { ...stored, value: parseSecretValue(stored.text, secretId) };
}

export async function readVersion(
  store: SecretStore,
  secretId: string,
  versionId: string,
): Promise<Version | undefined> {
  const stored = await store.read(secretId, versionId);
  return stored && parseVersion(stored, secretId);
}

export function versionAt(description: SecretDescription, stage: Stage): string | undefined {
  return description.versions.find((version) => version.stages.includes(stage))?.versionId;
}

/** @throws RotationError `SecretInvalid` where no version is current, or the current one has no value */
export async function readCurrent(store: SecretStore, description: SecretDescription): Promise<Version> {
  const versionId = versionAt(description, "current");
  const current = versionId && (await readVersion(store, description.secretId, versionId));
  if (!current) {
    throw new RotationError(
      "SecretInvalid",
      `Secret ${description.name} has no current value: put the instance's JSON into it first`,
      { effect: "none" },
    );
  }
  return current;
}

/** A pending version must be for the account that the current one opens, or for one that takes turns with it. */
export function requireSameAccount(current: Version, pending: Version, secretId: string): void {
  const fixed = ["region", "instanceId"] as const;
  const fields = current.value.usernames === undefined ? ([...fixed, "username"] as const) : fixed;
  const differing = fields.filter((field) => current.value[field] !== pending.value[field]);
  if (differing.length > 0) {
    throw new RotationError(
      "SecretInvalid",
      `The pending version of secret ${secretId} is not for the instance and account of the current one: ` +
        `${differing.join(", ")} differ. Take its pending label off and rotate anew`,
      { effect: "none" },
    );
  }
}
