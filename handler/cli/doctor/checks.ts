import { asRotationError, type ErrorCode, type RotationError } from "../../../lib/errors.ts";
import type { Clock } from "../../../lib/ports.ts";
import { EXIT, isUsageCode } from "../exit.ts";
import { fixOf } from "./fixes.ts";

/** What is checked, in this order. */
export const CHECKS = [
  "environment",
  "endpoint",
  "clock",
  "credentials",
  "fleet",
  "secret",
  "instance",
  "account",
  "password-rule",
  "redis",
  "password",
  "permission",
] as const;

export type CheckName = (typeof CHECKS)[number];

export interface Finding {
  /** `unknown`: it cannot be found out from here. `skipped`: what it depends on is not there. */
  readonly status: "good" | "bad" | "unknown" | "skipped";
  /** What was asked, and what came of it. */
  readonly found: string;
  /** What to do, in a sentence. */
  readonly fix?: string;
  /** Of the error, where one was found. */
  readonly code?: ErrorCode;
}

export interface Check extends Finding {
  readonly name: CheckName;
  /** What was checked, where there may be several: a host, a cloud, a secret, actions. */
  readonly subject?: string;
  /** 0 where it follows from others. */
  readonly durationMs: number;
}

/** What `--json` writes. */
export interface Report {
  readonly checks: readonly Check[];
  readonly summary: Readonly<Record<Finding["status"], number>>;
}

export const good = (found: string): Finding => ({ status: "good", found });
export const skipped = (why: string): Finding => ({ status: "skipped", found: why });

/** What an error says of the thing that was checked. One that comes of a crowd says nothing of it. */
export function finding(error: RotationError): Finding {
  const { code, message } = error;
  const isCrowded = code === "Throttled" || code === "StoreThrottled" || code === "InProgress";
  const found = message.replace(/^Environment: /, "");
  return { status: isCrowded ? "unknown" : "bad", found, fix: fixOf(error), code };
}

/** Makes one check. What `find` throws is its finding; it may know the subject better. */
export async function check(
  clock: Clock,
  [name, subject]: readonly [CheckName, string?],
  find: () => Promise<Finding & Pick<Check, "subject">>,
): Promise<Check> {
  const startedAt = clock.now();
  const found = await find().catch((thrown: unknown) => finding(asRotationError(thrown)));
  const durationMs = clock.now() - startedAt;
  return { name, ...(subject !== undefined && { subject }), ...found, durationMs };
}

/** One that takes no time, since all is known. */
export function told(name: CheckName, subject: string | undefined, found: Finding): Check {
  return { name, ...(subject !== undefined && { subject }), ...found, durationMs: 0 };
}

export function reportOf(checks: readonly Check[]): Report {
  const summary = { good: 0, bad: 0, unknown: 0, skipped: 0 };
  for (const { status } of checks) summary[status] += 1;
  return { checks, summary };
}

/** What cannot be known is no failure. */
export function exitCodeOf(checks: readonly Check[]): number {
  const bad = checks.filter(({ status }) => status === "bad");
  if (bad.some(({ code }) => code !== undefined && isUsageCode(code))) return EXIT.usage;
  return bad.length > 0 ? EXIT.failed : EXIT.good;
}
