import pLimit from "p-limit";
import { RotationError } from "../errors.ts";
import type { SecretResult, SecretValue } from "../ports.ts";
import { describeError } from "./answer.ts";

/** Secrets that one run looks at, at the same time. */
const LOOKS = 50;

/** An earlier run has begun it: Redis may have its password already. */
export function isHalfDone({ status }: SecretResult): boolean {
  return status === "in-progress";
}

/**
 * Looks at all secrets of a fleet and returns the results in their order; one that fails stops no other. Those that are for
 * the same account fail: each rotation of one would make the others' passwords wrong.
 */
export async function withoutRivals(
  secretIds: readonly string[],
  look: (secretId: string, seen: (value: SecretValue) => void) => Promise<SecretResult>,
): Promise<SecretResult[]> {
  const owners = new Map<string, string[]>();
  const note = (secretId: string, value: SecretValue) => {
    const { region, instanceId, username, usernames = [username] } = value;
    for (const each of usernames) {
      const account = `${each} of instance ${instanceId} in ${region}`;
      const others = owners.get(account) ?? [];
      if (!others.includes(secretId)) owners.set(account, [...others, secretId]);
    }
  };
  const places = pLimit(LOOKS);
  const found = await Promise.all(
    secretIds.map((secretId) => places(() => look(secretId, (value) => note(secretId, value)))),
  );
  const rivals = new Map<string, RotationError>();
  const halfDone = new Set(found.filter(isHalfDone).map(({ secretId }) => secretId));
  for (const [account, names] of owners) {
    if (names.length < 2) continue;
    // The one that Redis may have the password of must not be left so.
    const pending = names.filter((name) => halfDone.has(name));
    const message = `Secrets ${names.join(" and ")} are for the same account, ${account}: take all but one out of the fleet`;
    for (const name of names.filter((each) => pending.length !== 1 || each !== pending[0])) {
      rivals.set(name, new RotationError("SecretInvalid", message, { effect: "none" }));
    }
  }
  return found.map((result) => {
    const error = rivals.get(result.secretId);
    return error ? { ...result, status: "failed", error: describeError(error) } : result;
  });
}
