import { ApiError } from "../tencentdb/api-error.ts";
import { type Action, defineAction, type Fields } from "../tencentdb/define-action.ts";
import type { SecretTable, SsmSecret, SsmTag } from "./secret-table.ts";

const STATES: readonly (SsmSecret["status"] | undefined)[] = [
  undefined,
  "Enabled",
  "Disabled",
  "PendingDelete",
];
const DEFAULT_LIMIT = 20;
/** The documents name none; Terraform's provider asks for so many. */
const MAX_LIMIT = 200;

/**
 * ListSecrets: user-defined secrets where no type is named, the newest first, found by a part of their names. What is
 * not documented: the case of letters makes no difference to that part, and filters of several tags must all be met.
 */
export function listSecrets(table: SecretTable): Action {
  return defineAction(
    {
      Offset: "integer",
      Limit: "integer",
      OrderType: "integer",
      State: "integer",
      SearchSecretName: "string",
      TagFilters: "objects",
      SecretType: "integer",
      ProductName: "string",
    },
    (region, { Offset = 0, Limit = 0, OrderType = 0, State = 0, SecretType = 0, ...wanted }) => {
      const limit = Limit === 0 ? DEFAULT_LIMIT : Limit;
      if (Offset < 0 || limit < 1 || limit > MAX_LIMIT || State < 0 || State >= STATES.length) {
        throw new ApiError("InvalidParameterValue", "Offset, Limit or State is out of range.");
      }
      const part = wanted.SearchSecretName?.toLowerCase() ?? "";
      const filters = (wanted.TagFilters ?? []).map(readTagFilter);
      const found = table
        .inRegion(region)
        .filter(
          ({ name, status, secretType, tags }) =>
            secretType === SecretType &&
            (STATES[State] === undefined || STATES[State] === status) &&
            name.toLowerCase().includes(part) &&
            filters.every((isMet) => tags.some(isMet)),
        );
      if (OrderType === 0) found.reverse();
      return {
        TotalCount: found.length,
        SecretMetadatas: found.slice(Offset, Offset + limit).map(metadataOf),
      };
    },
  );
}

/** Without its tags: the answer has no field for them. */
function metadataOf({ name, status, secretType, createdAtMs, deletedAtMs }: SsmSecret): Fields {
  return {
    SecretName: name,
    Description: "",
    Status: status,
    SecretType: secretType,
    CreateTime: seconds(createdAtMs),
    DeleteTime: seconds(deletedAtMs),
    RotationStatus: 0,
  };
}

function readTagFilter({ TagKey, TagValue }: Fields): (tag: SsmTag) => boolean {
  if (typeof TagKey !== "string" || !(TagValue === undefined || Array.isArray(TagValue))) {
    throw new ApiError("InvalidParameter", "The value type of parameter `TagFilters` is not valid.");
  }
  return ({ key, value }) => key === TagKey && (TagValue?.includes(value) ?? true);
}

/** @throws ApiError */
export function readTags(given: readonly Fields[]): SsmTag[] {
  return given.map(({ TagKey, TagValue }) => {
    if (typeof TagKey === "string" && typeof TagValue === "string") return { key: TagKey, value: TagValue };
    throw new ApiError("InvalidParameter", "The value type of parameter `Tags` is not valid.");
  });
}

export function seconds(timeMs: number): number {
  return Math.floor(timeMs / 1_000);
}
