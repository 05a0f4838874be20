import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { REDIS_SERVER } from "./cloud/tencentdb/redis-package.ts";
import { ensureProgram, findProgram } from "./debian-package.ts";

let path: string;

beforeEach(async () => {
  path = await mkdtemp(join(tmpdir(), "local-cloud-path-"));
});
afterEach(() => rm(path, { recursive: true }));

async function addProgram(name: string, script = ""): Promise<string> {
  const program = join(path, name);
  await writeFile(program, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return program;
}

describe("findProgram", () => {
  it("prefers the first name, takes another, and finds nothing elsewhere", async () => {
    expect(await findProgram(REDIS_SERVER.programs, path)).toBeUndefined();
    const valkey = await addProgram("valkey-server");
    expect(await findProgram(REDIS_SERVER.programs, `/nowhere:${path}`)).toBe(valkey);
    const redis = await addProgram("redis-server");
    expect(await findProgram(REDIS_SERVER.programs, path)).toBe(redis);
  });
});

describe("ensureProgram", () => {
  it("installs the package, after an update where the lists are old", async () => {
    const log = join(path, "log");
    await addProgram(
      "apt-get",
      `echo "$1" >> ${log}
       test "$1" = update && touch ${path}/updated && exit 0
       test -e ${path}/updated || exit 100
       printf '#!/bin/sh' > ${path}/redis-server && chmod +x ${path}/redis-server`,
    );
    expect(await ensureProgram(REDIS_SERVER, { path, root: true })).toBe(join(path, "redis-server"));
    expect(await readFile(log, "utf8")).toBe("install\nupdate\ninstall\n");
  });

  it("shows what the installer said where it failed", async () => {
    await addProgram("apt-get", "echo no network >&2; exit 100");
    await expect(ensureProgram(REDIS_SERVER, { path, root: true })).rejects.toThrow("no network");
  });

  it.each([
    ["a process that is not root's", false],
    ["a system without apt-get", true],
  ])("names the command to run on %s", async (_, root) => {
    if (!root) await addProgram("apt-get");
    await expect(ensureProgram(REDIS_SERVER, { path, root })).rejects.toThrow(
      "sudo apt-get install redis-server",
    );
  });
});
