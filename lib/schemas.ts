import * as v from "valibot";

/** What Valibot says by itself quotes the value, which may be confidential. */
v.setGlobalMessage(({ expected, input }) => {
  if (input === undefined) return "is missing";
  if (expected === null) return "cannot be used";
  return `expected ${expected.replace(/[()]/g, "").replaceAll(" | ", " or ")}`;
});

export function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** These fields, and no other in what is read. Unlike Valibot's own it takes no list for an object. */
export const object = <const Entries extends v.ObjectEntries>(entries: Entries) =>
  v.pipe(v.any(), v.check(isObject, "must be an object"), v.object(entries));

/** Unlike Valibot's own it is never infinite, as `1e999` is in JSON. */
export const number = v.pipe(v.number(), v.finite());

/** Says of a number whether it is whole and in these bounds. */
export const wholeBetween = (least: number, most: number) =>
  v.check<number, string>(
    (given) => Number.isInteger(given) && given >= least && given <= most,
    `must be a whole number from ${least} to ${most}`,
  );

/** One line that names every problem: `port: must be …; region: must be …`. Holds no value. */
export function describeIssues(issues: readonly v.BaseIssue<unknown>[]): string {
  return issues.map((issue) => `${v.getDotPath(issue) || "(whole)"}: ${issue.message}`).join("; ");
}
