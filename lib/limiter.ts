import type { Clock } from "./ports.ts";

export interface LimiterOptions {
  readonly clock: Clock;
  /** Calls of a key that may start within any second. Default 20, the limit of most Tencent Cloud actions. */
  readonly perSecond?: (key: string) => number;
  /**
   * Which rotation is asking, numbered as they began. An older one goes first: its password may be in Redis already, and
   * clients wait for its promotion. Default: all are one.
   */
  readonly turn?: () => number;
  /** When it is aborted, nobody waits any more: the calls themselves fail at once, and the run can end in time. */
  readonly signal?: AbortSignal;
}

export interface Limiter {
  /** Waits until a call may start. */
  acquire(key: string): Promise<void>;
  /** The cloud has refused a call of the key as one too many: others use the same account. */
  throttled(key: string): void;
}

/** A second, and what two calls may differ in how long they travel: the cloud counts when they arrive. */
const WINDOW_MS = 1_050;
/** Refusals within it have one reason, and how long a pace must go well before it is raised. */
const ADAPT_MS = 1_000;

interface Line {
  /** The oldest rotation's first; calls of one rotation in the order in which they asked. */
  readonly waiting: { readonly turn: number; readonly go: () => void }[];
  isMoving: boolean;
  readonly startsMs: number[];
  /** Calls that may start within a window, as it stands. */
  most: number;
  cutAtMs: number;
  raisedAtMs: number;
}

/**
 * Paces calls: for each key (region and action) no second sees more of them start than `perSecond` says. A refusal halves
 * the pace of its key, at most once a second; each second without one raises it by one call, up to `perSecond` again.
 */
export function createLimiter(options: LimiterOptions): Limiter {
  const { clock, perSecond = () => 20, turn = () => 0, signal } = options;
  const lines = new Map<string, Line>();
  signal?.addEventListener("abort", () => {
    for (const { waiting } of lines.values()) for (const { go } of waiting.splice(0)) go();
  });

  const lineOf = (key: string): Line => {
    const known = lines.get(key);
    if (known !== undefined) return known;
    const line = {
      waiting: [],
      isMoving: false,
      startsMs: [],
      most: perSecond(key),
      cutAtMs: Number.NEGATIVE_INFINITY,
      raisedAtMs: 0,
    };
    lines.set(key, line);
    return line;
  };

  const recover = (line: Line, key: string): void => {
    if (line.most >= perSecond(key)) return;
    const raised = Math.floor((clock.now() - line.raisedAtMs) / ADAPT_MS);
    line.most = Math.min(perSecond(key), line.most + raised);
    line.raisedAtMs += raised * ADAPT_MS;
  };

  /** How long until a call may start. */
  const waitMs = (line: Line, key: string): number => {
    recover(line, key);
    return (line.startsMs.at(-line.most) ?? Number.NEGATIVE_INFINITY) + WINDOW_MS - clock.now();
  };

  async function move(line: Line, key: string): Promise<void> {
    if (line.isMoving) return;
    line.isMoving = true;
    let isCrowded = false;
    while (line.waiting.length > 0) {
      const ms = waitMs(line, key);
      if (ms > 0) {
        isCrowded = true;
        await clock.sleep(ms);
        continue;
      }
      line.startsMs.push(clock.now());
      if (line.startsMs.length > perSecond(key)) line.startsMs.shift();
      line.waiting.shift()?.go();
      // In a crowd they start evenly, so that an older rotation's call that comes now has not to wait for a whole second.
      if (isCrowded) await clock.sleep(WINDOW_MS / line.most);
    }
    line.isMoving = false;
  }

  return {
    acquire(key) {
      if (signal?.aborted) return Promise.resolve();
      const line = lineOf(key);
      const mine = turn();
      return new Promise((go) => {
        const before = line.waiting.findLastIndex((other) => other.turn <= mine);
        line.waiting.splice(before + 1, 0, { turn: mine, go });
        void move(line, key);
      });
    },

    throttled(key) {
      const line = lineOf(key);
      const now = clock.now();
      if (now - line.cutAtMs < ADAPT_MS) return;
      line.most = Math.max(1, Math.floor(line.most / 2));
      line.cutAtMs = now;
      line.raisedAtMs = now;
    },
  };
}
