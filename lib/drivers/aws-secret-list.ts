import { type Filter, ListSecretsCommand, type SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { RotationError } from "../errors.ts";
import type { FindSecrets, Selection } from "../ports.ts";
import { secretsManagerCalls } from "./aws-call.ts";
import { withGrant } from "./grant.ts";
import type { OnOutcome } from "./tencent-client.ts";

export interface AwsSecretListOptions {
  readonly client: SecretsManagerClient;
  /** Ends what is under way when the run's time is used up. */
  readonly signal?: AbortSignal;
  /** Told of the service's id of each request that it has carried out. */
  readonly onAnswer?: (requestId: string) => void;
  /** Told of how each call ended. */
  readonly onOutcome?: OnOutcome | undefined;
}

/** The most that the API gives. */
const PAGE_SIZE = 100;

const GRANT = "secretsmanager:ListSecrets on the resource *, to which the action cannot be narrowed";

/** What a filter's value may be, without the `!` that turns it round. */
const FILTERABLE = /^[a-zA-Z0-9 :_@/+=.-]{1,512}$/;

type Tags = readonly { readonly Key?: string | undefined; readonly Value?: string | undefined }[];

/**
 * Finds secrets in AWS Secrets Manager (API version 2017-10-17, ListSecrets: API reference, "ListSecrets" and "Filter").
 * The list is eventually consistent: for some minutes it may lack a change. Its filters only make it shorter: each value is
 * a prefix, and a tag's key and its value may be those of two tags. What counts is each secret's own name and tags.
 *
 * @throws RotationError `StoreDenied`, `StoreThrottled`, `StoreUnavailable`, `StoreRefused`, `StoreCredentialsMissing`,
 * `InProgress`; the effect is always `none`
 */
export function awsSecretList({ client, signal, onAnswer, onOutcome }: AwsSecretListOptions): FindSecrets {
  const send = secretsManagerCalls({ client, onAnswer, onOutcome, ...(signal && { signal }) });

  return async (selection) => {
    const filters = filtersOf(selection);
    const found = new Set<string>();
    let token: string | undefined;
    do {
      const page = await send(
        `ListSecrets of ${describe(selection)}`,
        new ListSecretsCommand({
          MaxResults: PAGE_SIZE,
          ...(filters.length > 0 && { Filters: filters }),
          ...(token !== undefined && { NextToken: token }),
        }),
      ).catch((error: unknown) => {
        const isDenied = error instanceof RotationError && error.message.includes("AccessDeniedException");
        throw isDenied ? withGrant(error, GRANT) : error;
      });
      for (const { Name, Tags = [] } of page.SecretList ?? []) {
        if (Name === undefined || !isMeant(selection, Name, Tags) || has(Tags, "redis-rotation", "off"))
          continue;
        found.add(Name);
      }
      // A page may be empty and not the last one.
      token = page.NextToken;
    } while (token !== undefined);
    return [...found];
  };
}

function filtersOf(selection: Selection): Filter[] {
  const wanted: Filter[] =
    "prefix" in selection
      ? [{ Key: "name", Values: [selection.prefix] }]
      : [
          { Key: "tag-key", Values: [selection.tag.key] },
          { Key: "tag-value", Values: [selection.tag.value] },
        ];
  return wanted.filter(({ Values }) => Values?.every((value) => FILTERABLE.test(value)));
}

function isMeant(selection: Selection, name: string, tags: Tags): boolean {
  if ("prefix" in selection) return name.startsWith(selection.prefix);
  return has(tags, selection.tag.key, selection.tag.value);
}

function has(tags: Tags, key: string, value: string): boolean {
  return tags.some((tag) => tag.Key === key && (tag.Value ?? "") === value);
}

function describe(selection: Selection): string {
  if ("prefix" in selection) return `secrets whose names begin with ${selection.prefix}`;
  return `secrets with the tag ${selection.tag.key}=${selection.tag.value}`;
}
