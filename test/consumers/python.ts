import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { installPackages } from "../debian-package.ts";

const PACKAGES = ["python3-redis", "python3-boto3"];

/**
 * A Python that has redis-py and boto3: the first one on the PATH, or Debian's, whose packages are installed where they
 * are missing and the process may.
 * @throws Error that names the command to run
 */
export async function ensurePython(): Promise<string> {
  const found = await findPython();
  if (found !== undefined) return found;
  await installPackages(PACKAGES, "There is no Python with redis and boto3.");
  const installed = await findPython();
  if (installed === undefined)
    throw new Error(`${PACKAGES.join(", ")} were installed, but Python has them not`);
  return installed;
}

async function findPython(): Promise<string | undefined> {
  for (const python of ["python3", "/usr/bin/python3"]) {
    try {
      await promisify(execFile)(python, ["-c", "import redis, boto3"]);
      return python;
    } catch {
      // Not this one.
    }
  }
  return undefined;
}
