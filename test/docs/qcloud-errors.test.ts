import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { QCLOUD_ERRORS } from "../../lib/drivers/qcloud-errors.ts";

const page = readFileSync("docs/errors.md", "utf8");

function rowsUnder(heading: string): string[][] {
  const [, table = ""] = page.split(`| ${heading} |`);
  const [rows = ""] = table.split("\n\n");
  return rows
    .split("\n")
    .slice(2)
    .map((line) => line.split(" | ").map((cell) => cell.replaceAll("|", "").trim()));
}

const codesIn = (cell = ""): string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, code = ""]) => code);

it("docs/errors.md has API 2.0's codes as the driver has them", () => {
  const documented = rowsUnder("code of API 2.0 | code | effect").flatMap(([numbers, code, effect]) =>
    codesIn(numbers).map((number) => [number, [codesIn(code)[0], effect]] as const),
  );
  expect(documented.map(([number]) => number).sort()).toEqual([...QCLOUD_ERRORS.keys()].sort());
  expect(Object.fromEntries(documented)).toEqual(Object.fromEntries(QCLOUD_ERRORS));
});

it("docs/errors.md tells each effect that a failed ModfiyRedisPassword can have", () => {
  const lines = page.split("\n").filter((line) => line.split(" | ").length === 5);
  for (const [code, effect] of QCLOUD_ERRORS.values()) {
    const row = lines.find((line) => line.startsWith(`| \`${code}\` |`)) ?? "";
    expect(row.split(" | ")[3]?.split(", "), code).toContain(effect);
  }
});
