import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { buildAll } from "../build.ts";
import { ensureRedisServer } from "./cloud/tencentdb/redis-package.ts";

declare module "vitest" {
  export interface ProvidedContext {
    /** Where the bundles are: a folder as `npm run build` fills dist, outside the tree and away from its packages. */
    readonly bundles: string;
  }
}

/** Once for all test files: sees that there is a redis-server, and builds the bundles. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  await ensureRedisServer();
  const directory = await mkdtemp(join(tmpdir(), "redis-rotation-bundles-"));
  await buildAll(directory);
  project.provide("bundles", directory);
  return () => rm(directory, { recursive: true, force: true });
}
