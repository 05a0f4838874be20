import { AwsApiError } from "./aws-api-error.ts";
import type { Actions, Filter, Secret, SecretEntry } from "./wire.ts";

export function secretEntry(secret: Secret): SecretEntry {
  const { rotation } = secret;
  return {
    ARN: secret.arn,
    Name: secret.name,
    CreatedDate: secret.createdAtMs / 1000,
    LastChangedDate: secret.changedAtMs / 1000,
    ...(secret.description !== undefined && { Description: secret.description }),
    ...(secret.rotatedAtMs !== undefined && { LastRotatedDate: secret.rotatedAtMs / 1000 }),
    ...(secret.deletedAtMs !== undefined && { DeletedDate: secret.deletedAtMs / 1000 }),
    ...(secret.tags.length > 0 && { Tags: secret.tags }),
    ...(rotation !== undefined && {
      RotationEnabled: rotation.enabled,
      RotationLambdaARN: rotation.functionArn,
      ...(rotation.rules !== undefined && { RotationRules: rotation.rules }),
    }),
  };
}

/** A version without labels is deprecated and not told of. */
export function stagesByVersion(secret: Secret): Record<string, readonly string[]> | undefined {
  const labelled = secret.versions.filter(({ stages }) => stages.length > 0);
  if (labelled.length === 0) return undefined;
  return Object.fromEntries(labelled.map(({ versionId, stages }) => [versionId, stages]));
}

export function listVersions(
  secret: Secret,
  request: Actions["ListSecretVersionIds"]["request"],
): Actions["ListSecretVersionIds"]["answer"] {
  const shown = secret.versions.filter(({ stages }) => request.IncludeDeprecated || stages.length > 0);
  const { page, next } = pageOf(shown, request);
  return {
    ARN: secret.arn,
    Name: secret.name,
    Versions: page.map(({ versionId, stages, createdAtMs }) => ({
      VersionId: versionId,
      CreatedDate: createdAtMs / 1000,
      ...(stages.length > 0 && { VersionStages: stages }),
    })),
    ...next,
  };
}

export function listSecrets(
  secrets: readonly Secret[],
  request: Actions["ListSecrets"]["request"],
): Actions["ListSecrets"]["answer"] {
  const filters = request.Filters ?? [];
  const shown = secrets.filter(
    (secret) =>
      (request.IncludePlannedDeletion || secret.deletedAtMs === undefined) &&
      filters.every((filter) => matches(secret, filter)),
  );
  const { page, next } = pageOf(shown, request);
  return {
    SecretList: page.map((secret) => {
      const stages = stagesByVersion(secret);
      return { ...secretEntry(secret), ...(stages && { SecretVersionsToStages: stages }) };
    }),
    ...next,
  };
}

const FILTER_VALUE = /^!?[a-zA-Z0-9 :_@/+=.!-]{0,511}$/;

/** Values of one filter are alternatives; each is a prefix. Filters look at the secret as a whole, never at one tag's key and value together. */
function matches(secret: Secret, { Key, Values = [] }: Filter): boolean {
  if (Values.some((value) => !FILTER_VALUE.test(value))) {
    throw new AwsApiError("ValidationException", "Filters: a value does not match the documented pattern.");
  }
  return Values.some((value) => {
    const wanted = value.startsWith("!") ? value.slice(1) : value;
    return matchesValue(secret, Key, wanted) !== value.startsWith("!");
  });
}

function matchesValue(secret: Secret, key: string | undefined, wanted: string): boolean {
  const folded = wanted.toLowerCase();
  const description = (secret.description ?? "").toLowerCase();
  switch (key) {
    case "name":
      return secret.name.startsWith(wanted);
    case "description":
      return description.startsWith(folded);
    case "tag-key":
      return secret.tags.some((tag) => tag.Key.startsWith(wanted));
    case "tag-value":
      return secret.tags.some((tag) => tag.Value.startsWith(wanted));
    case "all": {
      const texts = [secret.name, description, ...secret.tags.flatMap((tag) => [tag.Key, tag.Value])];
      const words = folded.split(/\s+/).filter((word) => word !== "");
      return words.some((word) => texts.some((text) => text.toLowerCase().includes(word)));
    }
    default:
      throw new AwsApiError("ValidationException", "Filters: the key is not one of those that can be used.");
  }
}

interface Paging {
  readonly MaxResults?: number | undefined;
  readonly NextToken?: string | undefined;
}

function pageOf<T>(items: readonly T[], { MaxResults = 100, NextToken }: Paging) {
  if (!Number.isInteger(MaxResults) || MaxResults < 1 || MaxResults > 100) {
    throw new AwsApiError("InvalidParameterException", "MaxResults must be between 1 and 100.");
  }
  const start = NextToken === undefined ? 0 : Number(Buffer.from(NextToken, "base64url").toString());
  if (!Number.isInteger(start) || (NextToken !== undefined && start < 1)) {
    throw new AwsApiError("InvalidNextTokenException", "Invalid NextToken.");
  }
  const end = start + MaxResults;
  return {
    page: items.slice(start, end),
    next: end < items.length ? { NextToken: Buffer.from(String(end)).toString("base64url") } : {},
  };
}
