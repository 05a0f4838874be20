import pLimit from "p-limit";
import type { SecretResult } from "../ports.ts";

/** Secrets that one run works on at the same time. */
const CONCURRENCY = 20;

/** Does the same with every secret, in the order given; one secret's failure stops no other. */
export function forEachSecret(
  secretIds: readonly string[],
  act: (secretId: string) => Promise<SecretResult>,
): Promise<SecretResult[]> {
  const limit = pLimit(CONCURRENCY);
  return Promise.all(secretIds.map((secretId) => limit(() => act(secretId))));
}
