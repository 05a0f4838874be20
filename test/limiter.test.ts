import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createLimiter, type Limiter } from "../lib/limiter.ts";
import type { Clock } from "../lib/ports.ts";
import { createVirtualClock, type VirtualClock } from "./fakes/clock.ts";

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

it("starts the first calls at once and the others evenly, in the order of asking", async () => {
  const clock = createVirtualClock();
  const limiter = createLimiter({ clock, perSecond: () => 2 });
  const calls = ask(clock, () => limiter.acquire("ap-guangzhou/ResetPassword"), 5);

  await clock.advance(0);
  expect(startsOf(calls)).toEqual([0, 0]);
  await clock.advance(1049);
  expect(startsOf(calls)).toEqual([0, 0]);
  await clock.advance(3000);
  expect(startsOf(calls)).toEqual([0, 0, 1050, 1575, 2100]);
  expect(calls.map(({ name }) => name)).toEqual([0, 1, 2, 3, 4]);
});

it("lets an older rotation's call go before those that wait", async () => {
  const clock = createVirtualClock();
  let turn = 0;
  const limiter = createLimiter({ clock, perSecond: () => 1, turn: () => turn });
  const order: string[] = [];
  const askAs = (mine: number, name: string) => {
    turn = mine;
    void limiter.acquire("key").then(() => order.push(name));
  };
  askAs(7, "first");
  askAs(7, "7a");
  askAs(9, "9");
  askAs(7, "7b");
  askAs(3, "3");
  await clock.advance(60_000);
  expect(order).toEqual(["first", "3", "7a", "7b", "9"]);
});

it("lets 20 calls start in a second by default", async () => {
  const clock = createVirtualClock();
  const limiter = createLimiter({ clock });
  const calls = ask(clock, () => limiter.acquire("ap-guangzhou/ResetPassword"), 21);

  await clock.advance(1049);
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
  expect(real.now() - sinceMs).toBe(1050);
});

it("counts from the real start of a call that was woken late", async () => {
  const real = createVirtualClock({ autoAdvance: true });
  const late: Clock = { now: real.now, sleep: (durationMs) => real.sleep(durationMs + 700) };
  const limiter = createLimiter({ clock: late, perSecond: () => 1 });
  const sinceMs = real.now();

  await limiter.acquire("key");
  await limiter.acquire("key");
  await limiter.acquire("key");
  expect(real.now() - sinceMs).toBe(3500);
});

it("never lets more calls start in a second than allowed, nor waits for more than a place", async () => {
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
      await clock.advance(pauses.length * 1_100);

      expect(started).toHaveLength(asked.length);
      for (const [index, startedMs] of started.entries()) {
        const earlier = started[index - perSecond] ?? Number.NEGATIVE_INFINITY;
        expect(startedMs - earlier).toBeGreaterThanOrEqual(1_050);
        const [askedMs = 0, place = 0] = [asked[index], started[index - 1]];
        expect(startedMs).toBeLessThanOrEqual(Math.max(askedMs, earlier + 1_050, place + 1_050 / perSecond));
      }
    }),
    { numRuns: 50 },
  );
});

it("lets all go at once when the run's time is over", async () => {
  const clock = createVirtualClock();
  const over = new AbortController();
  const limiter = createLimiter({ clock, perSecond: () => 1, signal: over.signal });
  const calls = ask(clock, () => limiter.acquire("key"), 50);
  await clock.advance(0);
  expect(calls).toHaveLength(1);
  over.abort();
  await clock.advance(0);
  expect(calls).toHaveLength(50);
  const late = ask(clock, () => limiter.acquire("other"), 5);
  await clock.advance(0);
  expect(late).toHaveLength(5);
});

describe("after a refusal", () => {
  async function pace(clock: VirtualClock, limiter: Limiter): Promise<number> {
    const calls = ask(clock, () => limiter.acquire("key"), 40);
    await clock.advance(0);
    return calls.length;
  }

  it("starts half as many calls in a second, and one more with each second that goes well", async () => {
    const clock = createVirtualClock();
    const limiter = createLimiter({ clock });
    limiter.throttled("key");
    const calls = ask(clock, () => limiter.acquire("key"), 100);
    await clock.advance(0);
    expect(calls).toHaveLength(10);
    await clock.advance(2_099);
    expect(calls).toHaveLength(10 + 12);
    await clock.advance(60_000);
    expect(await pace(clock, limiter)).toBe(20);
  });

  it("counts many refusals of one second once", async () => {
    const clock = createVirtualClock();
    const limiter = createLimiter({ clock });
    for (let times = 0; times < 5; times += 1) limiter.throttled("key");
    expect(await pace(clock, limiter)).toBe(10);
  });

  it("goes down to one call a second, never to none, and leaves other keys alone", async () => {
    const clock = createVirtualClock();
    const limiter = createLimiter({ clock });
    for (let times = 0; times < 9; times += 1) {
      limiter.throttled("key");
      await clock.advance(1000);
    }
    limiter.throttled("key");
    expect(await pace(clock, limiter)).toBe(1);
    const others = ask(clock, () => limiter.acquire("other"), 40);
    await clock.advance(0);
    expect(others).toHaveLength(20);
  });
});
