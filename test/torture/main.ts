/** Runs every proof at its full size: `npm run torture`; `npm run torture -- crash` runs those with that in their names. */
import Table from "cli-table3";
import { crashMatrix } from "./crash-matrix.ts";
import { errorMatrix } from "./error-matrix.ts";
import { runExploration } from "./explore.ts";
import { SSM_FLOWS } from "./flows.ts";
import { runHistories } from "./histories.ts";
import { runKillMatrix } from "./kill-matrix.ts";
import { runProcessRaces } from "./process-races.ts";
import { raceAll } from "./races.ts";
import type { Report } from "./report.ts";

const PROOFS: Readonly<Record<string, () => Promise<Omit<Report, "failures"> & Partial<Report>>>> = {
  "crash matrix, in memory": crashMatrix,
  // A run makes a hundred calls: of all pairs of deaths, every twentieth.
  "crash matrix on SSM, in memory": () => crashMatrix({ flows: SSM_FLOWS, eachPair: 20 }),
  "error matrix, in memory": errorMatrix,
  "races, in memory": raceAll,
  "random histories, in memory": runHistories,
  "every interleaving, in memory": runExploration,
  "crash matrix, processes": runKillMatrix,
  "races, processes": runProcessRaces,
};

const [wanted = ""] = process.argv.slice(2);
const table = new Table({
  head: ["proof", "points", "runs", "converged", "stranded", "time"],
  style: { head: [] },
});
for (const [name, prove] of Object.entries(PROOFS)) {
  if (!name.includes(wanted)) continue;
  console.log(`${name} …`);
  const startedAt = Date.now();
  const { points, runs, converged, stranded, failures = [] } = await prove();
  for (const failure of failures) console.log(`  ${failure}`);
  const time = `${Math.round((Date.now() - startedAt) / 1000)} s`;
  table.push([name, points, runs, converged, stranded, time]);
  if (converged !== runs || stranded > 0 || runs === 0) process.exitCode = 1;
}
console.log(table.toString());
