/** Writes what `doctor` really prints into docs/doctor.md: npm run docs:doctor. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildAll } from "../../build.ts";
import { masked, play, SCENES } from "./doctor-scenes.ts";

const PAGE = "docs/doctor.md";

const directory = await mkdtemp(join(tmpdir(), "doctor-page-"));
try {
  await buildAll(directory);
  let page = await readFile(PAGE, "utf8");
  for (const scene of SCENES) {
    const { stdout, stderr } = await play(scene, join(directory, "cli.js"));
    if (stderr !== "") throw new Error(`${scene.heading}: ${stderr}`);
    const block = `## ${scene.heading}\n`;
    const start = page.indexOf("```console\n", page.indexOf(block));
    if (!page.includes(block) || start < 0) throw new Error(`${PAGE} has no block for ${scene.heading}`);
    const end = page.indexOf("\n```\n", start);
    page = `${page.slice(0, start)}\`\`\`console\n$ redis-rotation doctor\n${masked(stdout).trimEnd()}${page.slice(end)}`;
  }
  await writeFile(PAGE, page);
} finally {
  await rm(directory, { recursive: true });
}
