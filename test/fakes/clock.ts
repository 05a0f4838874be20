import type { Clock } from "../../lib/ports.ts";

export interface VirtualClockOptions {
  /** Milliseconds since the epoch. Default 2026-01-01T00:00:00Z. */
  readonly startMs?: number;
  /** Jump to the next wake-up by itself as soon as nothing else is left to do. Default false. */
  readonly autoAdvance?: boolean;
}

export interface VirtualClock extends Clock {
  /** Lets time pass: wakes every sleeper on the way, in order, and lets each run until it sleeps again. */
  advance(durationMs: number): Promise<void>;
  /** How many sleep now. */
  readonly sleeping: number;
}

/**
 * Time that passes only when told to, or (`autoAdvance`) whenever everybody sleeps. Whoever waits for anything but
 * promises and this clock (sockets, timers, worker threads) is not seen: such tests use the real clock.
 */
export function createVirtualClock(options: VirtualClockOptions = {}): VirtualClock {
  let nowMs = options.startMs ?? Date.UTC(2026, 0, 1);
  let jumpPlanned = false;
  const sleepers: { readonly wakeAtMs: number; readonly wake: () => void }[] = [];

  function wakeNext(): void {
    const next = sleepers.shift();
    if (next === undefined) return;
    nowMs = Math.max(nowMs, next.wakeAtMs);
    next.wake();
  }

  function planJump(): void {
    if (jumpPlanned) return;
    jumpPlanned = true;
    // Immediates run when no promise is left to settle: everybody who could act has acted.
    setImmediate(() => {
      jumpPlanned = false;
      wakeNext();
      if (sleepers.length > 0) planJump();
    });
  }

  return {
    now: () => nowMs,

    sleep(durationMs) {
      if (durationMs <= 0) return Promise.resolve();
      return new Promise((resolve) => {
        const wakeAtMs = nowMs + durationMs;
        // The others are in order, and whoever comes last wakes last of those that wake at the same time.
        let [from, to] = [0, sleepers.length];
        while (from < to) {
          const middle = (from + to) >>> 1;
          if ((sleepers[middle]?.wakeAtMs ?? Infinity) <= wakeAtMs) from = middle + 1;
          else to = middle;
        }
        sleepers.splice(from, 0, { wakeAtMs, wake: resolve });
        if (options.autoAdvance === true) planJump();
      });
    },

    async advance(durationMs) {
      const untilMs = nowMs + durationMs;
      await settle();
      while (sleepers[0] !== undefined && sleepers[0].wakeAtMs <= untilMs) {
        wakeNext();
        await settle();
      }
      nowMs = Math.max(nowMs, untilMs);
    },

    get sleeping() {
      return sleepers.length;
    },
  };
}

function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
