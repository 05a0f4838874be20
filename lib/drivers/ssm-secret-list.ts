import * as v from "valibot";
import { RotationError } from "../errors.ts";
import type { FindSecrets, Selection } from "../ports.ts";
import { number, object } from "../schemas.ts";
import { withGrant } from "./grant.ts";
import { SSM_API_ERRORS, ssmError } from "./ssm-errors.ts";
import { createTencentClient, type TencentClient, type TencentConnection } from "./tencent-client.ts";

export interface SsmSecretListOptions extends TencentConnection {
  /** Region of the secrets. */
  readonly region: string;
}

/** No most is documented. Where fewer come, the next page begins after them. */
const PAGE_SIZE = 100;
/** How often a list is read anew because secrets came or went between its pages. */
const MAX_ROUNDS = 3;

const GRANT = "the role ssm:ListSecrets on the resource *, to which the action cannot be narrowed";

const page = object({
  TotalCount: v.nullish(number),
  SecretMetadatas: v.nullish(v.array(object({ SecretName: v.string() }))),
});

type Filter = { readonly SearchSecretName: string } | { readonly TagFilters: readonly object[] };

/**
 * Finds user-defined secrets in Tencent Cloud Secrets Manager (SSM, API version 2019-09-23, ListSecrets: documents 1140/40519
 * and, for what to grant, 1078/38612). It finds a part of a name anywhere in it, and tells no tags: those that are off are
 * asked for by their tag. Nor does it tell when a secret was changed.
 *
 * @throws RotationError `ConfigurationInvalid` where the region or the endpoint URL is not acceptable; what is called then
 *   throws `StoreDenied`, `StoreThrottled`, `StoreUnavailable`, `StoreRefused`, `CredentialsMissing`, `CredentialsRejected`,
 *   `InProgress`, always with the effect `none`
 */
export function ssmSecretList(options: SsmSecretListOptions): FindSecrets {
  const client = createTencentClient({
    ...options,
    service: "ssm",
    version: "2019-09-23",
    errors: SSM_API_ERRORS,
  });
  return ssmListOver(client);
}

/** The same over any client of SSM. */
export function ssmListOver(client: TencentClient): FindSecrets {
  const read = async (filter: Filter, offset: number) => {
    // The newest first: what is lost where one goes and another comes meanwhile is the one that came.
    const params = { ...filter, State: 1, SecretType: 0, OrderType: 0, Offset: offset, Limit: PAGE_SIZE };
    try {
      return await client({ action: "ListSecrets", params, answer: page, change: false });
    } catch (error) {
      const failure = ssmError(error, "The list of secrets");
      const isDenied = failure instanceof RotationError && failure.code === "StoreDenied";
      throw isDenied ? withGrant(failure, GRANT) : failure;
    }
  };

  /** All pages once. `isWhole`: nothing has come or gone between them, as far as their totals tell. */
  const readAll = async (filter: Filter): Promise<{ names: Set<string>; isWhole: boolean }> => {
    const names = new Set<string>();
    const totals = new Set<number>();
    for (let offset = 0; ; ) {
      const { SecretMetadatas, TotalCount } = await read(filter, offset);
      const secrets = SecretMetadatas ?? [];
      const before = names.size;
      for (const { SecretName } of secrets) names.add(SecretName);
      totals.add(TotalCount ?? 0);
      offset += secrets.length;
      // A page that brings nothing new is the end, whatever the total says.
      if (names.size === before || offset === TotalCount) {
        return { names, isWhole: totals.size === 1 && names.size === offset };
      }
    }
  };

  const list = async (filter: Filter): Promise<ReadonlySet<string>> => {
    const seen = new Set<string>();
    for (let round = 0; round < MAX_ROUNDS; round += 1) {
      const { names, isWhole } = await readAll(filter);
      if (isWhole) return names;
      for (const name of names) seen.add(name);
    }
    return seen;
  };

  return async (selection) => {
    const [meant, off] = await Promise.all([
      list(filterOf(selection)),
      list(tagFilter("redis-rotation", "off")),
    ]);
    const prefix = "prefix" in selection ? selection.prefix : "";
    return [...meant].filter((name) => name.startsWith(prefix) && !off.has(name));
  };
}

function filterOf(selection: Selection): Filter {
  if ("prefix" in selection) return { SearchSecretName: selection.prefix };
  return tagFilter(selection.tag.key, selection.tag.value);
}

function tagFilter(key: string, value: string): Filter {
  return { TagFilters: [{ TagKey: key, TagValue: [value] }] };
}
