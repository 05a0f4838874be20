import { readFileSync } from "node:fs";

type Row = readonly string[];

/** docs/errors.md, read. */
const page = readFileSync("docs/errors.md", "utf8");

/** The rows of every table that has this first heading and this number of columns. */
export function rowsUnder(heading: string, columns: number): Row[] {
  const found: Row[] = [];
  for (const table of page.match(/(^\|.*\n)+/gm) ?? []) {
    const [head = [], , ...rows] = table
      .trim()
      .split("\n")
      .map((line) =>
        line
          .split("|")
          .slice(1, -1)
          .map((cell) => cell.trim()),
      );
    if (head[0] === heading && head.length === columns) found.push(...rows);
  }
  return found;
}

export const codesIn = (cell = ""): string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, code = ""]) => code);

export const errors = rowsUnder("code", 5).map(([code, meaning = "", retried, effect = "", next]) => ({
  code: codesIn(code)[0] ?? "",
  meaning,
  retried,
  effects: effect.split(", "),
  next,
}));

export function effectsOf(code: string | undefined): readonly string[] {
  return errors.find((row) => row.code === code)?.effects ?? [];
}

export const exceptions = rowsUnder("exception", 2).flatMap(([cloud, code]) =>
  codesIn(cloud).map((name) => ({ name, code: codesIn(code)[0] ?? "" })),
);
