import { describe, expect, it } from "vitest";
import type { RotationEvent } from "../../lib/ports.ts";
import type { Context } from "../../lib/rotation/context.ts";
import { rotateSecret } from "../../lib/rotation/rotate.ts";
import { createFleetWorld } from "../fakes/fleet-world.ts";
import { DUE, rotated } from "./expectations.ts";
import { rotate, tally } from "./fleet-runs.ts";
import { createRig, NAME } from "./rig.ts";

/** The context of a run whose time becomes as short as `leaveMs` at the first event of this kind. */
function stoppedAt(context: Context, isTime: (event: RotationEvent) => boolean, leaveMs: number): Context {
  let stopAt = Number.POSITIVE_INFINITY;
  return {
    ...context,
    deadline: () => Math.min(context.deadline(), stopAt),
    observe: (event) => {
      if (isTime(event)) stopAt = Math.min(stopAt, context.clock.now() + leaveMs);
    },
  };
}

const created = ({ type, ...event }: RotationEvent) =>
  type === "step" && "step" in event && event.step === "createSecret";
const sent = ({ type }: RotationEvent) => type === "sent";

describe("a run that is stopped from outside", () => {
  it("sends nothing with less than thirty seconds left", async () => {
    const rig = createRig();
    expect(await rotateSecret(stoppedAt(rig.context, created, 29_000), NAME, DUE)).toMatchObject({
      status: "in-progress",
      error: { code: "InProgress", effect: "none" },
    });
    expect(rig.calls("ResetPassword")).toBe(0);
    await rotated(rig);
  });

  it("sees a password through that has been sent", async () => {
    const rig = createRig();
    const result = await rotateSecret(stoppedAt(rig.context, sent, 29_000), NAME, DUE);
    expect(result).toMatchObject({ status: "rotated" });
    expect(rig.opens(rig.passwordAt("AWSCURRENT"))).toBe(true);
  });

  it("leaves a task to the next run where it has no time at all, which sends nothing again", async () => {
    const rig = createRig();
    expect(await rotateSecret(stoppedAt(rig.context, sent, 0), NAME, DUE)).toMatchObject({
      status: "in-progress",
      error: { code: "InProgress", effect: "unknown" },
    });
    await rotated(rig);
    expect(rig.calls("ResetPassword")).toBe(1);
  });

  it("begins with no further secret of a fleet, and ends those that it has begun", async () => {
    const world = createFleetWorld({ size: 200 });
    let sends = 0;
    const isTime = (event: RotationEvent) => sent(event) && ++sends === 20;
    const results = await rotate(world, stoppedAt(world.run(), isTime, 29_000));
    const counts = tally(results);
    expect(Object.keys(counts).sort()).toEqual(["in-progress InProgress", "rotated"]);
    expect(counts.rotated).toBeGreaterThanOrEqual(20);
    expect(counts.rotated).toBeLessThan(100);
    expect(world.rotated()).toHaveLength(counts.rotated ?? 0);
    expect(tally(await rotate(world, world.run()))).toMatchObject({ rotated: 200 - (counts.rotated ?? 0) });
  });
});
