import { describe, expect, it } from "vitest";
import { count, duration, headlineOf } from "../../../handler/report/words.ts";
import type { Action, SecretResult, Status } from "../../../lib/ports.ts";
import { summarize } from "../../../lib/rotation/answer.ts";

const answer = (action: Action, ...statuses: readonly Status[]) =>
  summarize(
    action,
    statuses.map((status, index): SecretResult => ({ secretId: `redis/${index}`, status, durationMs: 1 })),
  );

describe("a headline", () => {
  it.each<[Action, Status[], string]>([
    ["rotate", ["rotated", "rotated"], "All 2 secrets rotated"],
    ["rotate", ["rotated", "not-due"], "1 of 2 secrets rotated"],
    [
      "rotate",
      ["rotated", "failed", "in-progress", "failed"],
      "1 of 4 secrets rotated, 2 failed, 1 in progress",
    ],
    ["rollback", ["rotated"], "redis/0: rolled back"],
    ["rollback", ["failed"], "redis/0: failed"],
    ["plan", ["planned", "not-due"], "1 of 2 secrets to be rotated"],
    ["status", ["planned", "in-progress"], "1 of 2 secrets due, 1 in progress"],
    ["verify", ["ok", "drift"], "1 of 2 secrets verified, 1 drifted"],
    ["abandon", ["ok"], "redis/0: without a pending version"],
    ["rotate", [], "No secret was found"],
  ])("of %s with %j is: %s", (action, statuses, headline) => {
    expect(headlineOf(answer(action, ...statuses))).toBe(headline);
  });
});

describe("a length of time", () => {
  it.each([
    [0, "0 ms"],
    [999.4, "999 ms"],
    [999.6, "1.0 s"],
    [59_940, "59.9 s"],
    [59_960, "1 min 0 s"],
    [125_400, "2 min 5 s"],
    [3_599_600, "1 h 0 min"],
    [3_840_000, "1 h 4 min"],
  ])("of %d ms is %s", (ms, text) => {
    expect(duration(ms)).toBe(text);
  });
});

describe("a count", () => {
  it("has its thousands apart", () => {
    expect([count(999), count(12_345)]).toEqual(["999", "12\u202f345"]);
  });
});
