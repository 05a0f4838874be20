import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { describe, expect, it } from "vitest";

const files = ["lib", "handler"].flatMap((root) =>
  readdirSync(root, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => join(root, name)),
);

function importsOf(file: string): string[] {
  const text = readFileSync(file, "utf8");
  return [...text.matchAll(/(?:\bfrom|^import|\bimport\()\s*"([^"]+)"/gm)].map(([, specifier = ""]) =>
    specifier.startsWith(".") ? normalize(join(dirname(file), specifier)) : specifier,
  );
}

/** Where a file may look, by the folder it is in: the first row that fits. */
const ALLOWED: readonly (readonly [RegExp, RegExp])[] = [
  [/^lib\/rotation\//, /^(lib\/rotation\/|lib\/(ports|errors|password|waiter|secret-value)\.ts$|p-limit$)/],
  [/^lib\/drivers\//, /^(lib\/drivers\/|lib\/(ports|errors)\.ts$|node:|[a-z@])(?!.*(rotation|handler))/],
  [/^lib\//, /^(lib\/[a-z-]+\.ts$|valibot$|jsonc-parser$|cron-schedule$)/],
  [/^handler\//, /./],
];

describe("imports go one way", () => {
  it.each(files)("%s", (file) => {
    const allowed = ALLOWED.find(([from]) => from.test(file))?.[1];
    expect(importsOf(file).filter((specifier) => !allowed?.test(specifier))).toEqual([]);
  });

  it("and are seen: a driver imports an SDK", () => {
    expect(importsOf("lib/drivers/aws-secrets-manager.ts")).toContain("@aws-sdk/client-secrets-manager");
  });
});

describe("time and chance are parameters", () => {
  it.each(files.filter((file) => file !== "lib/drivers/runtime.ts"))("of %s", (file) => {
    expect(readFileSync(file, "utf8")).not.toMatch(
      /Date\.now|Math\.random|setTimeout|setInterval|new Date\(\)/,
    );
  });
});

describe("the environment is read by the handlers alone", () => {
  it.each(files.filter((file) => file.startsWith("lib/")))("not by %s", (file) => {
    expect(readFileSync(file, "utf8")).not.toMatch(/process\.env/);
  });
});
