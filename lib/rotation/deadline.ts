import { type Effect, RotationError } from "../errors.ts";
import type { Context } from "./context.ts";

/** @throws RotationError `InProgress` where the run's time is over; `where` it ended completes the sentence */
export function requireTime(context: Context, where: string, effect: Effect): void {
  if (context.clock.now() < context.deadlineAt) return;
  throw new RotationError("InProgress", `The time of this run ended ${where}`, { effect });
}
