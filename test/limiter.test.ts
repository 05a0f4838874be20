import fc from "fast-check";
import { expect, it } from "vitest";
import { createLimiter } from "../lib/limiter.ts";
import type { Clock } from "../lib/ports.ts";
import { createVirtualClock } from "./fakes/clock.ts";

interface Call {
  readonly name: number;
  readonly atMs: number;
}

/** Asks for `count` calls at once; `calls` fills with them as they start. */
function ask(clock: Clock, acquire: () => Promise<void>, count: number): Call[] {
  const calls: Call[] = [];
  const sinceMs = clock.now();
  for (let name = 0; name < count; name++) {
    void acquire().then(() => calls.push({ name, atMs: clock.now() - sinceMs }));
  }
  return calls;
}

const startsOf = (calls: readonly Call[]) => calls.map(({ atMs }) => atMs);

it("starts the first calls of a second at once and the others a second later, in the order of asking", async () => {
  const clock = createVirtualClock();
  const limiter = createLimiter({ clock, perSecond: () => 2 });
  const calls = ask(clock, () => limiter.acquire("ap-guangzhou/ResetPassword"), 5);

  await clock.advance(0);
  expect(startsOf(calls)).toEqual([0, 0]);
  await clock.advance(999);
  expect(startsOf(calls)).toEqual([0, 0]);
  await clock.advance(1);
  expect(startsOf(calls)).toEqual([0, 0, 1000, 1000]);
  await clock.advance(1000);
  expect(startsOf(calls)).toEqual([0, 0, 1000, 1000, 2000]);
  expect(calls.map(({ name }) => name)).toEqual([0, 1, 2, 3, 4]);
});

it("lets 20 calls start in a second by default", async () => {
  const clock = createVirtualClock();
  const limiter = createLimiter({ clock });
  const calls = ask(clock, () => limiter.acquire("ap-guangzhou/ResetPassword"), 21);

  await clock.advance(999);
  expect(calls).toHaveLength(20);
  await clock.advance(1);
  expect(calls).toHaveLength(21);
});

it("paces every key by itself", async () => {
  const clock = createVirtualClock();
  const limiter = createLimiter({ clock, perSecond: () => 1 });
  const guangzhou = ask(clock, () => limiter.acquire("ap-guangzhou/ResetPassword"), 2);
  const shanghai = ask(clock, () => limiter.acquire("ap-shanghai/ResetPassword"), 1);

  await clock.advance(0);
  expect([guangzhou.length, shanghai.length]).toEqual([1, 1]);
});

it("waits on where the clock wakes it too early", async () => {
  const real = createVirtualClock({ autoAdvance: true });
  const hasty: Clock = { now: real.now, sleep: (durationMs) => real.sleep(Math.ceil(durationMs / 2)) };
  const limiter = createLimiter({ clock: hasty, perSecond: () => 1 });
  const sinceMs = real.now();

  await limiter.acquire("key");
  await limiter.acquire("key");
  expect(real.now() - sinceMs).toBe(1000);
});

it("counts from the real start of a call that was woken late", async () => {
  const real = createVirtualClock({ autoAdvance: true });
  const late: Clock = { now: real.now, sleep: (durationMs) => real.sleep(durationMs + 700) };
  const limiter = createLimiter({ clock: late, perSecond: () => 1 });
  const sinceMs = real.now();

  await limiter.acquire("key");
  await limiter.acquire("key");
  await limiter.acquire("key");
  expect(real.now() - sinceMs).toBe(3400);
});

it("never lets more calls start in a second than allowed, nor wait while one is free", async () => {
  const pausesMs = fc.array(fc.integer({ min: 0, max: 600 }), { minLength: 1, maxLength: 30 });
  await fc.assert(
    fc.asyncProperty(pausesMs, fc.integer({ min: 1, max: 4 }), async (pauses, perSecond) => {
      const clock = createVirtualClock();
      const limiter = createLimiter({ clock, perSecond: () => perSecond });
      const asked: number[] = [];
      const started: number[] = [];
      for (const pauseMs of pauses) {
        await clock.advance(pauseMs);
        asked.push(clock.now());
        void limiter.acquire("key").then(() => started.push(clock.now()));
      }
      await clock.advance(pauses.length * 1000);

      const earliest: number[] = [];
      for (const [index, askedMs] of asked.entries()) {
        earliest.push(Math.max(askedMs, (earliest[index - perSecond] ?? Number.NEGATIVE_INFINITY) + 1000));
      }
      expect(started).toEqual(earliest);
    }),
    { numRuns: 50 },
  );
});
