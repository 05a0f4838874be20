import type { RotationEvent, SecretResult, Step } from "../../lib/ports.ts";
import type { Watcher } from "./session.ts";

/** What comes after a step, in the words of the steps themselves. */
const NEXT: Readonly<Record<Step, string>> = {
  createSecret: "setSecret",
  setSecret: "testSecret",
  testSecret: "finishSecret",
  finishSecret: "done",
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
  /** Undefined until something has ended that tells. */
  readonly leftMs: number | undefined;
}

export interface ProgressWatcher extends Watcher {
  at(nowMs: number): Progress;
}

/** Follows a run over so many secrets from what it tells of itself. */
export function followProgress(total: number): ProgressWatcher {
  const going = new Map<string, Going>();
  const counts = new Map<SecretResult["status"], number>();
  let ended = 0;
  /** Secrets that were only looked at tell nothing of how long rotations take. */
  let worked = 0;
  let workingSinceMs: number | undefined;

  return {
    onEvent(event, atMs) {
      const { secretId } = event;
      workingSinceMs ??= atMs;
      const { sinceMs = atMs, doing: before = "" } = going.get(secretId) ?? {};
      going.set(secretId, { secretId, sinceMs, doing: doingAfter(event, before) });
    },
    onResult({ secretId, status }) {
      if (going.delete(secretId)) worked += 1;
      ended += 1;
      counts.set(status, (counts.get(status) ?? 0) + 1);
    },
    at: (nowMs) => ({
      total,
      ended,
      counts,
      going: [...going.values()].sort((a, b) => a.sinceMs - b.sinceMs),
      leftMs: worked === 0 ? undefined : ((nowMs - (workingSinceMs ?? nowMs)) * (total - ended)) / worked,
    }),
  };
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
