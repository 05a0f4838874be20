import { RotationError } from "../errors.ts";
import type { SecretDescription, SecretStore, SecretValue, Stage, StoredVersion } from "../ports.ts";
import { parseSecretValue } from "../secret-value.ts";
import type { Context } from "./context.ts";

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

/** The same for a version that need not be the product's: undefined also where it is not an instance's JSON. */
export async function readIfFit(
  store: SecretStore,
  secretId: string,
  versionId: string,
): Promise<Version | undefined> {
  try {
    return await readVersion(store, secretId, versionId);
  } catch (error) {
    if (error instanceof RotationError && error.code === "SecretInvalid") return undefined;
    throw error;
  }
}

/** Gives a pending version up: its password is never sent (again). */
export async function releasePending(context: Context, secretId: string, versionId: string): Promise<void> {
  await context.store.release(secretId, versionId);
  context.observe({ type: "released", secretId, versionId });
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

const SETTINGS = ["region", "instanceId", "host", "port", "ssl", "api"] as const;

/** What the secret says of a rotation, and a version that was staged says otherwise; also a wrong account. */
export function differences({ value: current }: Version, { value: next }: Version): string[] {
  const differing: string[] = SETTINGS.filter((field) => current[field] !== next[field]);
  const { usernames } = current;
  if (String(usernames) !== String(next.usernames)) differing.push("usernames");
  const isFitting =
    usernames === undefined
      ? next.username === current.username
      : usernames.includes(next.username) && next.username !== current.username;
  if (!isFitting) differing.push("username");
  return differing;
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
  if (differing.length === 0) return;
  const todo =
    stage === "pending" ? "abandon it by force, and rotate anew" : "there is nothing to roll back to";
  throw new RotationError(
    "SecretInvalid",
    `The ${stage} version of secret ${secretId} is not for the instance and account of the current one ` +
      `(${differing.join(", ")} differ): ${todo}`,
    { effect: "none" },
  );
}
