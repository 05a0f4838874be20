import { type Effect, RotationError } from "../errors.ts";
import type { Context } from "./context.ts";

/**
 * @throws RotationError `InProgress` where less than `neededMs` is left of the run's time; `where` it ended completes
 * the sentence
 */
export function requireTime(context: Context, neededMs: number, where: string, effect: Effect): void {
  if (context.clock.now() + neededMs < context.deadline()) return;
  throw new RotationError("InProgress", `The time of this run ended ${where}`, { effect });
}
