/** Measures what the documentation claims of fleets: `npm run bench fleet`. */
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { build } from "esbuild";
import pLimit from "p-limit";
import { buildAll } from "../build.ts";
import { drawChart } from "./fleet-chart.ts";
import { boundSeconds, type FleetFigures, type Store, TASK_MS, type Way } from "./fleet-figures.ts";
import { reportRealFleet } from "./fleet-real.ts";
import { QUIET } from "./function.ts";
import { milliseconds, printTable } from "./report.ts";

export interface FleetRow extends FleetFigures {
  readonly way: Way;
  readonly store: Store;
  readonly size: number;
}

const run = promisify(execFile);
const SIZES = [1, 100, 1_000, 10_000] as const;
const STORES: Record<Store, string> = { unlimited: "no limit", aws: "Secrets Manager", ssm: "SSM" };
const CASES: readonly { readonly way: Way; readonly store: Store }[] = [
  { way: "fleet", store: "unlimited" },
  { way: "fleet", store: "aws" },
  { way: "fleet", store: "ssm" },
  { way: "fleet with a canary", store: "aws" },
  { way: "plain loop", store: "aws" },
  { way: "plain Promise.all", store: "aws" },
];
/** Of the bound, at a thousand secrets and more. */
const MAX_OF_BOUND = 1.1;
const MAX_OF_BOUND_IN_REAL_TIME = 1.25;
const MAX_MEGABYTES = 128;
const CHART = "docs/fleet.svg";

/** @returns whether all claims hold */
export async function benchFleet(): Promise<boolean> {
  Object.assign(process.env, QUIET);
  const folder = await mkdtemp(join(tmpdir(), "bench-"));
  // Beside the sources, whose packages it takes.
  const program = "bench/.fleet-run.mjs";
  try {
    await buildAll(folder);
    const entryPoints = ["bench/fleet-run.ts"];
    await build({
      entryPoints,
      outfile: program,
      bundle: true,
      packages: "external",
      platform: "node",
      format: "esm",
    });
    const places = pLimit(2);
    const cases = CASES.flatMap((each) => SIZES.map((size) => ({ ...each, size })));
    const rows = await Promise.all(
      cases.map((each) =>
        places(async (): Promise<FleetRow> => {
          const argv = ["--expose-gc", program, each.way, each.store, String(each.size)];
          const { stdout } = await run(process.execPath, argv);
          return { ...each, ...(JSON.parse(stdout) as FleetFigures) };
        }),
      ),
    );
    printRows(rows);
    await writeFile(CHART, drawChart(rows));
    console.log(`\nChart: ${CHART}`);
    const real = await reportRealFleet(folder);
    return printClaims(rows, real.ratio);
  } finally {
    await rm(folder, { recursive: true, force: true });
    await rm(program, { force: true });
  }
}

const shareOfBound = ({ seconds, size, store }: FleetRow): number => seconds / boundSeconds(size, store);

function printRows(rows: readonly FleetRow[]): void {
  printTable(
    `Fleets in one region, in virtual time, tasks of ${TASK_MS} ms`,
    [
      "way, store",
      "size",
      "took",
      "bound",
      "share",
      "rotated",
      "refused",
      "calls each",
      "exposure",
      "memory",
    ],
    rows.map((row) => [
      `${row.way}, ${STORES[row.store]}`,
      row.size,
      `${row.seconds.toFixed(0)} s`,
      `${boundSeconds(row.size, row.store).toFixed(0)} s`,
      shareOfBound(row).toFixed(2),
      row.rotated,
      row.refused,
      `${row.tencentCalls.toFixed(1)} + ${row.storeCalls.toFixed(1)}`,
      milliseconds(row.medianExposureMs),
      row.way.startsWith("plain") ? "" : `${row.peakMegabytes.toFixed(0)} MB`,
    ]),
  );
}

function printClaims(rows: readonly FleetRow[], realRatio: number): boolean {
  const fleets = rows.filter(({ way }) => way === "fleet");
  const large = fleets.filter(({ size }) => size >= 1_000);
  const worst = Math.max(...large.map(shareOfBound));
  const refused = fleets.reduce((sum, row) => sum + row.refused, 0);
  const megabytes = Math.max(...fleets.map((row) => row.peakMegabytes));
  const unrotated = fleets.reduce((sum, { size, rotated }) => sum + size - rotated, 0);
  const callsOf = (size: number) =>
    Math.max(...fleets.filter((row) => row.size === size).map((row) => row.tencentCalls));
  printTable(
    "Claims",
    ["", "claimed", "measured"],
    [
      ["Share of the bound at 1 000 and 10 000", `at most ${MAX_OF_BOUND}`, worst.toFixed(2)],
      ["Share of the bound in real time", `at most ${MAX_OF_BOUND_IN_REAL_TIME}`, realRatio.toFixed(2)],
      ["Requests refused as too many", 0, refused],
      ["Secrets not rotated", 0, unrotated],
      [
        "Calls to TencentDB for each of 10 000",
        `less than half of ${callsOf(1)}`,
        callsOf(10_000).toFixed(1),
      ],
      ["Memory that a rotation holds", `under ${MAX_MEGABYTES} MB`, `${megabytes.toFixed(0)} MB`],
    ],
  );
  const holds =
    worst <= MAX_OF_BOUND &&
    realRatio <= MAX_OF_BOUND_IN_REAL_TIME &&
    refused + unrotated === 0 &&
    megabytes < MAX_MEGABYTES &&
    callsOf(10_000) < callsOf(1) / 2;
  if (!holds) console.error("A claim does not hold.");
  return holds;
}
