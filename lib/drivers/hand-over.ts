import pLimit from "p-limit";
import { RotationError } from "../errors.ts";

/** What was not taken, and why. */
export interface Left {
  readonly left: readonly string[];
  readonly error: RotationError;
}

export interface Groups {
  readonly secretIds: readonly string[];
  /** Secrets of one group, at most. */
  readonly size: number;
  /** Groups under way at the same time, at most. */
  readonly concurrency: number;
  /** Hands a group over. Undefined: all of it is taken. Does not throw. */
  readonly settle: (group: readonly string[]) => Promise<Left | undefined>;
}

/**
 * Hands every group over, whatever becomes of the others.
 *
 * @throws RotationError the first group's that was not taken, saying how many secrets were not; the effect is `none`
 */
export async function handOverGroups({ secretIds, size, concurrency, settle }: Groups): Promise<void> {
  const limit = pLimit(concurrency);
  const groups = Array.from({ length: Math.ceil(secretIds.length / size) }, (_, index) =>
    secretIds.slice(index * size, (index + 1) * size),
  );
  const settled = await Promise.all(groups.map((group) => limit(settle, group)));
  const rests = settled.filter((rest) => rest !== undefined);
  const [first] = rests;
  if (first === undefined) return;
  const count = rests.reduce((sum, { left }) => sum + left.length, 0);
  const { code, message, requestId } = first.error;
  throw new RotationError(code, `${count} of ${secretIds.length} secrets were not handed over: ${message}`, {
    effect: "none",
    requestId,
  });
}
