import type { RotationEvent, SecretResult, Step } from "../../lib/ports.ts";
import type { Watcher } from "./session.ts";

/** Until one has ended that tells: the one example that Tencent Cloud documents takes 9 s. */
const ROTATION_MS = 10_000;
/** What comes after a step, in the words of the steps themselves. */
const NEXT: Readonly<Record<Step, string>> = {
  createSecret: "setSecret",
  setSecret: "testSecret",
  testSecret: "finishSecret",
  finishSecret: "current, until the task has ended",
};

/** One secret that is being worked on. */
export interface Going {
  readonly secretId: string;
  readonly sinceMs: number;
  /** The step that it is in, and the task that it waits for. */
  readonly doing: string;
}

/** How far a command has come. */
export interface Progress {
  readonly total: number;
  readonly ended: number;
  /** How many ended how, in the order in which that came up. */
  readonly counts: ReadonlyMap<SecretResult["status"], number>;
  /** The longest under way first. */
  readonly going: readonly Going[];
  /** Undefined until there is something to guess from. */
  readonly leftMs: number | undefined;
}

export interface ProgressWatcher extends Watcher {
  at(nowMs: number): Progress;
}

export interface ProgressOptions {
  readonly total: number;
  /** How many rotations begin in a second. */
  readonly perSecond: number;
  readonly startedAt: number;
}

/** Follows a run from what it tells of itself. */
export function followProgress({ total, perSecond, startedAt }: ProgressOptions): ProgressWatcher {
  const going = new Map<string, Going>();
  const counts = new Map<SecretResult["status"], number>();
  /** Of rotations. What was only looked at tells nothing of how long they take. */
  const durations: number[] = [];
  let ended = 0;

  /** Those under way run beside each other, and the others wait for their turn to begin. */
  function leftMs(nowMs: number): number | undefined {
    const left = total - ended;
    const isLook = going.size === 0 && durations.length === 0;
    if (isLook) return ended === 0 ? undefined : ((nowMs - startedAt) * left) / ended;
    const eachMs = durations.length === 0 ? ROTATION_MS : mean(durations);
    const ages = [...going.values()].map(({ sinceMs }) => nowMs - sinceMs);
    const waiting = left - going.size;
    if (waiting === 0) return Math.max(0, eachMs - Math.min(eachMs, ...ages));
    const canaryMs = durations.length === 0 ? Math.max(0, eachMs - Math.max(0, ...ages)) : 0;
    return canaryMs + (1_000 * waiting) / perSecond + eachMs;
  }

  return {
    onEvent(event, atMs) {
      const { secretId } = event;
      const { sinceMs = atMs, doing: before = "" } = going.get(secretId) ?? {};
      going.set(secretId, { secretId, sinceMs, doing: doingAfter(event, before) });
    },
    onResult({ secretId, status, durationMs }) {
      if (going.delete(secretId)) durations.push(durationMs);
      ended += 1;
      counts.set(status, (counts.get(status) ?? 0) + 1);
    },
    at: (nowMs) => ({
      total,
      ended,
      counts,
      going: [...going.values()].sort((a, b) => a.sinceMs - b.sinceMs),
      leftMs: leftMs(nowMs),
    }),
  };
}

function mean(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
}

function doingAfter(event: RotationEvent, before: string): string {
  switch (event.type) {
    case "step":
      return event.error === undefined ? NEXT[event.step] : `${event.step}: ${event.error.code}`;
    case "sent":
      return `setSecret: task ${event.taskId} has begun`;
    case "task":
      return `setSecret: task ${event.taskId} ${event.state}`;
    case "refused":
      return `setSecret: ${event.error.code}`;
    case "released":
      return before;
  }
}
