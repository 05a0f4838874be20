/** When a secret falls due. */
import type { SecretDescription } from "../ports.ts";
import { alternationIntervalMs, currentSince } from "./account.ts";
import type { Context } from "./context.ts";
import type { Version } from "./versions.ts";

const DAY_MS = 86_400_000;

export interface Schedule {
  /** A secret whose current version is younger, in days, is skipped. */
  readonly intervalDays: number;
  /** Over how many days after that a fleet is spread. Default 0. */
  readonly staggerDays?: number;
  /** Whether rotations may begin at a moment, in milliseconds since the epoch. Default: always. */
  readonly window?: ((nowMs: number) => boolean) | undefined;
}

/**
 * In milliseconds since the epoch. The name of a secret says how much of the stagger it gets, so that a fleet that was made
 * on one day drifts apart and stays so.
 */
export function dueAt(
  context: Context,
  description: SecretDescription,
  current: Version,
  { intervalDays, staggerDays = 0 }: Schedule,
): number {
  const staggered = staggerDays > 0 ? staggerDays * shareOf(context, description.name) : 0;
  const byAge = current.createdAt.getTime() + (intervalDays + staggered) * DAY_MS;
  if (current.value.usernames === undefined) return byAge;
  return Math.max(byAge, currentSince(description, current) + alternationIntervalMs(context));
}

export function isDue(
  context: Context,
  description: SecretDescription,
  current: Version,
  schedule: Schedule,
): boolean {
  const now = context.clock.now();
  if (now < dueAt(context, description, current, schedule)) return false;
  return schedule.window?.(now) ?? true;
}

/** From 0 to 1, evenly over all names, and always the same for one. */
function shareOf({ digest }: Context, name: string): number {
  return Number.parseInt(digest(name).slice(0, 8), 16) / 0x1_0000_0000;
}
