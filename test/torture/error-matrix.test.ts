import { describe, expect, it } from "vitest";
import { QCLOUD_ERRORS } from "../../lib/drivers/qcloud-errors.ts";
import { REDIS_API_ERRORS } from "../../lib/drivers/tencent-errors.ts";
import { ERRORS } from "../../lib/errors.ts";
import { errorMatrix } from "./error-matrix.ts";
import { TROUBLES } from "./troubles.ts";

describe("a call that goes wrong, once, for a while or for good, and a world that is not as it should be", () => {
  it("end in a rotation or with a documented code, and the next runs get to the end with the one password", async () => {
    const { failures, runs } = await errorMatrix({ each: 101 });
    expect(failures).toEqual([]);
    expect(runs).toBeGreaterThan(400);
  }, 60_000);

  const codes = TROUBLES.filter(
    ({ name, port, isUnheardOf }) =>
      port === "controlPlane" && isUnheardOf !== true && /^[A-Z][A-Za-z]+(\.[A-Za-z]+)?$/.test(name),
  );

  it("are every code that the driver knows", () => {
    // Of one action alone: the old password's.
    const known = [...REDIS_API_ERRORS.keys()].filter((code) => !code.includes(": "));
    expect(known.filter((code) => !codes.some(({ name }) => `${name}.`.startsWith(`${code}.`)))).toEqual([]);
  });

  it("are every code of API 2.0 that the driver knows", () => {
    const names = TROUBLES.map(({ name }) => name);
    expect([...QCLOUD_ERRORS.keys()].filter((code) => !names.includes(code))).toEqual([]);
  });

  it.each(codes)("$name is $kind to the driver too", ({ name, kind }) => {
    const [meaning] =
      REDIS_API_ERRORS.get(name) ?? REDIS_API_ERRORS.get(name.replace(/\..*/, "")) ?? expect.fail();
    expect(ERRORS[meaning].retry).toBe(kind === "passing" ? "soon" : "never");
  });
});
