import { describe, expect, it } from "vitest";
import { createVirtualClock } from "./clock.ts";

describe("the virtual clock", () => {
  it("wakes sleepers in the order of their times, each at its own time", async () => {
    const clock = createVirtualClock({ startMs: 0 });
    const woken: [string, number][] = [];
    const sleeper = async (name: string, durationMs: number, thenMs: number) => {
      await clock.sleep(durationMs);
      woken.push([name, clock.now()]);
      await clock.sleep(thenMs);
      woken.push([name, clock.now()]);
    };
    const all = Promise.all([sleeper("late", 50, 10), sleeper("early", 10, 20)]);
    await clock.advance(55);
    expect(woken).toEqual([
      ["early", 10],
      ["early", 30],
      ["late", 50],
    ]);
    expect([clock.now(), clock.sleeping]).toEqual([55, 1]);
    await clock.advance(5);
    await all;
  });

  it("jumps to the next wake-up by itself once everybody sleeps", async () => {
    const clock = createVirtualClock({ startMs: 0, autoAdvance: true });
    const order: string[] = [];
    const worker = async (name: string, durationsMs: number[]) => {
      for (const durationMs of durationsMs) {
        await clock.sleep(durationMs);
        order.push(`${name} ${clock.now()}`);
      }
    };
    await Promise.all([worker("a", [1_000, 3_600_000]), worker("b", [500, 1_000])]);
    expect(order).toEqual(["b 500", "a 1000", "b 1500", "a 3601000"]);
  });

  it("does not wait where nothing is to be waited for", async () => {
    const clock = createVirtualClock({ startMs: 7 });
    await clock.sleep(0);
    expect(clock.now()).toBe(7);
  });
});
