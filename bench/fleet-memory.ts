import type { FleetWorld } from "../test/fakes/fleet-world.ts";

const MEGABYTE = 1_000_000;

/**
 * What a rotation holds while it runs. The clouds are in the same process and keep every call; what they hold when all is over,
 * by the calls made until then, is taken off each sample. Needs `node --expose-gc`.
 */
export function watchMemory(world: FleetWorld, every: number) {
  const before = held();
  const calls = () => world.tencentCalls + world.storeCalls;
  const samples: { readonly bytes: number; readonly calls: number }[] = [];
  let seen = 0;
  return {
    sample() {
      seen += 1;
      if (seen % every === 0) samples.push({ bytes: held(), calls: calls() });
    },
    peakMegabytes(): number {
      const perCall = (held() - before) / calls();
      const own = samples.map((sample) => sample.bytes - before - sample.calls * perCall);
      return Math.max(0, ...own) / MEGABYTE;
    },
  };
}

function held(): number {
  if (globalThis.gc === undefined) return Number.NaN;
  globalThis.gc();
  return process.memoryUsage().heapUsed;
}
