import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const page = readFileSync("SECURITY.md", "utf8");
const rows = page
  .split("\n")
  .filter((line) => line.startsWith("| ") && !/^\| (who|---)/.test(line))
  .map((line) => line.split("|").slice(1, -1));
const guards = rows.map((cells) => {
  const [, file = "", test = ""] = /^\[[\w-]+\]\(([^)]+)\): (.+)$/.exec(cells.at(-1)?.trim() ?? "") ?? [];
  return { file, test };
});

describe("the threat model", () => {
  it("has each of those who could do something", () => {
    for (const who of [
      "The function's role",
      "The secret's readers",
      "The secret's writers",
      "The logs' readers",
      "The local cloud",
      "A malicious answer",
      "A package",
    ]) {
      expect(page).toContain(`**${who}`);
    }
    expect(rows.length).toBeGreaterThan(20);
  });

  it.each(guards)("names a test that is there: $file: $test", ({ file, test }) => {
    expect(existsSync(file)).toBe(true);
    expect(readFileSync(file, "utf8")).toContain(test);
  });

  it("links to files that are there", () => {
    const links = [...page.matchAll(/\]\(([^):]+)\)/g)].map(([, link = ""]) => link);
    for (const link of links) expect(existsSync(link), link).toBe(true);
  });
});

it("every server of the local cloud listens on loopback", () => {
  const sources = readdirSync("test/cloud", { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts"))
    .map((name) => readFileSync(join("test/cloud", name), "utf8"));
  const listening = sources.flatMap((text) => text.match(/\.listen\(.*/g) ?? []);
  expect(listening.length).toBeGreaterThan(2);
  for (const call of listening) expect(call).toContain('"127.0.0.1"');
});
