import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { buildAll } from "../../build.ts";

declare module "vitest" {
  export interface ProvidedContext {
    /** Where the bundles are: a folder as `npm run build` fills dist, outside the tree and away from its packages. */
    readonly bundles: string;
  }
}

/** Builds the bundles once for all test files. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const directory = await mkdtemp(join(tmpdir(), "redis-rotation-bundles-"));
  await buildAll(directory);
  project.provide("bundles", directory);
  return () => rm(directory, { recursive: true, force: true });
}
