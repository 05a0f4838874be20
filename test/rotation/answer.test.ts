import { describe, expect, it } from "vitest";
import { RotationError } from "../../lib/errors.ts";
import type { Status } from "../../lib/ports.ts";
import { attempt, summarize } from "../../lib/rotation/answer.ts";
import { requireTime } from "../../lib/rotation/deadline.ts";
import { createRig, NAME } from "./rig.ts";

describe("the summary of a run", () => {
  it.each<[Status, string]>([
    ["rotated", "rotated"],
    ["in-progress", "inProgress"],
    ["not-due", "notDue"],
    ["planned", "planned"],
    ["ok", "ok"],
    ["drift", "drift"],
    ["failed", "failed"],
  ])("counts what is %s as %s, and nothing else", (status, name) => {
    const nothing = { rotated: 0, inProgress: 0, notDue: 0, planned: 0, ok: 0, drift: 0, failed: 0 };
    const result = { secretId: NAME, status, durationMs: 1 };
    expect(summarize("rotate", [])).toEqual({ action: "rotate", results: [], summary: nothing });
    expect(summarize("rotate", [result, result]).summary).toEqual({ ...nothing, [name]: 2 });
  });
});

describe("the result of an action", () => {
  it("tells what was found until it failed, the cloud's request, and what the operator does next", async () => {
    const { context, clock } = createRig();
    const result = await attempt(context, NAME, async (findings) => {
      findings.versionId = "v1";
      await clock.sleep(700);
      throw new RotationError("Throttled", "Slow down", { effect: "none", requestId: "request-1" });
    });
    expect(result).toEqual({
      secretId: NAME,
      versionId: "v1",
      status: "failed",
      durationMs: 700,
      error: {
        code: "Throttled",
        message: "Slow down. Nothing: the next run carries on.",
        effect: "none",
        requestId: "request-1",
      },
    });
  });

  it("has no error where nothing failed, and no request where the cloud named none", async () => {
    const { context } = createRig();
    expect(await attempt(context, NAME, async () => "ok")).toEqual({
      secretId: NAME,
      status: "ok",
      durationMs: 0,
    });
    const failed = await attempt(context, NAME, () => Promise.reject(new TypeError("x")));
    expect(Object.keys(failed.error ?? {})).toEqual(["code", "message", "effect"]);
  });

  it("is in-progress, and nothing is done, where the time is over before the secret's turn", async () => {
    const { run } = createRig();
    let isDone = false;
    const result = await attempt(run({}, 0), NAME, async () => {
      isDone = true;
      return "ok";
    });
    expect([result.status, isDone]).toEqual(["in-progress", false]);
    expect(result.error).toMatchObject({
      code: "InProgress",
      effect: "none",
      message: expect.stringContaining("The time of this run ended before this secret's turn"),
    });
  });
});

describe("time that is needed", () => {
  it("must be left, and a little more", () => {
    const { run } = createRig();
    const ask = () => requireTime(run({}, 1_000), 1_000, "too early", "unknown");
    expect(ask).toThrow(expect.objectContaining({ code: "InProgress", effect: "unknown" }));
    expect(() => requireTime(run({}, 1_001), 1_000, "too early", "unknown")).not.toThrow();
  });
});
