import type { Clock } from "./ports.ts";

export interface LimiterOptions {
  readonly clock: Clock;
  /** Calls of a key that may start within any second. Default 20, the limit of most Tencent Cloud actions. */
  readonly perSecond?: (key: string) => number;
}

export interface Limiter {
  /** Waits until a call may start. Calls of one key start in the order in which they asked. */
  acquire(key: string): Promise<void>;
}

/** Paces calls: for each key (region and action) no second sees more of them start than `perSecond` says. */
export function createLimiter({ clock, perSecond = () => 20 }: LimiterOptions): Limiter {
  const lines = new Map<string, { last: Promise<void>; readonly startsMs: number[] }>();

  async function start(startsMs: number[], most: number): Promise<void> {
    const freeAtMs = (startsMs.at(-most) ?? Number.NEGATIVE_INFINITY) + 1000;
    while (clock.now() < freeAtMs) await clock.sleep(freeAtMs - clock.now());
    startsMs.push(clock.now());
    if (startsMs.length > most) startsMs.shift();
  }

  return {
    acquire(key) {
      const line = lines.get(key) ?? { last: Promise.resolve(), startsMs: [] };
      lines.set(key, line);
      line.last = line.last.then(() => start(line.startsMs, perSecond(key)));
      return line.last;
    },
  };
}
