import * as v from "valibot";
import type { RotationError } from "../lib/errors.ts";
import { parseConfidentialJson } from "../lib/json.ts";
import type { SecretStore } from "../lib/ports.ts";
import { versionAt } from "../lib/rotation/versions.ts";
import { describeIssues } from "../lib/schemas.ts";

/**
 * What the current version of a secret says, where that is not an instance's JSON. `refuse` makes the error of what is wrong
 * with it; nothing of the value is told.
 *
 * @throws RotationError what `refuse` makes, and what the store throws
 */
export async function readSecretJson<T>(
  store: SecretStore,
  name: string,
  schema: v.GenericSchema<unknown, T>,
  refuse: (why: string) => RotationError,
): Promise<T> {
  const current = versionAt(await store.describe(name), "current");
  const stored = current && (await store.read(name, current));
  if (!stored) throw refuse("it has no value");
  const json = parseConfidentialJson(stored.text);
  if (json === undefined) throw refuse("it is not JSON");
  const parsed = v.safeParse(schema, json);
  if (!parsed.success) throw refuse(describeIssues(parsed.issues));
  return parsed.output;
}
