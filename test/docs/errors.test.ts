import { SecretsManagerServiceException } from "@aws-sdk/client-secrets-manager";
import { describe, expect, it } from "vitest";
import { storeError } from "../../lib/drivers/aws-errors.ts";
import { REDIS_API_ERRORS } from "../../lib/drivers/tencent-errors.ts";
import { ERRORS } from "../../lib/errors.ts";
import { codesIn, effectsOf, errors, exceptions, rowsUnder } from "./error-tables.ts";

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
  const codeFor = (name: string, httpStatusCode: number): string => {
    const error = new SecretsManagerServiceException({
      name,
      $fault: "client",
      $metadata: { httpStatusCode },
      message: "",
    });
    return storeError(error, { what: "", effect: "none", confidential: [], aborted: false }).code;
  };

  it.each(exceptions)("$name is $code", ({ name, code }) => {
    expect(codeFor(name, 400)).toBe(code);
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
