import { asRotationError } from "../../lib/errors.ts";
import type { Answer } from "../../lib/ports.ts";
import { jsonText, printable } from "./printable.ts";

export const EXIT = { good: 0, failed: 1, usage: 2, inProgress: 3 } as const;

const USAGE_CODES: readonly string[] = [
  "UsageError",
  "ConfigurationInvalid",
  "CredentialsMissing",
  "StoreCredentialsMissing",
];

/** Whether the configuration or the call itself is wrong. */
export const isUsageCode = (code: string): boolean => USAGE_CODES.includes(code);

/** A call of the command that cannot be carried out as it is. */
export class UsageError extends Error {}

/** Somebody was asked and did not say yes. */
export class NotConfirmed extends Error {}

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
    const error = describeThrown(thrown);
    if (json) process.stdout.write(jsonText({ error }));
    process.stderr.write(`${error.code}: ${printable(error.message)}\n`);
    return isUsageCode(error.code) ? EXIT.usage : EXIT.failed;
  }
}

/** As a document tells it. */
export function describeThrown(thrown: unknown) {
  if (thrown instanceof UsageError || thrown instanceof NotConfirmed) {
    const code = thrown instanceof UsageError ? "UsageError" : "NotConfirmed";
    return { code, message: thrown.message, effect: "none" };
  }
  const { code, advice, effect, requestId } = asRotationError(thrown);
  return { code, message: advice, effect, ...(requestId !== undefined && { requestId }) };
}
