import { describe, expect, it } from "vitest";
import { type Live, type Move, plan, type Verify, type View } from "../../lib/rotation/plan.ts";

const SEEN: View = { current: "v1", pending: "v2", live: "other", instance: "running" };

describe("the plan", () => {
  it.each<[string, Partial<View>, Verify, Move]>([
    ["pending is current already", { pending: "v1" }, "auth", "done"],
    ["pending is current and the instance is gone", { pending: "v1", instance: "gone" }, "auth", "done"],
    ["the instance is gone", { instance: "gone" }, "auth", "fail"],
    ["Redis has the pending password", { live: "pending" }, "auth", "testSecret"],
    ["Redis has it while the task still runs", { live: "pending", task: "running" }, "auth", "testSecret"],
    ["Redis has it though the task failed", { live: "pending", task: "failed" }, "auth", "testSecret"],
    ["a task is running", { task: "running" }, "auth", "wait"],
    ["a task is running and Redis cannot be asked", { task: "running", live: "unknown" }, "task", "wait"],
    ["the instance is busy", { instance: "busy" }, "auth", "wait"],
    ["the task succeeded and Redis cannot be asked", { task: "succeeded", live: "unknown" }, "auth", "hold"],
    [
      "the same, where the task's word is enough",
      { task: "succeeded", live: "unknown" },
      "task",
      "finishSecret",
    ],
    ["the task succeeded and Redis does not show it yet", { task: "succeeded" }, "auth", "hold"],
    ["the same, where the task's word would be enough", { task: "succeeded" }, "task", "hold"],
    ["another password opens Redis and there is no task", {}, "auth", "setSecret"],
    ["Redis cannot be asked and there is no task", { live: "unknown" }, "auth", "hold"],
    ["Redis cannot be asked and the task failed", { live: "unknown", task: "failed" }, "auth", "hold"],
    [
      "the same, where the task's word would be enough",
      { live: "unknown", task: "failed" },
      "task",
      "setSecret",
    ],
    ["Redis cannot be asked, which is no hindrance", { live: "unknown" }, "task", "setSecret"],
    ["the task failed", { task: "failed" }, "auth", "setSecret"],
  ])("where %s", (_what, seen, verify, move) => {
    expect(plan({ ...SEEN, ...seen }, verify)).toBe(move);
  });

  it("where nothing is pending, or what is pending has no value", () => {
    const { pending: _, ...seen } = SEEN;
    expect(plan(seen, "auth")).toBe("createSecret");
    expect(plan({ ...seen, instance: "busy" }, "auth")).toBe("createSecret");
    expect(plan({ live: "unknown", instance: "running" }, "auth")).toBe("createSecret");
  });

  it("never sends a password while a task is under way, and never finishes without proof or the task's word", () => {
    for (const live of ["pending", "other", "unknown"] satisfies Live[]) {
      for (const task of ["running", "succeeded", "failed", undefined] as const) {
        for (const instance of ["running", "busy", "gone"] as const) {
          for (const verify of ["auth", "task"] satisfies Verify[]) {
            const move = plan({ ...SEEN, live, instance, ...(task && { task }) }, verify);
            if (move === "setSecret") expect([task === "running", instance]).toEqual([false, "running"]);
            if (move === "finishSecret") expect([task, verify]).toEqual(["succeeded", "task"]);
            if (move === "testSecret") expect(live).toBe("pending");
          }
        }
      }
    }
  });
});
