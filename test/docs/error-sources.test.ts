import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { effectsOf, exceptions } from "./error-tables.ts";

/** Every `new RotationError("Code", …, { effect: "…" })` of the product that says both in place. */
const thrown = ["lib", "handler"]
  .flatMap((root) => readdirSync(root, { recursive: true, encoding: "utf8" }).map((name) => join(root, name)))
  .filter((file) => file.endsWith(".ts"))
  .flatMap((file) => [
    ...readFileSync(file, "utf8").matchAll(
      /new RotationError\(\s*"(\w+)",(?:(?!new RotationError)[\s\S])*?effect: "(\w+)"/g,
    ),
  ])
  .map(([, code = "", effect = ""]) => ({ code, effect }));

describe("docs/errors.md knows what the sources say", () => {
  it("each effect that an error is thrown with", () => {
    expect(thrown.length).toBeGreaterThan(20);
    for (const { code, effect } of thrown) expect(effectsOf(code), code).toContain(effect);
  });

  it("each exception of AWS", () => {
    const driver = readFileSync("lib/drivers/aws-errors.ts", "utf8");
    const known = [...driver.matchAll(/^ {2}(\w+): "\w+",$/gm)].map(([, name]) => name);
    expect(exceptions.map(({ name }) => name).sort()).toEqual(known.sort());
  });
});
