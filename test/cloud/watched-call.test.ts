import { describe, expect, it } from "vitest";
import { type CallMoment, DroppedCall, underWatch } from "./watched-call.ts";

const call = { callId: "1", action: "ResetPassword" };

describe("underWatch", () => {
  it.each([
    ["goes on", undefined, ["before", "effect", "after"], "answer"],
    ["is stopped before", "before", ["before"], "dropped"],
    ["is stopped after", "after", ["before", "effect", "after"], "dropped"],
  ] as const)("of a call that %s its effect", async (_, stopAt, happened, ending) => {
    const seen: string[] = [];
    const watcher = async ({ when }: CallMoment) => {
      seen.push(when);
      return when !== stopAt;
    };
    const result = underWatch(watcher, call, () => {
      seen.push("effect");
      return "answer";
    }).catch((error: unknown) => (error instanceof DroppedCall ? "dropped" : error));
    expect(await result).toBe(ending);
    expect(seen).toEqual(happened);
  });

  it("tells the watcher of a refusal before the caller", async () => {
    const seen: string[] = [];
    const watcher = async ({ when }: CallMoment) => seen.push(when) > 0;
    const refused = underWatch(watcher, call, () => Promise.reject(new Error("refused")));
    await expect(refused).rejects.toThrow("refused");
    expect(seen).toEqual(["before", "after"]);
  });
});
