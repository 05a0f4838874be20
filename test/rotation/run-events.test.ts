import { describe, expect, it } from "vitest";
import { runStep } from "../../lib/rotation/managed.ts";
import { rotateSecret } from "../../lib/rotation/rotate.ts";
import { DUE, rotated } from "./expectations.ts";
import { createRig, INSTANCE, NAME, type Rig } from "./rig.ts";

describe("the events of a rotation", () => {
  it("are one for each thing done, with whose it was and how long it took", async () => {
    const rig = createRig();
    const start = rig.clock.now();
    const { durationMs } = await rotateSecret(rig.context, NAME, DUE);
    const versionId = rig.at("AWSCURRENT");
    const instance = { secretId: NAME, instanceId: INSTANCE.instanceId, region: INSTANCE.region };
    const step = (name: string, least: number, most: number, task: object = { taskId: 16_657 }) => ({
      type: "step",
      step: name,
      ...instance,
      ...task,
      versionId,
      durationMs: expect.toSatisfy((ms: number) => ms >= least && ms <= most),
    });
    expect(rig.events).toStrictEqual([
      step("createSecret", 0, 0, {}),
      { type: "sent", ...instance, taskId: 16_657 },
      { type: "task", ...instance, taskId: 16_657, state: "running" },
      step("setSecret", 8_500, 8_700),
      step("testSecret", 0, 0),
      step("finishSecret", 0, 0),
      { type: "task", ...instance, taskId: 16_657, state: "succeeded" },
    ]);
    expect(rig.clock.now() - start).toBe(durationMs);
  });

  it("name no version where Secrets Manager only has the configuration tested", async () => {
    const rig = createRig();
    const token = rig.startManaged(false);
    await runStep(rig.context, { step: "testSecret", secretId: NAME, token });
    expect(rig.events).toStrictEqual([{ type: "step", step: "testSecret", secretId: NAME, durationMs: 0 }]);
  });
});

describe("a driven run asks no more than it needs", () => {
  it("of the secret manager", async () => {
    const rig = createRig();
    const before = rig.secretsManager.calls.length;
    await rotated(rig);
    const [described, read, stored, moved] = [
      "DescribeSecret",
      "GetSecretValue",
      "PutSecretValue",
      "UpdateSecretVersionStage",
    ].map((action) => rig.secretsManager.calls.slice(before).filter((call) => call.action === action).length);
    expect({ stored, moved, read }).toEqual({ stored: 1, moved: 3, read: 1 });
    expect(described).toBeLessThanOrEqual(6);
  });

  it("of Redis: a rotation that another run has finished is not proven again", async () => {
    let probesSince = 0;
    let isOvertaken = false;
    const rig: Rig = createRig({
      storeAt: async ({ call, phase }) => {
        if (call !== "stage" || phase !== "before" || isOvertaken) return;
        isOvertaken = true;
        await rotated(rig);
        probesSince = rig.redis.probes;
        rig.redis.unknownNext(Number.POSITIVE_INFINITY);
      },
    });
    expect(await rotateSecret(rig.context, NAME, DUE)).toMatchObject({
      status: "rotated",
      versionId: rig.at("AWSCURRENT"),
    });
    expect(rig.redis.probes).toBe(probesSince);
  });
});

describe("a managed step that comes too early", () => {
  it.each(["setSecret", "finishSecret"] as const)("%s says that createSecret is missing", async (step) => {
    const rig = createRig();
    const token = rig.startManaged();
    await expect(runStep(rig.context, { step, secretId: NAME, token })).rejects.toMatchObject({
      code: "VersionNotPending",
      effect: "none",
      message: `The pending version of secret ${NAME} has no value: run createSecret first`,
    });
  });
});
