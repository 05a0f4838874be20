import { describe, expect, it } from "vitest";
import { planSecret } from "../../lib/rotation/inspect.ts";
import { rotateSecret } from "../../lib/rotation/rotate.ts";
import { createRig, DAY_MS, NAME } from "./rig.ts";

/** Days from now until the secret of 40 days falls due. */
async function dueInDays(name: string, staggerDays: number): Promise<number> {
  const rig = createRig({ ageMs: 40 * DAY_MS });
  const store = {
    ...rig.store,
    describe: async (secretId: string) => ({ ...(await rig.store.describe(secretId)), name }),
  };
  const { dueAt = "" } = await planSecret(rig.run({ store }), NAME, {
    intervalDays: 30,
    staggerDays,
    force: false,
  });
  return (Date.parse(dueAt) - rig.clock.now()) / DAY_MS;
}

describe("a secret falls due", () => {
  it("after the interval, where nothing is staggered", async () => {
    expect(await dueInDays(NAME, 0)).toBe(-10);
  });

  it("never before the interval and never after the stagger, at a time that its name alone decides", async () => {
    const names = Array.from({ length: 200 }, (_, index) => `redis/orders-${index}`);
    const days = await Promise.all(names.map((name) => dueInDays(name, 10)));
    expect(Math.min(...days)).toBeGreaterThanOrEqual(-10);
    expect(Math.max(...days)).toBeLessThan(0);
    expect(await dueInDays("redis/orders-7", 10)).toBe(days[7]);
    // Evenly: each tenth of the time gets about a tenth of the fleet.
    const tenths = Array.from(
      { length: 10 },
      (_, tenth) => days.filter((day) => Math.floor(day + 10) === tenth).length,
    );
    for (const count of tenths) expect(count).toBeGreaterThan(5);
  });

  it.each([
    [true, false, "rotated"],
    [false, false, "not-due"],
    [false, true, "rotated"],
  ])("and is rotated where the window is open (%s) or by force (%s): %s", async (isOpen, force, status) => {
    const rig = createRig();
    const options = { intervalDays: 30, window: () => isOpen, force };
    expect(await rotateSecret(rig.run(), NAME, options)).toMatchObject({ status });
  });
});
