import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Zippable, zipSync } from "fflate";

/** The zip of a function's code, and how SCF names its content. */
export interface CodeZip {
  readonly bytes: Uint8Array;
  /** In hexadecimal. */
  readonly sha256: string;
}

const UNIX = 3;
const READABLE_FILE = 0o100644 << 16;

/**
 * Zips the files of a folder. The same files make the same bytes, on any day and any machine: by that a deployment sees
 * that there is nothing to upload.
 */
export async function zipFolder(folder: string): Promise<CodeZip> {
  const names = (await readdir(folder)).sort();
  const files: Zippable = {};
  // Zip files date what is in them, by the local time. This is the first day that they know.
  const mtime = new Date(1980, 0, 1);
  for (const name of names) {
    const options = { level: 9, mtime, os: UNIX, attrs: READABLE_FILE } as const;
    files[name] = [await readFile(join(folder, name)), options];
  }
  const bytes = zipSync(files);
  return { bytes, sha256: createHash("sha256").update(bytes).digest("hex") };
}
