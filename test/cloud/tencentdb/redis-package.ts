import { ensureProgram, type System, type Wanted } from "../../debian-package.ts";

export const REDIS_SERVER: Wanted = {
  programs: ["redis-server", "valkey-server"],
  packages: ["redis-server"],
};

/** The path of a redis-server or valkey-server, which is installed where there is none and the process may. */
export function ensureRedisServer(system?: System): Promise<string> {
  return ensureProgram(REDIS_SERVER, system);
}
