/** `npm run explore -- --runs 3 --crashes 2 --together 2 --only managed`: every interleaving, further than the tests go. */
import { parseArgs } from "node:util";
import { runExploration } from "./explore.ts";

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "2" },
    crashes: { type: "string", default: "2" },
    others: { type: "string", default: "1" },
    together: { type: "string", default: "2" },
    audits: { type: "string", default: "2000" },
    seed: { type: "string", default: "1" },
    "max-states": { type: "string", default: "60000000" },
    only: { type: "string", default: "" },
  },
});

const startedAt = Date.now();
const { states, transitions, depth, runs, converged, stranded, drifted, isComplete } = await runExploration({
  runs: Number(values.runs),
  crashes: Number(values.crashes),
  others: Number(values.others),
  together: Number(values.together),
  audits: Number(values.audits),
  seed: Number(values.seed),
  maxStates: Number(values["max-states"]),
  only: values.only,
  tell: console.log,
});
console.log(
  `${states} states, ${transitions} transitions, depth ${depth}; from ${converged} of ${runs} worlds two undisturbed runs ` +
    `reach current = live; ${stranded} stranded, ${drifted} ends that only verify or a forced run sees to; ` +
    `${isComplete ? "complete within its bounds" : "left off at --max-states"}; ${Math.round((Date.now() - startedAt) / 1000)} s`,
);
if (stranded > 0 || converged < runs || runs === 0) process.exitCode = 1;
