import { describe, expect, it } from "vitest";
import { ERRORS } from "../../lib/errors.ts";
import { forecast } from "../../lib/pace.ts";
import type { Answer } from "../../lib/ports.ts";
import { summarize } from "../../lib/rotation/answer.ts";
import { problemsOf, SCHEMA } from "./answer-schema.ts";

const RESULT = { secretId: "redis/orders", status: "planned", durationMs: 12 } as const;
const answer: Answer = {
  ...summarize("plan", [
    RESULT,
    { ...RESULT, instanceId: "crs-1", region: "ap-guangzhou", dueAt: "2026-01-02T03:04:05.678Z" },
  ]),
  forecast: forecast([RESULT], { store: "aws", canary: 1, callsPerSecond: undefined }),
};

describe("the schema of answers", () => {
  it("knows every code that an answer can carry, and the command's own", () => {
    expect(SCHEMA.$defs.code.enum).toEqual([...Object.keys(ERRORS), "UsageError", "NotConfirmed"]);
  });

  it("accepts what is answered, with a forecast", () => {
    expect(problemsOf(answer)).toEqual([]);
  });

  it.each<[string, unknown]>([
    ["a field that it does not know", { ...answer, password: "x" }],
    ["a result with a field that it does not know", { ...answer, results: [{ ...RESULT, password: "x" }] }],
    ["a status that it does not know", { ...answer, results: [{ ...RESULT, status: "done" }] }],
    ["a code that it does not know", { error: { code: "Surprise", message: "x", effect: "none" } }],
    ["an answer without a summary", { action: "plan", results: [] }],
    [
      "an answer and an error in one",
      { ...answer, error: { code: "Internal", message: "x", effect: "none" } },
    ],
  ])("refuses %s", (_, document) => {
    expect(problemsOf(document)).not.toEqual([]);
  });
});
