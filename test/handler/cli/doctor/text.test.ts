import { stripVTControlCharacters } from "node:util";
import { describe, expect, it } from "vitest";
import type { Check, Finding } from "../../../../handler/cli/doctor/checks.ts";
import { checkLines } from "../../../../handler/cli/doctor/text.ts";

const linesOf = (checks: readonly Check[]) =>
  stripVTControlCharacters(checkLines(checks)).trimEnd().split("\n");

const many = (count: number, find: (index: number) => Finding): Check[] =>
  Array.from({ length: count }, (_, index) => ({
    name: "instance",
    subject: `redis/s-${index}`,
    durationMs: index,
    ...find(index),
  }));

const missing = (index: number): Finding => ({
  status: "bad",
  code: "InstanceNotFound",
  found: `DescribeInstances: crs-${index} is not in ap-guangzhou (RequestId ${index}-abc)`,
  fix: "Correct instanceId and region in the secret.",
});

describe("doctor's text", () => {
  it("has one line for a thousand secrets of which nothing is to be said", () => {
    const checks = many(1_000, (index) =>
      index < 3 ? missing(index) : { status: "good", found: "running" },
    );
    expect(linesOf(checks)).toEqual([
      "✖ instance       3 secrets (redis/s-0, redis/s-1, redis/s-2), the first: InstanceNotFound: " +
        "DescribeInstances: crs-0 is not in ap-guangzhou (RequestId 0-abc)",
      "                 fix: Correct instanceId and region in the secret.",
      "✔ instance       997 secrets: running",
    ]);
  });

  it("names five of those that are alike, and counts the others", () => {
    expect(linesOf(many(12, missing))[0]).toContain(
      "12 secrets (redis/s-0, redis/s-1, redis/s-2, redis/s-3, redis/s-4, and 7 more), the first",
    );
  });

  it("keeps apart what differs in more than names and numbers", () => {
    const other = { ...missing(0), found: "DescribeInstances: UnauthorizedOperation" };
    expect(linesOf(many(3, (index) => (index === 1 ? other : missing(index))))).toHaveLength(4);
  });

  it("keeps hosts and clouds apart", () => {
    const clock = { name: "clock", status: "good", found: "right", durationMs: 0 } as const;
    expect(
      linesOf([
        { ...clock, subject: "AWS" },
        { ...clock, subject: "Tencent Cloud" },
      ]),
    ).toEqual(["✔ clock          AWS: right", "✔ clock          Tencent Cloud: right"]);
  });
});
