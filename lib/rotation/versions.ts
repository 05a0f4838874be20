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

/** A version that is to become current must be for the account that the current one opens, or for one that takes turns with it. */
export function requireSameAccount(
  current: Version,
  next: Version,
  secretId: string,
  stage: "pending" | "previous" = "pending",
): void {
  const fixed = ["region", "instanceId"] as const;
  const fields = current.value.usernames === undefined ? ([...fixed, "username"] as const) : fixed;
  const differing = fields.filter((field) => current.value[field] !== next.value[field]);
  if (differing.length > 0) {
    const what = `The ${stage} version of secret ${secretId} is not for the instance and account of the current one`;
    const todo =
      stage === "pending" ? "Take its pending label off and rotate anew" : "There is nothing to roll back to";
    throw new RotationError("SecretInvalid", `${what}: ${differing.join(", ")} differ. ${todo}`, {
      effect: "none",
    });
  }
}
