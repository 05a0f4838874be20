import { asRotationError } from "../../lib/errors.ts";
import type { Answer } from "../../lib/ports.ts";

export const EXIT = { good: 0, failed: 1, usage: 2, inProgress: 3 } as const;

const USAGE_CODES: readonly string[] = [
  "UsageError",
  "ConfigurationInvalid",
  "CredentialsMissing",
  "StoreCredentialsMissing",
];

/** Whether an error is about how the command was called or set up, and not about what it found. */
export function isUsageCode(code: string): boolean {
  return USAGE_CODES.includes(code);
}

/** A call of the command that cannot be carried out as it is. */
export class UsageError extends Error {}

/** How a command ends that has an answer. */
export function exitCodeOf({ summary }: Answer): number {
  if (summary.failed > 0 || summary.drift > 0) return EXIT.failed;
  return summary.inProgress > 0 ? EXIT.inProgress : EXIT.good;
}

/**
 * Runs a command to its exit code. What it throws is told in one line on standard error, and with `json` as a document on
 * standard output as well.
 */
export async function toExitCode(json: boolean, command: () => Promise<number>): Promise<number> {
  try {
    return await command();
  } catch (thrown) {
    const error = describe(thrown);
    if (json) process.stdout.write(`${JSON.stringify({ error }, undefined, 2)}\n`);
    process.stderr.write(`${error.code}: ${error.message}\n`);
    return isUsageCode(error.code) ? EXIT.usage : EXIT.failed;
  }
}

function describe(thrown: unknown) {
  if (thrown instanceof UsageError) return { code: "UsageError", message: thrown.message, effect: "none" };
  const { code, advice, effect, requestId } = asRotationError(thrown);
  return { code, message: advice, effect, ...(requestId !== undefined && { requestId }) };
}
