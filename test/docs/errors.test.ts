import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { SecretsManagerServiceException } from "@aws-sdk/client-secrets-manager";
import { describe, expect, it } from "vitest";
import { storeError } from "../../lib/drivers/aws-errors.ts";
import { REDIS_API_ERRORS } from "../../lib/drivers/tencent-errors.ts";
import { ERRORS } from "../../lib/errors.ts";

type Row = readonly string[];

const page = readFileSync("docs/errors.md", "utf8");

/** The rows of every table that has this first heading and this number of columns. */
function rowsUnder(heading: string, columns: number): Row[] {
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

const codesIn = (cell = ""): string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, code = ""]) => code);

const errors = rowsUnder("code", 5).map(([code, meaning = "", retried, effect = "", next]) => ({
  code: codesIn(code)[0] ?? "",
  meaning,
  retried,
  effects: effect.split(", "),
  next,
}));

function effectsOf(code: string | undefined): readonly string[] {
  return errors.find((row) => row.code === code)?.effects ?? [];
}

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

describe("docs/errors.md", () => {
  it("has every code, once, in the order of the code", () => {
    expect(errors.map(({ code }) => code)).toEqual(Object.keys(ERRORS));
  });

  it.each(errors)("says of $code what the product says", ({ code, meaning, retried, next }) => {
    const told = ERRORS[code as keyof typeof ERRORS];
    expect(next).toBe(told.next);
    expect(retried !== "no").toBe(told.retry === "soon");
    expect(meaning.length).toBeGreaterThan(20);
  });

  it("knows each effect that an error is thrown with", () => {
    expect(thrown.length).toBeGreaterThan(20);
    for (const { code, effect } of thrown) expect(effectsOf(code), code).toContain(effect);
  });

  it("knows each effect that a failed ResetPassword can have", () => {
    for (const [code, effect] of REDIS_API_ERRORS.values()) expect(effectsOf(code), code).toContain(effect);
    for (const [, code, effect] of rowsUnder("what happened", 3)) {
      expect(effectsOf(codesIn(code)[0]), code).toContain(effect);
    }
  });
});

describe("Tencent Cloud's codes", () => {
  it("are the driver's, with its meaning and effect", () => {
    const documented = rowsUnder("code of the API", 3).flatMap(([cloud, code, effect]) =>
      codesIn(cloud).map((name) => [name, [codesIn(code)[0], effect]] as const),
    );
    expect(documented.map(([name]) => name).sort()).toEqual([...REDIS_API_ERRORS.keys()].sort());
    expect(Object.fromEntries(documented)).toEqual(Object.fromEntries(REDIS_API_ERRORS));
  });
});

describe("AWS's exceptions", () => {
  const documented = rowsUnder("exception", 2).flatMap(([cloud, code]) =>
    codesIn(cloud).map((name) => ({ name, code: codesIn(code)[0] ?? "" })),
  );

  const codeFor = (name: string, httpStatusCode: number): string => {
    const error = new SecretsManagerServiceException({
      name,
      $fault: "client",
      $metadata: { httpStatusCode },
      message: "",
    });
    return storeError(error, { what: "", effect: "none", confidential: [], aborted: false }).code;
  };

  it.each(documented)("$name is $code", ({ name, code }) => {
    expect(codeFor(name, 400)).toBe(code);
  });

  it("are all there", () => {
    const driver = readFileSync("lib/drivers/aws-errors.ts", "utf8");
    const known = [...driver.matchAll(/^ {2}(\w+): "\w+",$/gm)].map(([, name]) => name);
    expect(documented.map(({ name }) => name).sort()).toEqual(known.sort());
  });

  it.each([
    ["InternalServiceError", 500, "StoreUnavailable"],
    ["SomethingNew", 429, "StoreThrottled"],
    ["SomethingNew", 400, "StoreRefused"],
  ])("%s with HTTP %i is %s, as the second table says", (name, status, code) => {
    expect(codeFor(name, status)).toBe(code);
    expect(rowsUnder("what else", 2).flatMap(([, cell]) => codesIn(cell))).toContain(code);
  });
});
