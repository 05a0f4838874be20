import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { pointNamed, watchFor } from "./call-point.ts";
import { type FlowName, killAt } from "./kill-matrix.ts";
import { type Race, race } from "./process-races.ts";
import { type Bundles, buildBundles, createWorld } from "./process-world.ts";

const TIMER = { Type: "Timer", TriggerName: "daily", Time: "2026-02-21T11:49:00Z", Message: "" };

let bundles: Bundles;
beforeAll(async () => {
  bundles = await buildBundles();
});
afterAll(() => bundles.remove());

describe.concurrent("a process killed", { timeout: 60_000 }, () => {
  const kills: readonly (readonly [FlowName, string])[] = [
    ["driven", "after PutSecretValue 1"],
    ["driven", "after ResetPassword 1"],
    ["driven", "after AUTH 4"],
    ["driven", "after UpdateSecretVersionStage 1"],
    ["managed", "after ResetPassword 1"],
    ["managed", "before UpdateSecretVersionStage 1"],
    ["rollback", "after PutSecretValue 1"],
    ["rollback", "after ResetPassword 1"],
  ];
  it.each(kills)("in a %s run, %s, leaves nothing that the next run does not finish", async (flow, point) => {
    expect(await killAt(bundles, flow, pointNamed(point))).toMatchObject({
      reached: true,
      stranded: false,
      flaws: [],
    });
  });
});

describe.concurrent("a second process that runs", { timeout: 60_000 }, () => {
  const races: readonly (readonly [Race["manner"], string, Race["first"]])[] = [
    ["held", "before PutSecretValue 1", "driven"],
    ["held", "before ResetPassword 1", "managed"],
    ["side by side", "before ResetPassword 1", "driven"],
  ];
  it.each(races)(
    "while the first is %s %s of a %s run ends with it on one password",
    async (manner, point, first) => {
      expect(await race(bundles, { first, manner, point: pointNamed(point) })).toMatchObject({
        reached: true,
        stranded: false,
        flaws: [],
      });
    },
  );
});

describe.concurrent("SCF's two retries with the same event", { timeout: 60_000 }, () => {
  it("carry on where the process was killed, and send nothing again", async () => {
    const watcher = watchFor(pointNamed("after ResetPassword 1"), async () => {
      await world.kill();
      return false;
    });
    const world = await createWorld(bundles, { platform: "scf", onCall: watcher.onCall });
    try {
      await expect(world.invoke(TIMER)).rejects.toThrow("The function ended");
      expect(await world.invoke(TIMER)).toMatchObject({ summary: { rotated: 1, failed: 0 } });
      expect(await world.invoke(TIMER)).toMatchObject({ summary: { notDue: 1, failed: 0 } });
      expect(await world.flaws({ passwordsSent: 1 })).toEqual([]);
      expect(world.cloud.tencentDb.calls.filter(({ action }) => action === "ResetPassword")).toHaveLength(1);
    } finally {
      await world.close();
    }
  });

  it("send the same password again where it was refused", async () => {
    const world = await createWorld(bundles, { platform: "scf" });
    try {
      const code = "UnauthorizedOperation";
      world.cloud.tencentDb.failNext("ResetPassword", { kind: "error", code }, { times: 2 });
      await expect(world.invoke(TIMER)).rejects.toThrow(code);
      await expect(world.invoke(TIMER)).rejects.toThrow(code);
      expect(await world.invoke(TIMER)).toMatchObject({ summary: { rotated: 1, failed: 0 } });
      expect(await world.flaws({ passwordsSent: 1 })).toEqual([]);
    } finally {
      await world.close();
    }
  });
});

describe.concurrent("the matrix", { timeout: 60_000 }, () => {
  it("sees a password that stands in no version", async () => {
    const world = await createWorld(bundles);
    try {
      expect(await world.isOpenerReadable()).toBe(true);
      await world.changeByHand();
      expect(await world.isOpenerReadable()).toBe(false);
      expect(await world.flaws({ passwordsSent: 0 })).toEqual(["the current password does not open Redis"]);
    } finally {
      await world.close();
    }
  });

  it("sees a rotation that stops half-way", async () => {
    const world = await createWorld(bundles);
    try {
      world.cloud.tencentDb.failNext("ResetPassword", { kind: "error", code: "UnauthorizedOperation" });
      const stopped = world.invoke({ action: "rotate" });
      expect(await stopped).toMatchObject({ summary: { failed: 1 } });
      expect(await world.flaws({ passwordsSent: 0 })).toEqual([
        "a version is pending",
        "1 passwords were sent instead of 0",
      ]);
    } finally {
      await world.close();
    }
  });
});
