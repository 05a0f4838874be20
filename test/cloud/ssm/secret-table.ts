import type { Clock } from "../../../lib/ports.ts";
import { ApiError } from "../tencentdb/api-error.ts";

export interface Content {
  readonly SecretString?: string;
  readonly SecretBinary?: string;
}

export interface SsmVersion {
  readonly versionId: string;
  readonly content: Content;
  readonly createdAtMs: number;
}

export interface SsmTag {
  readonly key: string;
  readonly value: string;
}

export interface SsmSecret {
  readonly name: string;
  readonly region: string;
  /** 0: user-defined. */
  readonly secretType: number;
  readonly createdAtMs: number;
  readonly status: "Enabled" | "Disabled" | "PendingDelete";
  /** 0 where it is not to be deleted. */
  readonly deletedAtMs: number;
  readonly versions: readonly SsmVersion[];
  readonly tags: readonly SsmTag[];
}

const MAX_VERSIONS = 10;
const MAX_BYTES = 32 * 1_024;

export interface SecretTable {
  add(region: string, name: string, secretType: number): SsmSecret;
  /** @throws ApiError where there is no such secret */
  find(region: string, name: string): SsmSecret;
  /** @throws ApiError where its status is not one of these */
  findIn(region: string, name: string, statuses: readonly SsmSecret["status"][]): SsmSecret;
  save(secret: SsmSecret): void;
  /** Those of a region, the oldest first. */
  inRegion(region: string): readonly SsmSecret[];
}

/** The secrets of all regions. Every value in it is immutable. */
export function createSecretTable(clock: Clock): SecretTable {
  const secrets = new Map<string, SsmSecret>();
  const keyOf = (region: string, name: string) => `${region}/${name}`;

  const isGone = ({ status, deletedAtMs }: SsmSecret) =>
    status === "PendingDelete" && clock.now() >= deletedAtMs;

  function lookUp(region: string, name: string): SsmSecret | undefined {
    requireForm(name, /^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$/, "SecretName");
    const secret = secrets.get(keyOf(region, name));
    return secret && isGone(secret) ? undefined : secret;
  }

  function find(region: string, name: string): SsmSecret {
    const secret = lookUp(region, name);
    if (secret !== undefined) return secret;
    throw new ApiError("ResourceNotFound.SecretNotExist", "The secret does not exist.");
  }

  return {
    find,
    add(region, name, secretType) {
      if (lookUp(region, name) !== undefined) {
        throw new ApiError("ResourceInUse.SecretExists", "The secret name already exists.");
      }
      const createdAtMs = clock.now();
      const state = { status: "Enabled", deletedAtMs: 0, versions: [], tags: [] } as const;
      const secret = { name, region, secretType, createdAtMs, ...state };
      // Behind those that are older than it, also where its name was another's before.
      secrets.delete(keyOf(region, name));
      secrets.set(keyOf(region, name), secret);
      return secret;
    },
    findIn(region, name, statuses) {
      const secret = find(region, name);
      if (statuses.includes(secret.status)) return secret;
      throw secret.status === "PendingDelete"
        ? new ApiError("ResourceUnavailable.ResourcePendingDeleted", "The secret is to be deleted.")
        : new ApiError("ResourceUnavailable.ResourceDisabled", "The secret is disabled, or must be first.");
    },
    inRegion: (region) =>
      [...secrets.values()].filter((secret) => secret.region === region && !isGone(secret)),
    save: (secret) => void secrets.set(keyOf(secret.region, secret.name), secret),
  };
}

/** The secret with one version more. */
export function withVersion(secret: SsmSecret, version: SsmVersion): SsmSecret {
  requireForm(version.versionId, /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, "VersionId");
  if (secret.versions.some(({ versionId }) => versionId === version.versionId)) {
    throw new ApiError("ResourceInUse.VersionIdExists", "The version id already exists.");
  }
  if (secret.versions.length >= MAX_VERSIONS) {
    throw new ApiError("LimitExceeded", `A secret has ${MAX_VERSIONS} versions at most.`);
  }
  return { ...secret, versions: [...secret.versions, version] };
}

export function findVersion(secret: SsmSecret, versionId: string): SsmVersion {
  requireForm(versionId, /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, "VersionId");
  const version = secret.versions.find((candidate) => candidate.versionId === versionId);
  if (version === undefined) throw new ApiError("ResourceNotFound", "The version does not exist.");
  return version;
}

/** Exactly one of the two. */
export function readContent(given: {
  readonly SecretString: string | undefined;
  readonly SecretBinary: string | undefined;
}): Content {
  const { SecretString, SecretBinary } = given;
  if ((SecretString === undefined) === (SecretBinary === undefined)) {
    throw new ApiError("InvalidParameter", "Set SecretString or SecretBinary, and one of them only.");
  }
  const bytes =
    SecretString === undefined ? Buffer.from(SecretBinary ?? "", "base64") : Buffer.from(SecretString);
  if (bytes.length === 0 || bytes.length > MAX_BYTES) {
    throw new ApiError("InvalidParameterValue", "The content must have 1 to 32768 bytes.");
  }
  return SecretString === undefined ? { SecretBinary: SecretBinary ?? "" } : { SecretString };
}

function requireForm(value: string, form: RegExp, name: string): void {
  if (!form.test(value)) throw new ApiError("InvalidParameterValue", `The value of ${name} is not valid.`);
}
