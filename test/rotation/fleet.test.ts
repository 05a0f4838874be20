import { describe, expect, it } from "vitest";
import type { SecretResult } from "../../lib/ports.ts";
import { rotateFleet } from "../../lib/rotation/fleet.ts";
import { createFleetWorld } from "../fakes/fleet-world.ts";
import { optionsOf, refusing, rotate, sent, tally } from "./fleet-runs.ts";

const DAY_MS = 86_400_000;

describe("a large fleet", () => {
  it("is rotated as fast as the clouds allow, and asks for no call too many", async () => {
    const world = createFleetWorld({
      size: 1_000,
      taskDurationMs: () => 8_000 + (world.clock.now() % 2_000),
    });
    const startedAt = world.clock.now();
    const results = await rotate(world, world.run());
    expect(tally(results)).toEqual({ rotated: 1_000 });
    expect(results.map(({ secretId }) => secretId)).toEqual(world.names);
    expect(world.rotated()).toHaveLength(1_000);
    expect(sent(world)).toHaveLength(1_000);
    expect(world.throttled).toBe(0);
    // Four changes of labels and values for each at fifty a second, a canary's task, and the last one's.
    expect((world.clock.now() - startedAt) / 1_000).toBeLessThan(1.1 * ((4 * 1_000) / 50 + 2 * 10));
    // Clients wait for a promotion, so it waits for nothing that has just begun.
    const windows = results.map(({ exposureMs }) => exposureMs ?? Number.NaN).sort((a, b) => a - b);
    expect(windows[500]).toBeLessThan(1_500);
    expect(windows[999]).toBeLessThan(3_000);
  }, 60_000);

  it("gets through where others use up three quarters of the account's calls", async () => {
    const world = createFleetWorld({ size: 300, cloudCallsPerSecond: 5 });
    expect(tally(await rotate(world, world.run()))).toEqual({ rotated: 300 });
    expect(world.rotated()).toHaveLength(300);
    const refused = world.throttled / world.tencentDb.calls.length;
    expect(refused).toBeGreaterThan(0);
    expect(refused).toBeLessThan(0.2);
  }, 60_000);

  it("goes on past secrets that fail for reasons of their own", async () => {
    const isBad = (index: number) => index % 10 === 3;
    const world = createFleetWorld({
      size: 300,
      fields: (index) => (isBad(index) ? { password: "not-the-one-1", host: "10.9.9.9" } : {}),
    });
    const results = await rotate(world, world.run());
    expect(tally(results)).toEqual({ rotated: 270, "failed RedisUnreachable": 30 });
    expect(results.every(({ status }, index) => (status === "failed") === isBad(index))).toBe(true);
  }, 60_000);

  it("is begun by one and not gone on with where a policy forbids it for all", async () => {
    const world = createFleetWorld({ size: 1_000 });
    const context = world.run();
    const controlPlane = refusing(context.controlPlane, () => true);
    const results = await rotate(world, { ...context, controlPlane });
    expect(tally(results)).toEqual({ "failed AccessDenied": 4, "planned FleetStopped": 996 });
    expect(results.find(({ error }) => error?.code === "FleetStopped")?.error).toMatchObject({
      effect: "none",
      message: expect.stringMatching(
        /AccessDenied: ResetPassword: not authorised.*the next run begins with/s,
      ),
    });
    expect(sent(world)).toEqual([]);
    // Nothing is left behind that the next run would have to clear up.
    const next = await rotateFleet(world.run(), world.names.slice(0, 50), optionsOf(world));
    expect(tally(next)).toEqual({ rotated: 50 });
  }, 60_000);

  it("is given up in the middle where the reason comes up then", async () => {
    const world = createFleetWorld({ size: 1_000 });
    const context = world.run();
    const controlPlane = refusing(context.controlPlane, () => sent(world).length >= 300);
    const results = await rotate(world, { ...context, controlPlane }, { concurrency: 50 });
    const { rotated = 0, "failed AccessDenied": failed = 0, "planned FleetStopped": left } = tally(results);
    expect(rotated).toBe(sent(world).length);
    expect(world.rotated()).toHaveLength(rotated);
    // Those that were under way, and three more that were tried one after the other.
    expect(failed).toBeLessThanOrEqual(50 + 3);
    expect(left).toBe(1_000 - rotated - failed);
    const next = await rotateFleet(world.run(), world.names.slice(-50), optionsOf(world));
    expect(world.rotated()).toHaveLength(rotated + (tally(next).rotated ?? 0));
  }, 60_000);

  it("is rotated in three runs where the time of one is too short, the oldest first, each once", async () => {
    const world = createFleetWorld({ size: 1_000, ageMs: (index) => (40 + ((index * 7) % 1_000)) * DAY_MS });
    const age = new Map(world.names.map((name, index) => [name, (index * 7) % 1_000]));
    const runs: SecretResult[][] = [];
    while (runs.length < 3) runs.push(await rotate(world, world.run(90_000)));
    const done = runs.map((results) => results.filter(({ status }) => status === "rotated"));
    expect(done.reduce((sum, { length }) => sum + length, 0)).toBe(1_000);
    expect(tally(runs[0] ?? [])["in-progress InProgress"]).toBeGreaterThan(0);
    expect(world.rotated()).toHaveLength(1_000);
    expect(new Set(sent(world)).size).toBe(sent(world).length);
    const ages = done.map((results) => results.map(({ secretId }) => age.get(secretId) ?? Number.NaN));
    expect(Math.min(...(ages[0] ?? []))).toBeGreaterThan(Math.max(...(ages[2] ?? [])));
    // What has no turn any more is not begun: nothing waits half done for the next run.
    expect(runs.flat().filter(({ error }) => error && error.effect !== "none")).toEqual([]);
  }, 60_000);
});

describe("a fleet", () => {
  it("is spread over the stagger, each secret always at the same distance", async () => {
    const world = createFleetWorld({ size: 200, ageMs: () => 33 * DAY_MS });
    const due = tally(await rotate(world, world.run(), { staggerDays: 6 }));
    expect(due.rotated).toBeGreaterThan(60);
    expect(due["not-due"]).toBeGreaterThan(60);
    const later = await rotate(world, world.run(), { staggerDays: 6 });
    expect(tally(later)).toEqual({ "not-due": 200 });
  });

  it("shares its calls: the more secrets, the fewer for each", async () => {
    const callsEach = async (size: number) => {
      const world = createFleetWorld({ size });
      await rotate(world, world.run(), { canary: 0 });
      return world.tencentDb.calls.length / size;
    };
    const [one, ten, hundred] = [await callsEach(1), await callsEach(10), await callsEach(100)];
    expect(ten).toBeLessThan(one);
    expect(hundred).toBeLessThan(ten);
    expect(hundred).toBeLessThan(5);
  });
});
