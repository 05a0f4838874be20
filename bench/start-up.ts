import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { type OtherNode, otherNodes } from "../test/nodes.ts";
import { milliseconds, printTable, quantile } from "./report.ts";

const run = promisify(execFile);
const ROUNDS = 9;

/** Loads the named modules in a fresh process, and prints for how many milliseconds. */
const LOAD =
  "const start = performance.now(); process.argv.slice(1).forEach((name) => require(name)); console.log(performance.now() - start)";

/** The same on the Node at hand and on those that the platforms offer. The worst counts. */
export async function reportStartUp(folder: string): Promise<{ readonly ratio: number }> {
  const here = { version: process.versions.node, path: process.execPath };
  let ratio = 0;
  for (const node of [here, ...(await otherNodes())]) ratio = Math.max(ratio, await reportOn(node, folder));
  return { ratio };
}

/** How long a fresh process takes to load the bundles, next to both SDKs as they are installed. */
async function reportOn(node: OtherNode, folder: string): Promise<number> {
  const ways = [
    { name: "dist/lambda", modules: [join(folder, "lambda/index.js")] },
    { name: "dist/scf", modules: [join(folder, "scf/index.js")] },
    {
      name: "both SDKs, their clients' files only",
      modules: [
        "tencentcloud-sdk-nodejs/tencentcloud/services/redis/v20180412/redis_client.js",
        "@aws-sdk/client-secrets-manager",
      ],
    },
    { name: "both SDKs", modules: ["tencentcloud-sdk-nodejs", "@aws-sdk/client-secrets-manager"] },
  ].map((way) => ({ ...way, times: [] as number[] }));

  // The first round fills the page cache. The ways take turns, so that a busy machine is busy for all of them.
  for (let round = 0; round <= ROUNDS; round += 1) {
    for (const { modules, times } of ways) {
      const took = await timeToLoad(node.path, modules);
      if (round > 0) times.push(took);
    }
  }

  const medians = ways.map(({ times }) => quantile(times, 0.5));
  const naive = medians.at(-1) ?? Number.NaN;
  printTable(
    `Start-up on Node ${node.version}: median of ${ROUNDS} fresh processes each, in turn`,
    ["loaded", "time", "share"],
    ways.map(({ name }, index) => {
      const median = medians[index] ?? Number.NaN;
      return [name, milliseconds(median), (median / naive).toFixed(2)];
    }),
  );
  return Math.max(...medians.slice(0, 2)) / naive;
}

async function timeToLoad(program: string, modules: readonly string[]): Promise<number> {
  const { stdout } = await run(program, ["-e", LOAD, ...modules], { env: {} });
  return Number(stdout);
}
