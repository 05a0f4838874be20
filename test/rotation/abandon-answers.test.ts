import { describe, expect, it } from "vitest";
import { abandonSecret } from "../../lib/rotation/abandon.ts";
import { changeInConsole } from "./console.ts";
import { createRig, INSTANCE, NAME } from "./rig.ts";

const PENDING = { password: "pending-password-1" };

describe("abandon says why it keeps a version", () => {
  it("whose task may still set its password, by the task's id", async () => {
    const rig = createRig();
    rig.putPending(PENDING);
    const taskId = await changeInConsole(rig, PENDING.password);
    const { error } = await abandonSecret(rig.context, NAME, false);
    expect(error).toMatchObject({ code: "RotationPending", effect: "none" });
    expect(error?.message).toContain(
      `The pending version of secret ${NAME} is kept: task ${taskId} may still set its password`,
    );
  });

  it("that a task may set whose id cannot be asked for", async () => {
    const rig = createRig();
    rig.putPending(PENDING);
    rig.tencentDb.failNext("DescribeTaskList", { kind: "error", code: "InternalError" }, { times: 99 });
    const { error } = await abandonSecret(rig.context, NAME, false);
    expect(error?.message).toContain("is kept: a task may still set its password");
  });

  it("whose password Redis has", async () => {
    const rig = createRig();
    rig.putPending(PENDING);
    await rig.redis.setPassword(INSTANCE.instanceId, "default", PENDING.password);
    const { error } = await abandonSecret(rig.context, NAME, false);
    expect(error?.message).toContain("is kept: its password may be the one that Redis has");
  });
});

describe("abandon", () => {
  it("tells of the version that it gave up", async () => {
    const rig = createRig();
    const versionId = rig.putPending(PENDING);
    const result = await abandonSecret(rig.context, NAME, false);
    expect(result).toMatchObject({ status: "ok", versionId, instanceId: INSTANCE.instanceId });
    expect(rig.events).toEqual([{ type: "released", secretId: NAME, versionId }]);
  });

  it("takes the label off a version that is current too", async () => {
    const rig = createRig();
    const current = rig.at("AWSCURRENT") ?? "";
    rig.secretsManager.call("UpdateSecretVersionStage", {
      SecretId: NAME,
      VersionStage: "AWSPENDING",
      MoveToVersionId: current,
    });
    expect(await abandonSecret(rig.context, NAME, false)).toMatchObject({ status: "ok" });
    expect([rig.at("AWSPENDING"), rig.at("AWSCURRENT")]).toEqual([undefined, current]);
  });
});
