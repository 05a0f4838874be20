import type { Clock } from "../../../lib/ports.ts";
import { ApiError } from "../tencentdb/api-error.ts";
import { type Actions, defineAction } from "../tencentdb/define-action.ts";
import { listSecrets, readTags, seconds } from "./listing.ts";
import { findVersion, readContent, type SecretTable, type SsmSecret, withVersion } from "./secret-table.ts";

export interface SsmActionContext {
  readonly clock: Clock;
  readonly table: SecretTable;
  /** Whether UpdateSecret renews a version's CreateTime, which is not documented. */
  readonly updateRenewsTime: boolean;
}

const NAMED = { SecretName: "string!" } as const;
const VERSION = { ...NAMED, VersionId: "string!" } as const;
const CONTENT = { SecretString: "string", SecretBinary: "string" } as const;
const CHANGEABLE = ["Enabled", "Disabled"] as const;
const DAY_MS = 86_400_000;

export function createSsmActions({ clock, table, updateRenewsTime }: SsmActionContext): Actions {
  const changeable = (region: string, name: string): SsmSecret => {
    const secret = table.findIn(region, name, CHANGEABLE);
    if (secret.secretType === 0) return secret;
    throw new ApiError("OperationDenied.AutoRotatedResource", "SSM rotates this secret itself.");
  };
  const setStatus = (from: readonly SsmSecret["status"][], status: SsmSecret["status"]) =>
    defineAction(NAMED, (region, { SecretName }) => {
      table.save({ ...table.findIn(region, SecretName, from), status, deletedAtMs: 0 });
      return { SecretName };
    });

  return {
    CreateSecret: defineAction(
      {
        ...NAMED,
        VersionId: "string",
        SecretType: "integer",
        Description: "string",
        Tags: "objects",
        ...CONTENT,
      },
      (region, { SecretName, VersionId: versionId = "SSM_Current", SecretType = 0, Tags, ...given }) => {
        const content = readContent(given);
        const tags = readTags(Tags ?? []);
        const secret = { ...table.add(region, SecretName, SecretType), tags };
        table.save(withVersion(secret, { versionId, content, createdAtMs: clock.now() }));
        return { SecretName, VersionId: versionId };
      },
    ),
    PutSecretValue: defineAction(
      { ...VERSION, ...CONTENT },
      (region, { SecretName, VersionId, ...given }) => {
        const content = readContent(given);
        const version = { versionId: VersionId, content, createdAtMs: clock.now() };
        table.save(withVersion(changeable(region, SecretName), version));
        return { SecretName, VersionId };
      },
    ),
    UpdateSecret: defineAction({ ...VERSION, ...CONTENT }, (region, { SecretName, VersionId, ...given }) => {
      const content = readContent(given);
      const secret = changeable(region, SecretName);
      const old = findVersion(secret, VersionId);
      const updated = { ...old, content, ...(updateRenewsTime && { createdAtMs: clock.now() }) };
      const versions = secret.versions.map((version) => (version === old ? updated : version));
      table.save({ ...secret, versions });
      return { SecretName, VersionId };
    }),
    GetSecretValue: defineAction(VERSION, (region, { SecretName, VersionId }) => {
      const secret = table.findIn(region, SecretName, ["Enabled"]);
      return { SecretName, VersionId, ...findVersion(secret, VersionId).content };
    }),
    DeleteSecretVersion: defineAction(VERSION, (region, { SecretName, VersionId }) => {
      const secret = changeable(region, SecretName);
      const gone = findVersion(secret, VersionId);
      table.save({ ...secret, versions: secret.versions.filter((version) => version !== gone) });
      return { SecretName, VersionId };
    }),
    ListSecretVersionIds: defineAction(NAMED, (region, { SecretName }) => ({
      SecretName,
      // The documented sample is in no order: neither by time nor as they were made.
      Versions: [...table.find(region, SecretName).versions]
        .reverse()
        .map(({ versionId, createdAtMs }) => ({ VersionId: versionId, CreateTime: seconds(createdAtMs) })),
    })),
    DescribeSecret: defineAction(NAMED, (region, { SecretName }) => {
      const { status, secretType, createdAtMs, deletedAtMs } = table.find(region, SecretName);
      return {
        SecretName,
        Description: "",
        Status: status,
        SecretType: secretType,
        CreateTime: seconds(createdAtMs),
        DeleteTime: seconds(deletedAtMs),
        RotationStatus: secretType !== 0,
      };
    }),
    ListSecrets: listSecrets(table),
    DisableSecret: setStatus(["Enabled"], "Disabled"),
    EnableSecret: setStatus(["Disabled"], "Enabled"),
    RestoreSecret: setStatus(["PendingDelete"], "Disabled"),
    DeleteSecret: defineAction(
      { ...NAMED, RecoveryWindowInDays: "integer" },
      (region, { SecretName, RecoveryWindowInDays: days = 0 }) => {
        const deletedAtMs = clock.now() + days * DAY_MS;
        table.save({
          ...table.findIn(region, SecretName, ["Disabled"]),
          status: "PendingDelete",
          deletedAtMs,
        });
        return { SecretName, DeleteTime: seconds(deletedAtMs) };
      },
    ),
  };
}
