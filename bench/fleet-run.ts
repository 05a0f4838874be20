/**
 * Rotates one fleet in memory and virtual time, in a process of its own so that its memory can be told, and prints what came
 * of it as one line of JSON: `fleet-run <way> <store> <size>`.
 */
import { rotateFleet } from "../lib/rotation/fleet.ts";
import { createFleetWorld } from "../test/fakes/fleet-world.ts";
import { type FleetFigures, type Store, TASK_MS, type Way } from "./fleet-figures.ts";
import { watchMemory } from "./fleet-memory.ts";
import { plainRotation } from "./plain-rotation.ts";
import { quantile } from "./report.ts";

const SAMPLES = 50;

const [way, store, size] = process.argv.slice(2) as [Way, Store, string];
const world = createFleetWorld({ size: Number(size), store, taskDurationMs: TASK_MS });
const startedAt = world.clock.now();
const exposures: number[] = [];
const memory = watchMemory(world, Math.ceil(Number(size) / SAMPLES));
if (way === "plain loop") {
  for (const index of world.names.keys()) exposures.push(await rotatePlainly(index));
} else if (way === "plain Promise.all") {
  const ended = await Promise.allSettled(world.names.map((_, index) => rotatePlainly(index)));
  for (const each of ended) if (each.status === "fulfilled") exposures.push(each.value);
} else {
  await rotateFleet(world.run(24 * 3_600_000), world.names, {
    intervalDays: 30,
    force: false,
    canary: way === "fleet" ? 0 : 1,
    breaker: 5,
    concurrency: 300,
    apart: world.apart,
    perSecond: world.perSecond,
    onResult({ exposureMs }) {
      if (exposureMs !== undefined) exposures.push(exposureMs);
      memory.sample();
    },
  });
}
/** How long the secret held a password that did not open Redis, in milliseconds. */
async function rotatePlainly(index: number): Promise<number> {
  await plainRotation(world.unpaced, world.names[index] ?? "");
  return world.clock.now() - world.changedAt(index);
}

const figures: FleetFigures = {
  seconds: (world.clock.now() - startedAt) / 1_000,
  rotated: world.rotated().length,
  refused: world.throttled,
  tencentCalls: world.tencentCalls / Number(size),
  storeCalls: world.storeCalls / Number(size),
  medianExposureMs: exposures.length === 0 ? Number.NaN : quantile(exposures, 0.5),
  longestExposureMs: exposures.length === 0 ? Number.NaN : quantile(exposures, 1),
  peakMegabytes: memory.peakMegabytes(),
};
console.log(JSON.stringify(figures));
