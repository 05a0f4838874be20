import fc from "fast-check";
import * as v from "valibot";
import { describe, expect, it } from "vitest";
import { describeIssues, number, object, wholeBetween } from "../lib/schemas.ts";

const schema = object({
  name: v.string(),
  size: v.pipe(number, wholeBetween(1, 9)),
  kind: v.optional(v.picklist(["one", "two"])),
  flag: v.optional(v.union([v.boolean(), v.literal("yes")])),
  inner: v.optional(v.array(object({ id: v.pipe(v.string(), v.regex(/^i/)) }))),
});

function problemsOf(given: unknown): string | undefined {
  const { issues } = v.safeParse(schema, given);
  return issues && describeIssues(issues);
}

describe("what is read by a schema", () => {
  it.each([
    [{}, "name: is missing; size: is missing"],
    [{ name: 7, size: 1 }, "name: expected string"],
    [{ name: "a", size: 10 }, "size: must be a whole number from 1 to 9"],
    [{ name: "a", size: 1.5 }, "size: must be a whole number from 1 to 9"],
    [{ name: "a", size: JSON.parse("1e999") }, /^size: cannot be used; size: must be a whole number/],
    [{ name: "a", size: 1, kind: "three" }, 'kind: expected "one" or "two"'],
    [{ name: "a", size: 1, flag: "no" }, 'flag: expected boolean or "yes"'],
    [
      { name: "a", size: 1, inner: [{ id: "i" }, { id: null }, []] },
      /^inner.1.id: .*; inner.2: must be an object$/,
    ],
    [[], "(whole): must be an object"],
    [null, "(whole): must be an object"],
    [undefined, "(whole): must be an object"],
  ])("has each problem of %j told with its path", (given, says) => {
    if (typeof says === "string") expect(problemsOf(given)).toBe(says);
    else expect(problemsOf(given)).toMatch(says);
  });

  it("is these fields and no other", () => {
    const given = JSON.parse('{"name":"a","size":1,"more":2,"__proto__":{"kind":"one"}}');
    expect(v.parse(schema, given)).toStrictEqual({ name: "a", size: 1 });
  });

  it("is never quoted where it is bad", () => {
    const confidential = "tOp-Secret!2026";
    const value = fc.oneof(
      fc.constantFrom(confidential, [confidential], { id: confidential }, [{ id: confidential }], 20_260_101),
      fc.jsonValue({ maxDepth: 1 }),
    );
    const fields = fc.record({ name: value, size: value, kind: value, flag: value, inner: value });
    fc.assert(
      fc.property(fields, (given) => {
        expect(problemsOf(given) ?? "").not.toMatch(/tOp-Secret|20260101/);
      }),
      { numRuns: 200 },
    );
  });
});
