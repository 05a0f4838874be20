import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const ROOT = "docs/consumers";

const page = readFileSync("docs/consumers.md", "utf8");

const files = readdirSync(ROOT, { recursive: true, encoding: "utf8" }).filter((name) =>
  statSync(join(ROOT, name)).isFile(),
);

/** Each fenced block, under the file that the link before it names. */
const shown = new Map(
  [...page.matchAll(/^\[.+\]\(consumers\/(.+)\):\n\n```\w+\n([\s\S]*?)^```$/gm)].map(
    ([, name = "", text]) => [name, text],
  ),
);

describe("docs/consumers.md", () => {
  it("shows no code but that of a file", () => {
    expect(page.match(/^```\w/gm)).toHaveLength(shown.size);
  });

  it("shows every file", () => {
    expect([...shown.keys()].sort()).toEqual(files.sort());
  });

  it.each(files)("shows %s to the letter", (name) => {
    expect(shown.get(name)).toBe(readFileSync(join(ROOT, name), "utf8"));
  });

  it("tells the versions that are installed here", () => {
    for (const client of ["ioredis", "redis"]) {
      const { version } = JSON.parse(readFileSync(`node_modules/${client}/package.json`, "utf8"));
      expect(page).toContain(`| ${client} ${version} |`);
    }
  });
});
