import { describe, expect, it } from "vitest";
import { followProgress } from "../../../handler/cli/progress.ts";
import { RotationError } from "../../../lib/errors.ts";
import type { RotationEvent, SecretResult } from "../../../lib/ports.ts";

const START = 1_000_000;
const PLACE = { instanceId: "crs-1", region: "ap-guangzhou" };
const error = new RotationError("AccessDenied", "no", { effect: "none" });

const follow = (total: number, perSecond = 10) => followProgress({ total, perSecond, startedAt: START });
const step = (
  secretId: string,
  name: "createSecret" | "setSecret" | "testSecret" | "finishSecret",
): RotationEvent => ({
  type: "step",
  step: name,
  secretId,
  durationMs: 5,
});
const result = (
  secretId: string,
  status: SecretResult["status"] = "rotated",
  durationMs = 9_000,
): SecretResult => ({
  secretId,
  status,
  durationMs,
});

describe("what a secret is doing", () => {
  it.each<[string, RotationEvent]>([
    ["setSecret", step("a", "createSecret")],
    ["testSecret", step("a", "setSecret")],
    ["finishSecret", step("a", "testSecret")],
    ["current, until the task has ended", step("a", "finishSecret")],
    ["setSecret: task 7 has begun", { type: "sent", secretId: "a", ...PLACE, taskId: 7 }],
    ["setSecret: task 7 running", { type: "task", secretId: "a", ...PLACE, taskId: 7, state: "running" }],
    ["setSecret: AccessDenied", { type: "refused", secretId: "a", ...PLACE, error }],
    [
      "createSecret: AccessDenied",
      { type: "step", step: "createSecret", secretId: "a", durationMs: 5, error },
    ],
  ])("is %s", (doing, event) => {
    const progress = follow(1);
    progress.onEvent?.(event, START);
    expect(progress.at(START).going).toEqual([{ secretId: "a", sinceMs: START, doing }]);
  });

  it("stays what it was where a pending version is released", () => {
    const progress = follow(1);
    progress.onEvent?.({ type: "refused", secretId: "a", ...PLACE, error }, START);
    progress.onEvent?.({ type: "released", secretId: "a", versionId: "v" }, START + 5);
    expect(progress.at(START).going).toMatchObject([{ sinceMs: START, doing: "setSecret: AccessDenied" }]);
  });
});

describe("how far a run is", () => {
  it("counts what has ended by how it ended, and lists what is under way, the longest first", () => {
    const progress = follow(5);
    for (const secretId of ["a", "b", "c"])
      progress.onEvent?.(step(secretId, "createSecret"), START + secretId.charCodeAt(0));
    progress.onResult?.(result("b"), START + 9_000);
    progress.onResult?.(result("d", "not-due", 5), START + 9_000);
    const { ended, counts, going } = progress.at(START + 9_000);
    expect([ended, [...counts]]).toEqual([
      2,
      [
        ["rotated", 1],
        ["not-due", 1],
      ],
    ]);
    expect(going.map(({ secretId }) => secretId)).toEqual(["a", "c"]);
  });

  it("guesses nothing before anything has happened", () => {
    expect(follow(3).at(START + 5_000).leftMs).toBeUndefined();
  });

  it("takes a rotation for ten seconds until one has ended, and a canary's time before the others'", () => {
    const progress = follow(21);
    progress.onEvent?.(step("a", "createSecret"), START);
    // The canary has six to go; then twenty begin within two seconds, and the last one takes ten.
    expect(progress.at(START + 4_000).leftMs).toBe(6_000 + 2_000 + 10_000);
  });

  it("takes it for as long as those took that have ended", () => {
    const progress = follow(3);
    for (const secretId of ["a", "b", "c"]) progress.onEvent?.(step(secretId, "createSecret"), START);
    progress.onResult?.(result("a", "rotated", 4_000), START + 4_000);
    progress.onResult?.(result("b", "rotated", 6_000), START + 4_500);
    expect(progress.at(START + 4_500).leftMs).toBe(500);
    expect(progress.at(START + 7_000).leftMs).toBe(0);
  });

  it("goes by what has been looked at where nothing is rotated", () => {
    const progress = follow(4);
    progress.onResult?.(result("a", "ok", 5), START + 1_000);
    expect(progress.at(START + 1_000).leftMs).toBe(3_000);
  });
});
