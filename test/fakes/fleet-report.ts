import type { Report, TimedEvent } from "../../handler/report/report.ts";
import { RotationError } from "../../lib/errors.ts";
import { summarize } from "../../lib/rotation/answer.ts";
import type { Context } from "../../lib/rotation/context.ts";
import { rotateFleet } from "../../lib/rotation/fleet.ts";
import { optionsOf, refusing } from "../rotation/fleet-runs.ts";
import { createFleetWorld, type FleetWorld } from "./fleet-world.ts";

/** Of every hundred secrets, the one whose password may not be changed. */
const REFUSED = 3;
/** The one that is not made current: Redis has its new password, the secret names the old one. */
export const LEFT_APART = 5;

const REGIONS = ["ap-guangzhou", "ap-singapore", "eu-frankfurt"];

/** The report of a fleet that was rotated in virtual time. */
export async function fleetReport(
  size: number,
): Promise<{ readonly report: Report; readonly world: FleetWorld }> {
  let drawn = 0;
  const taskDurationMs = () => {
    drawn += 1;
    return 6_000 + ((drawn * 1_237) % 5_000);
  };
  const world = createFleetWorld({ size, regions: REGIONS, taskDurationMs });
  const numberOf = (secretId: string) => world.names.indexOf(secretId) % 100;
  const run = world.run();
  const events: TimedEvent[] = [];
  const context: Context = {
    ...run,
    controlPlane: refusing(run.controlPlane, (instanceId) => numberOf(`redis-${instanceId}`) === REFUSED),
    store: {
      ...run.store,
      async promote(secretId, versionId, from) {
        if (numberOf(secretId) !== LEFT_APART) return run.store.promote(secretId, versionId, from);
        const message = `UpdateSecretVersionStage of ${secretId}: not authorised`;
        throw new RotationError("StoreDenied", message, { effect: "none" });
      },
    },
    observe: (event) => events.push({ at: world.clock.now(), event }),
  };
  const startedAt = world.clock.now();
  const results = await rotateFleet(context, world.names, optionsOf(world));
  const answer = summarize("rotate", results);
  return { report: { startedAt, endedAt: world.clock.now(), answer, events }, world };
}
