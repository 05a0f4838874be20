import { readFileSync } from "node:fs";
import { styleText } from "node:util";
import Table from "cli-table3";
import { redisProbe } from "../lib/drivers/redis-probe.ts";
import type { Answer, SecretValue } from "../lib/ports.ts";
import { parseSecretValue } from "../lib/secret-value.ts";
import type { LocalCloud } from "../test/cloud/cloud.ts";

const PROVEN = "old password refused, new accepted";
/** Of alternating users. */
const BOTH_PROVEN = "old account untouched, new accepted";

export interface Row {
  readonly instanceId: string;
  readonly region: string;
  readonly hosts: readonly string[];
  readonly by: string;
  readonly how: string;
  readonly taskId: number | undefined;
  readonly totalMs: number;
  readonly exposureMs: number | undefined;
  readonly proof: string;
}

export type Before = ReadonlyMap<string, SecretValue>;

/** What consumers read at this moment, by instance. */
export function readAll(cloud: LocalCloud, instanceIds: readonly string[]): Before {
  return new Map(instanceIds.map((instanceId) => [instanceId, currentValue(cloud, instanceId)]));
}

export function rowsOf(cloud: LocalCloud, by: string, before: Before, { results }: Answer): Promise<Row[]> {
  const ids = [...before.keys()];
  return Promise.all(
    results.map(({ instanceId, durationMs }, index) =>
      rowOf(cloud, { by, before, instanceId: instanceId ?? ids[index] ?? "", totalMs: durationMs }),
    ),
  );
}

export async function rowOf(
  cloud: LocalCloud,
  rotation: Pick<Row, "instanceId" | "by" | "totalMs"> & { readonly before: Before },
): Promise<Row> {
  const { before, ...rest } = rotation;
  const { instanceId } = rotation;
  const old = before.get(instanceId);
  const now = currentValue(cloud, instanceId);
  const isAlternation = now.username !== old?.username;
  const calls = cloud.tencentDb.calls.filter((call) => call.instanceId === instanceId);
  return {
    ...rest,
    region: now.region,
    hosts: [...new Set(calls.map(({ host }) => host))],
    how: isAlternation ? "alternating users" : now.api,
    taskId: cloud.newestTaskId(instanceId),
    exposureMs: isAlternation ? 0 : cloud.exposureMs(instanceId),
    proof: await prove(cloud, old, now),
  };
}

/** Asks the real Redis, past everything that the function says of itself. */
async function prove(cloud: LocalCloud, before: SecretValue | undefined, now: SecretValue): Promise<string> {
  const probe = redisProbe({ ca: readFileSync(cloud.environment.REDIS_CA_BUNDLE ?? "", "utf8") });
  const ask = async ({ host = "", port = 0, ...value }: SecretValue) =>
    (await probe({ ...value, host, port })).answer;
  if (before === undefined) return "no version before";
  const [old, current] = await Promise.all([ask(before), ask(now)]);
  if (before.username !== now.username) {
    return `old account ${old === "accepted" ? "untouched" : old}, new ${current}`;
  }
  return `old password ${old === "rejected" ? "refused" : old}, new ${current}`;
}

function currentValue(cloud: LocalCloud, instanceId: string): SecretValue {
  return parseSecretValue(cloud.secrets.currentText(instanceId), instanceId);
}

/** Prints the rows, within 120 columns, and says whether all of them are proven. */
export function printRows(rows: readonly Row[]): boolean {
  const table = new Table({
    head: ["instance", "region", "by", "how", "TaskId", "total", "exposure", "proof"],
    colAligns: ["left", "left", "left", "left", "right", "right", "right", "left"],
    chars: NO_LINES,
    style: { head: ["bold"], "padding-left": 0, "padding-right": 2 },
  });
  for (const { instanceId, region, by, how, taskId, totalMs, exposureMs, proof } of rows) {
    const exposure = exposureMs === undefined ? "" : `${Math.round(exposureMs)} ms`;
    const total = `${(totalMs / 1000).toFixed(1)} s`;
    // The last line has it in full.
    const proofInShort = proof.replace(/ password | account /, " ");
    table.push([instanceId, region, by, how, taskId ?? "", total, exposure, proofInShort]);
  }
  const good = rows.filter(({ proof }) => proof === PROVEN).length;
  const both = rows.filter(({ proof }) => proof === BOTH_PROVEN).length;
  const isProven = good + both === rows.length;
  const proven = `${good + both} of ${rows.length} rotations proven`;
  console.log(`\n${table.toString().replace(/ +$/gm, "")}\n`);
  console.log(`endpoints: ${endpointsOf(rows)}\n`);
  console.log(
    `${styleText(["bold", isProven ? "green" : "red"], proven)}: ${good} ${PROVEN}; ${both} ${BOTH_PROVEN}`,
  );
  return isProven;
}

const LINES = ["mid", "mid-mid", "left-mid", "right-mid", "left", "right", "middle"];
const CORNERS = ["top", "bottom"].flatMap((edge) => [edge, `${edge}-mid`, `${edge}-left`, `${edge}-right`]);
const NO_LINES = Object.fromEntries([...LINES, ...CORNERS].map((line) => [line, ""]));

/** Which addresses the rows' calls went to, a line each: how many instances, or which one. */
function endpointsOf(rows: readonly Row[]): string {
  const instances = new Map<string, Set<string>>();
  for (const { hosts, instanceId } of rows) {
    for (const host of hosts) instances.set(host, (instances.get(host) ?? new Set()).add(instanceId));
  }
  return [...instances]
    .map(([host, ids]) => `${host} for ${ids.size === 1 ? [...ids].join() : `${ids.size} instances`}`)
    .join("\n           ");
}
