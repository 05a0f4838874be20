import { execFile } from "node:child_process";
import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";

export interface System {
  /** Default: the environment's PATH. */
  readonly path?: string;
  /** Whether packages may be installed. Default: whether this process is root's. */
  readonly root?: boolean;
}

// Another apt-get may be at work: on a new machine, its own first update.
const INSTALL = [
  "install",
  "--yes",
  "--no-install-recommends",
  "-o",
  "DPkg::Lock::Timeout=120",
  "redis-server",
];

/** The path of a redis-server or valkey-server, or undefined. */
export async function findRedisServer(path = process.env.PATH ?? ""): Promise<string | undefined> {
  return (await findProgram("redis-server", path)) ?? (await findProgram("valkey-server", path));
}

/**
 * Finds a Redis server, and installs the package where there is none and the process may.
 * @throws Error that names the command to run
 */
export async function ensureRedisServer(system: System = {}): Promise<string> {
  const { path = process.env.PATH ?? "", root = process.getuid?.() === 0 } = system;
  const found = await findRedisServer(path);
  if (found !== undefined) return found;
  const installer = await findProgram("apt-get", path);
  if (!root || installer === undefined) {
    throw new Error(
      "There is no redis-server. Install it: sudo apt-get update && sudo apt-get install redis-server",
    );
  }
  if (!(await aptGet(installer, INSTALL)).done) {
    await aptGet(installer, ["update"]);
    const { done, output } = await aptGet(installer, INSTALL);
    if (!done) throw new Error(`apt-get ${INSTALL.join(" ")} failed:\n${output}`);
  }
  const installed = await findRedisServer(path);
  if (installed === undefined) throw new Error("redis-server was installed, but is not on the PATH");
  return installed;
}

async function aptGet(
  program: string,
  args: readonly string[],
): Promise<{ readonly done: boolean; readonly output: string }> {
  // RUNLEVEL: the package would start a service of its own.
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" };
  try {
    await promisify(execFile)(program, args, { env });
    return { done: true, output: "" };
  } catch (error) {
    const { stdout = "", stderr = "" } = error as { stdout?: string; stderr?: string };
    return { done: false, output: stdout + stderr };
  }
}

async function findProgram(name: string, path: string): Promise<string | undefined> {
  for (const directory of path.split(delimiter)) {
    const program = join(directory, name);
    try {
      await access(program, constants.X_OK);
      return program;
    } catch {
      // Not in this directory.
    }
  }
  return undefined;
}
