import { execFile } from "node:child_process";
import { cp, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type LocalCloud, startCloud } from "../cloud/cloud.ts";
import { BUNDLES_NODE, startFunction } from "../cloud/function-process.ts";
import { secretName } from "../cloud/secrets.ts";
import { built, QUIET } from "./world.ts";

const INSTANCE = { instanceId: "crs-5a4py64p", region: "ap-guangzhou" };

let cloud: LocalCloud;
let empty: string;
beforeAll(async () => {
  cloud = await startCloud({ instances: [INSTANCE] });
  empty = await mkdtemp(join(tmpdir(), "redis-rotation-alone-"));
});
afterAll(async () => {
  await cloud?.close();
  await rm(empty, { recursive: true, force: true });
});

describe("copied to an empty folder, without the packages it was built from", () => {
  it.each([
    ["lambda", "handler"],
    ["scf", "main_handler"],
  ] as const)("the %s bundle answers", async (folder, exported) => {
    await cp(built(folder), join(empty, folder), { recursive: true });
    const environment = { ...QUIET, ...cloud.environment };
    const alone = await startFunction({ bundle: join(empty, folder, "index.js"), exported, environment });
    try {
      expect(await alone.invoke({ action: "verify" })).toMatchObject({ summary: { ok: 1 } });
      expect((await readdir(join(empty, folder))).sort()).toEqual(["index.js", "package.json"]);
    } finally {
      await alone.close();
    }
  });

  it("the command answers", async () => {
    const command = join(empty, "cli.js");
    await cp(built("cli.js"), command);
    const env = { PATH: process.env.PATH, ...QUIET, ...cloud.environment };
    const { stdout } = await promisify(execFile)(
      BUNDLES_NODE,
      [command, "verify", "--json", secretName(INSTANCE.instanceId)],
      { env },
    );
    expect(JSON.parse(stdout)).toMatchObject({ action: "verify", summary: { ok: 1 } });
  });
});
