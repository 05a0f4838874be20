import type { Clock } from "./ports.ts";

export interface LimiterOptions {
  readonly clock: Clock;
  /** Calls that may start within any second, for each key. Default 20, the limit of most Tencent Cloud actions. */
  readonly perSecond?: number;
}

export interface Limiter {
  /** Waits until a call may start. Calls of one key start in the order in which they asked. */
  acquire(key: string): Promise<void>;
}

/** Paces calls: for each key (region and action) no second sees more than `perSecond` of them start. */
export function createLimiter({ clock, perSecond = 20 }: LimiterOptions): Limiter {
  const lines = new Map<string, { last: Promise<void>; readonly startsMs: number[] }>();

  async function start(startsMs: number[]): Promise<void> {
    const freeAtMs = (startsMs.at(-perSecond) ?? Number.NEGATIVE_INFINITY) + 1000;
    while (clock.now() < freeAtMs) await clock.sleep(freeAtMs - clock.now());
    startsMs.push(clock.now());
    if (startsMs.length > perSecond) startsMs.shift();
  }

  return {
    acquire(key) {
      const line = lines.get(key) ?? { last: Promise.resolve(), startsMs: [] };
      lines.set(key, line);
      line.last = line.last.then(() => start(line.startsMs));
      return line.last;
    },
  };
}
