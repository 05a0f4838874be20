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

/**
 * Installs Debian packages, where apt-get is there and the process may.
 * @throws Error that names the command to run; `missing` is its first sentence
 */
export async function installPackages(
  packages: readonly string[],
  missing: string,
  system: System = {},
): Promise<void> {
  const { path = process.env.PATH ?? "", root = process.getuid?.() === 0 } = system;
  const installer = await findProgram("apt-get", path);
  if (!root || installer === undefined) {
    const command = `sudo apt-get update && sudo apt-get install ${packages.join(" ")}`;
    throw new Error(`${missing} Install it: ${command}`);
  }
  const install = ["install", "--yes", "--no-install-recommends", ...WAIT, ...packages];
  if ((await aptGet(installer, install)).done) return;
  await aptGet(installer, ["update"]);
  const { done, output } = await aptGet(installer, install);
  if (!done) throw new Error(`apt-get ${install.join(" ")} failed:\n${output}`);
}

// Another apt-get may be at work: on a new machine, its own first update.
const WAIT = ["-o", "DPkg::Lock::Timeout=120"];

/** The path of a program, or undefined. */
export async function findProgram(name: string, path = process.env.PATH ?? ""): Promise<string | undefined> {
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

async function aptGet(
  program: string,
  args: readonly string[],
): Promise<{ readonly done: boolean; readonly output: string }> {
  // RUNLEVEL: a package would start a service of its own.
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" };
  try {
    await promisify(execFile)(program, args, { env });
    return { done: true, output: "" };
  } catch (error) {
    const { stdout = "", stderr = "" } = error as { stdout?: string; stderr?: string };
    return { done: false, output: stdout + stderr };
  }
}
