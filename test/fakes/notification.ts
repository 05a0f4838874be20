import { createHash } from "node:crypto";
import { type Notification, notificationOf, type Outcome } from "../../lib/notification.ts";

export const AT = Date.UTC(2026, 0, 1, 9, 30);
export const HOUR_MS = 3_600_000;
export const REQUEST_ID = "0f6e3f6c-5c1f-4b0a-9a63-8d5d6d7a1b2c";

const digest = (text: string) => createHash("sha256").update(text).digest("hex");

/** A result as a rotation that was refused leaves it. */
export const failedOutcome = (changes: Partial<Outcome> = {}): Outcome => ({
  secretId: "redis/orders",
  instanceId: "crs-5a4py64p",
  region: "ap-guangzhou",
  versionId: "v-2",
  status: "failed",
  error: {
    code: "PasswordRefused",
    message: "ResetPassword: InvalidParameterValue. Compare the instance's password rule with the message.",
    effect: "none",
  },
  ...changes,
});

/** What there is to tell of these outcomes, by a function called so. */
export function told(
  outcomes: readonly Outcome[],
  changes: Partial<Parameters<typeof notificationOf>[1]> = {},
): Notification | undefined {
  return notificationOf(outcomes, {
    nowMs: AT,
    stuckMs: 3 * HOUR_MS,
    functionName: "redis-rotation-prod",
    requestId: REQUEST_ID,
    trigger: "schedule",
    digest,
    ...changes,
  });
}

/** The same where there is something to tell. */
export function notificationWith(...outcomes: readonly Partial<Outcome>[]): Notification {
  const notification = told(outcomes.map(failedOutcome));
  if (notification === undefined) throw new Error("There is nothing to tell");
  return notification;
}
