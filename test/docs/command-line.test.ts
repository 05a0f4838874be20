import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";
import { beforeAll, describe, expect, it } from "vitest";
import { BUNDLES_NODE } from "../cloud/function-process.ts";
import { built } from "../integration/world.ts";

const page = readFileSync("docs/command-line.md", "utf8");

/** What is listed under a heading of a help text: `--json`, `rotate`. */
function listed(help: string, heading: string): string[] {
  const [, section = ""] = help.split(`${heading}:\n`);
  const [lines = ""] = section.split("\n\n");
  return [...lines.matchAll(/^ {2}((?:-\w, )?(?:--)?[a-z][a-z-]*)/gm)].map(([, name = ""]) =>
    name.replace(/^-\w, /, ""),
  );
}

const helpOf = async (...args: string[]) =>
  (await promisify(execFile)(BUNDLES_NODE, [built("cli.js"), ...args, "--help"])).stdout;

describe("docs/command-line.md", () => {
  let commands: string[];
  beforeAll(async () => {
    commands = listed(await helpOf(), "Commands").filter((name) => name !== "help");
  });

  it("has a row for each command", () => {
    expect(commands).toContain("rotate");
    expect(commands.filter((name) => !page.includes(`| \`${name} `))).toEqual([]);
  });

  it("names each of their options", async () => {
    const helps = await Promise.all(commands.map((name) => helpOf(name)));
    const options = new Set(helps.flatMap((help) => listed(help, "Options")));
    expect([...options]).toEqual(expect.arrayContaining(["--report", "--yes", "--password-stdin"]));
    expect([...options].filter((name) => name !== "--help" && !page.includes(`\`${name}`))).toEqual([]);
  });
});
