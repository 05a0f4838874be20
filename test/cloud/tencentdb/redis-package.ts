import { findProgram, installPackages, type System } from "../../debian.ts";

/** The path of a redis-server or valkey-server, or undefined. */
export async function findRedisServer(path?: string): Promise<string | undefined> {
  return (await findProgram("redis-server", path)) ?? (await findProgram("valkey-server", path));
}

/**
 * Finds a Redis server, and installs the package where there is none and the process may.
 * @throws Error that names the command to run
 */
export async function ensureRedisServer(system: System = {}): Promise<string> {
  const found = await findRedisServer(system.path);
  if (found !== undefined) return found;
  await installPackages(["redis-server"], "There is no redis-server.", system);
  const installed = await findRedisServer(system.path);
  if (installed === undefined) throw new Error("redis-server was installed, but is not on the PATH");
  return installed;
}
