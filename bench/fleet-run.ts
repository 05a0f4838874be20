/**
 * Rotates one fleet in memory and virtual time, in a process of its own so that its memory can be told, and prints what came
 * of it as one line of JSON: `fleet-run <way> <store> <size>`.
 */
import { rotateFleet } from "../lib/rotation/fleet.ts";
import { createFleetWorld } from "../test/fakes/fleet-world.ts";
import { plainRotation } from "./plain-rotation.ts";
import { quantile } from "./report.ts";

/** What one fleet's rotation was like. */
export interface FleetFigures {
  readonly seconds: number;
  readonly rotated: number;
  /** Requests that the cloud refused as one too many. */
  readonly refused: number;
  /** API calls to TencentDB and to the secret manager, each by the number of secrets. */
  readonly tencentCalls: number;
  readonly storeCalls: number;
  readonly medianExposureMs: number;
  readonly longestExposureMs: number;
  /** The most that the process had in memory, the clouds that it plays included, in MB. */
  readonly peakMegabytes: number;
}

export type Way = "fleet" | "fleet with a canary" | "plain loop" | "plain Promise.all";
export type Store = "aws" | "ssm" | "unlimited";

/** From the call to the end of the task. */
export const TASK_MS = 9_000;

const [way, store, size] = process.argv.slice(2) as [Way, Store, string];
const world = createFleetWorld({ size: Number(size), store, taskDurationMs: TASK_MS });
const startedAt = world.clock.now();
const exposures: number[] = [];
if (way === "plain loop") {
  for (const [index] of world.names.entries()) exposures.push(await plainRotation(world, index));
} else if (way === "plain Promise.all") {
  const ended = await Promise.allSettled(world.names.map((_, index) => plainRotation(world, index)));
  for (const each of ended) if (each.status === "fulfilled") exposures.push(each.value);
} else {
  await rotateFleet(world.run(24 * 3_600_000), world.names, {
    intervalDays: 30,
    force: false,
    canary: way === "fleet" ? 0 : 1,
    breaker: 5,
    concurrency: 300,
    apart: world.apart,
    onResult: ({ exposureMs }) => exposureMs !== undefined && exposures.push(exposureMs),
  });
}
const figures: FleetFigures = {
  seconds: (world.clock.now() - startedAt) / 1_000,
  rotated: world.rotated().length,
  refused: world.throttled,
  tencentCalls: world.tencentCalls / Number(size),
  storeCalls: world.storeCalls / Number(size),
  medianExposureMs: exposures.length === 0 ? Number.NaN : quantile(exposures, 0.5),
  longestExposureMs: exposures.length === 0 ? Number.NaN : quantile(exposures, 1),
  peakMegabytes: process.resourceUsage().maxRSS / 1_024,
};
console.log(JSON.stringify(figures));
