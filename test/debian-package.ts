import { execFile } from "node:child_process";
import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";

/** A program that tests need, and where it comes from. */
export interface Wanted {
  /** The names under which it may be found, the best first. */
  readonly programs: readonly [string, ...string[]];
  /** The packages to install where there is none of them. */
  readonly packages: readonly [string, ...string[]];
}

export interface System {
  /** Default: the environment's PATH. */
  readonly path?: string;
  /** Whether packages may be installed. Default: whether this process is root's. */
  readonly root?: boolean;
}

// Another apt-get may be at work: on a new machine, its own first update.
const INSTALL = ["install", "--yes", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=120"];

/** The path of the first of the programs that is there, or undefined. */
export async function findProgram(
  programs: readonly string[],
  path = process.env.PATH ?? "",
): Promise<string | undefined> {
  for (const name of programs) {
    for (const directory of path.split(delimiter)) {
      const program = join(directory, name);
      try {
        await access(program, constants.X_OK);
        return program;
      } catch {
        // Not in this directory.
      }
    }
  }
  return undefined;
}

/**
 * Finds a program, and installs its packages where there is none and the process may.
 * @throws Error that names the command to run
 */
export async function ensureProgram({ programs, packages }: Wanted, system: System = {}): Promise<string> {
  const found = await findProgram(programs, system.path);
  if (found !== undefined) return found;
  await installPackages(packages, `There is no ${programs[0]}.`, system);
  const installed = await findProgram(programs, system.path);
  if (installed === undefined) throw new Error(`${programs[0]} was installed, but is not on the PATH`);
  return installed;
}

/**
 * Installs Debian packages, where apt-get is there and the process may.
 * @throws Error that names the command to run; `missing` is its first sentence
 */
export async function installPackages(
  packages: readonly string[],
  missing: string,
  { path = process.env.PATH ?? "", root = process.getuid?.() === 0 }: System = {},
): Promise<void> {
  const installer = await findProgram(["apt-get"], path);
  if (!root || installer === undefined) {
    const command = `sudo apt-get update && sudo apt-get install ${packages.join(" ")}`;
    throw new Error(`${missing} Install it: ${command}`);
  }
  const install = [...INSTALL, ...packages];
  if ((await aptGet(installer, install)).done) return;
  await aptGet(installer, ["update"]);
  const { done, output } = await aptGet(installer, install);
  if (!done) throw new Error(`apt-get ${install.join(" ")} failed:\n${output}`);
}

async function aptGet(
  program: string,
  args: readonly string[],
): Promise<{ readonly done: boolean; readonly output: string }> {
  // RUNLEVEL: a package may start a service of its own.
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" };
  try {
    await promisify(execFile)(program, args, { env });
    return { done: true, output: "" };
  } catch (error) {
    const { stdout = "", stderr = "" } = error as { stdout?: string; stderr?: string };
    return { done: false, output: stdout + stderr };
  }
}
