import { describe, expect, it } from "vitest";
import { rotateFleet } from "../../lib/rotation/fleet.ts";
import { createFleetWorld } from "../fakes/fleet-world.ts";
import { optionsOf, refusing, rotate, tally } from "./fleet-runs.ts";

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;

describe("a fleet with what is half done, broken or slow", () => {
  it("is not held up by what cannot end, run after run", async () => {
    const world = createFleetWorld({ size: 5, ageMs: (index) => (60 - index) * DAY_MS });
    world.tencentDb.planNextTask({ durationMs: Number.POSITIVE_INFINITY }, "crs-00000000");
    const [first, ...others] = await rotate(world, world.run(5 * MINUTE_MS));
    expect([first?.status, tally(others)]).toEqual(["in-progress", { rotated: 4 }]);
    const again = await rotate(world, world.run(5 * MINUTE_MS), { intervalDays: 0 });
    expect(tally(again)).toEqual({ "in-progress InProgress": 1, rotated: 4 });
  });

  it("gets on although more secrets are broken than are tried, and they are the oldest", async () => {
    const world = createFleetWorld({
      size: 12,
      ageMs: (index) => (60 - index) * DAY_MS,
      fields: (index) => (index < 10 ? { password: "not-the-one-1", host: "10.9.9.9" } : {}),
    });
    await rotate(world, world.run());
    expect(world.rotated()).toEqual(world.names.slice(10));
  });

  it("hands over nothing that is half done, and promotes it past canaries that fail", async () => {
    const world = createFleetWorld({ size: 20 });
    const dying = world.run();
    const crash = () => Promise.reject(new Error("the process died"));
    const cut = { ...dying, store: { ...dying.store, promote: crash } };
    await rotateFleet(cut, world.names.slice(0, 5), optionsOf(world, { canary: 0 }));
    expect(world.rotated()).toEqual([]);

    const context = world.run();
    const controlPlane = refusing(context.controlPlane, () => true);
    const handOver = () => Promise.reject(new Error("must not be called"));
    const results = await rotate(world, { ...context, controlPlane }, { handOver });
    expect(tally(results)).toEqual({ rotated: 5, "failed AccessDenied": 4, "planned FleetStopped": 11 });
    expect(world.rotated()).toEqual(world.names.slice(0, 5));
  });

  it("tells that what is half done and has no time left may have changed Redis", async () => {
    const world = createFleetWorld({ size: 3 });
    const dying = world.run();
    const crash = () => Promise.reject(new Error("the process died"));
    const cut = { ...dying, store: { ...dying.store, promote: crash } };
    await rotateFleet(cut, world.names.slice(0, 1), optionsOf(world, { canary: 0 }));
    const results = await rotate(world, world.run(30_000));
    expect(results.map(({ status, error }) => [status, error?.effect])).toEqual([
      ["in-progress", "unknown"],
      ["in-progress", "none"],
      ["in-progress", "none"],
    ]);
  });

  it("carries on with the half-done one of two secrets that are for the same account", async () => {
    const twin = { instanceId: "crs-00000000", host: "10.0.0.0" };
    const world = createFleetWorld({ size: 2, fields: (index) => (index === 1 ? twin : {}) });
    const dying = world.run();
    const crash = () => Promise.reject(new Error("the process died"));
    const cut = { ...dying, store: { ...dying.store, promote: crash } };
    await rotateFleet(cut, world.names.slice(0, 1), optionsOf(world, { canary: 0 }));
    const results = await rotate(world, world.run());
    expect(tally(results)).toEqual({ rotated: 1, "failed SecretInvalid": 1 });
    expect(world.rotated()).toEqual([world.names[0]]);
  });

  it("carries on with neither of two half-done ones that are for the same account", async () => {
    const twin = { instanceId: "crs-00000000", host: "10.0.0.0" };
    const world = createFleetWorld({ size: 2, fields: (index) => (index === 1 ? twin : {}) });
    const crash = () => Promise.reject(new Error("the process died"));
    for (const name of world.names) {
      const dying = world.run();
      const cut = { ...dying, store: { ...dying.store, promote: crash } };
      await rotateFleet(cut, [name], optionsOf(world, { canary: 0 }));
    }
    expect(tally(await rotate(world, world.run()))).toEqual({ "failed SecretInvalid": 2 });
    expect(world.rotated()).toEqual([]);
  });
});
