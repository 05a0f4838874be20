import { readFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";
import { bytes, printTable } from "./report.ts";

const FILES = ["lambda/index.js", "scf/index.js", "cli.js"];

/** What a cold start reads, and what an upload sends. */
export async function reportSizes(folder: string): Promise<void> {
  const rows = await Promise.all(
    FILES.map(async (file) => {
      const content = await readFile(`${folder}/${file}`);
      return [`dist/${file}`, bytes(content.byteLength), bytes(gzipSync(content).byteLength)];
    }),
  );
  printTable("Bundles", ["file", "minified", "gzipped"], rows);
}
