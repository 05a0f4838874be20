import { expect, it } from "vitest";
import type { Findings } from "../../lib/rotation/answer.ts";
import { runStep } from "../../lib/rotation/managed.ts";
import { rotateSecret } from "../../lib/rotation/rotate.ts";
import { DUE } from "./expectations.ts";
import { createRig, INSTANCE, NAME } from "./rig.ts";

it("a run tells since when the version was pending that it found, and nothing of one that it stored itself", async () => {
  const rig = createRig({ taskDurationMs: 7_200_000 });
  const startedAt = rig.clock.now();
  const first = await rotateSecret(rig.run({}, 60_000), NAME, DUE);
  expect([first.status, first.pendingSince]).toEqual(["in-progress", undefined]);
  await rig.clock.sleep(3_600_000);
  const second = await rotateSecret(rig.run({}, 60_000), NAME, DUE);
  expect(second.status).toBe("in-progress");
  const sinceMs = Date.parse(second.pendingSince ?? "") - startedAt;
  expect(sinceMs).toBeGreaterThanOrEqual(0);
  expect(sinceMs).toBeLessThan(60_000);
});

it("a version that was given up since the secret was edited counts for nothing", async () => {
  const rig = createRig();
  rig.putPending({ password: "pending-password-1", ssl: true });
  const result = await rotateSecret(rig.run(), NAME, DUE);
  expect(result).toMatchObject({ status: "rotated" });
  expect(result).not.toHaveProperty("pendingSince");
});

it("a step that fails leaves behind what is known of the pending version", async () => {
  const rig = createRig({ taskDurationMs: 7_200_000 });
  const token = rig.startManaged();
  const findings: Findings = {};
  const step = (name: "createSecret" | "setSecret") =>
    runStep(rig.run({}, 60_000), { step: name, secretId: NAME, token }, findings);
  await step("createSecret");
  const storedAt = findings.pendingSince;
  await rig.clock.sleep(3_600_000);
  await expect(step("setSecret")).rejects.toMatchObject({ code: "InProgress" });
  const { instanceId, region } = INSTANCE;
  expect(findings).toEqual({ instanceId, region, versionId: token, pendingSince: storedAt });
});
