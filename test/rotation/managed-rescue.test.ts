import { describe, expect, it } from "vitest";
import type { SecretStore, Step } from "../../lib/ports.ts";
import type { Context } from "../../lib/rotation/context.ts";
import { runStep } from "../../lib/rotation/managed.ts";
import { changeInConsole } from "./console.ts";
import { createRig, FIRST_PASSWORD, INSTANCE, NAME, type Rig } from "./rig.ts";

function step(rig: Rig, name: Step, token: string, changes: Partial<Context> = {}): Promise<void> {
  return runStep(rig.run(changes), { step: name, secretId: NAME, token });
}

const takeLabelOff = (rig: Rig, token: string) => rig.store.release(NAME, token);

/** A version whose password Redis has, and whose label somebody took off. */
async function strandedVersion(rig: Rig): Promise<string> {
  const token = rig.startManaged();
  await step(rig, "createSecret", token);
  await step(rig, "setSecret", token);
  await takeLabelOff(rig, token);
  return token;
}

describe("a version whose label was taken off while its password was on the way", () => {
  it.each<Step>(["setSecret", "testSecret", "finishSecret"])(
    "becomes current in the next call of %s, which says that it was not pending",
    async (name) => {
      const rig = createRig();
      const token = await strandedVersion(rig);
      const steps = rig.events.filter(({ type }) => type === "step").length;
      await expect(step(rig, name, token)).rejects.toMatchObject({
        code: "VersionNotPending",
        effect: "none",
        message: `Secret ${NAME}: version ${token} is not pending`,
      });
      expect([rig.at("AWSCURRENT"), rig.passwordAt("AWSPREVIOUS")]).toEqual([token, FIRST_PASSWORD]);
      expect(rig.events.filter(({ type }) => type === "step")).toHaveLength(steps);
    },
  );

  it("is left alone by createSecret", async () => {
    const rig = createRig();
    const token = await strandedVersion(rig);
    await expect(step(rig, "createSecret", token)).rejects.toMatchObject({ code: "VersionNotPending" });
    expect(rig.passwordAt("AWSCURRENT")).toBe(FIRST_PASSWORD);
  });

  it("is left alone where Redis has another password by now", async () => {
    const rig = createRig();
    const token = await strandedVersion(rig);
    await rig.redis.setPassword(INSTANCE.instanceId, "default", FIRST_PASSWORD);
    await expect(step(rig, "testSecret", token)).rejects.toMatchObject({ code: "VersionNotPending" });
    expect(rig.passwordAt("AWSCURRENT")).toBe(FIRST_PASSWORD);
  });

  it("is left alone where Redis cannot be asked", async () => {
    const rig = createRig();
    const token = await strandedVersion(rig);
    rig.redis.unknownNext(Number.POSITIVE_INFINITY);
    await expect(step(rig, "testSecret", token)).rejects.toMatchObject({ code: "VersionNotPending" });
    await expect(step(rig, "testSecret", token, { verify: "task" })).rejects.toMatchObject({
      code: "VersionNotPending",
    });
    expect(rig.passwordAt("AWSCURRENT")).toBe(FIRST_PASSWORD);
  });

  it("is left alone where it carries another label", async () => {
    const rig = createRig();
    const first = rig.at("AWSCURRENT") ?? "";
    const token = rig.startManaged();
    for (const name of ["createSecret", "setSecret", "testSecret", "finishSecret"] as const) {
      await step(rig, name, token);
    }
    await rig.redis.setPassword(INSTANCE.instanceId, "default", FIRST_PASSWORD);
    await expect(step(rig, "testSecret", first)).rejects.toMatchObject({ code: "VersionNotPending" });
    expect([rig.at("AWSCURRENT"), rig.at("AWSPREVIOUS")]).toEqual([token, first]);
  });

  it("becomes current at the end of its setSecret, where only the task's word counts", async () => {
    const rig = createRig();
    const token = rig.startManaged();
    await step(rig, "createSecret", token);
    rig.redis.unknownNext(Number.POSITIVE_INFINITY);
    const setting = step(rig, "setSecret", token, { verify: "task" });
    await rig.clock.sleep(3_000);
    await takeLabelOff(rig, token);
    await setting;
    expect([rig.at("AWSCURRENT"), rig.passwordAt("AWSPREVIOUS")]).toEqual([token, FIRST_PASSWORD]);
  });
});

describe("setSecret, where only the task's word counts", () => {
  it("leaves a version that is pending still to finishSecret", async () => {
    const rig = createRig();
    const token = rig.startManaged();
    await step(rig, "createSecret", token, { verify: "task" });
    rig.redis.unknownNext(Number.POSITIVE_INFINITY);
    await step(rig, "setSecret", token, { verify: "task" });
    expect([rig.at("AWSPENDING"), rig.passwordAt("AWSCURRENT")]).toEqual([token, FIRST_PASSWORD]);
    await step(rig, "testSecret", token, { verify: "task" });
    await step(rig, "finishSecret", token, { verify: "task" });
    expect([rig.at("AWSPENDING"), rig.at("AWSCURRENT")]).toEqual([undefined, token]);
  });
});

describe("a secret that Secrets Manager does not rotate", () => {
  it("is refused by its name", async () => {
    const rig = createRig();
    const token = rig.putPending({ password: "joined-password-1" });
    await expect(step(rig, "setSecret", token)).rejects.toMatchObject({
      code: "RotationDisabled",
      effect: "none",
      message: `Secret ${NAME}: rotation is not enabled`,
    });
  });
});

describe("createSecret", () => {
  it.each([["rotation-token-1"], [undefined]])(
    "hands the rotation token %s on to the secret manager",
    async (rotationToken) => {
      const rig = createRig();
      const token = rig.startManaged();
      const asked: object[] = [];
      const store: SecretStore = {
        ...rig.store,
        stage(secretId, version) {
          asked.push({ ...version, text: "" });
          return rig.store.stage(secretId, version);
        },
      };
      const request = { step: "createSecret", secretId: NAME, token } as const;
      await runStep(rig.run({ store }), { ...request, ...(rotationToken && { rotationToken }) });
      expect(asked).toStrictEqual([
        { versionId: token, text: "", isPending: true, ...(rotationToken && { rotationToken }) },
      ]);
    },
  );
});

describe("setSecret", () => {
  it("asks for the task's last word, for the log", async () => {
    const rig = createRig({ taskTailMs: 0 });
    const token = rig.startManaged();
    await step(rig, "createSecret", token);
    await step(rig, "setSecret", token);
    const [last] = rig.events.filter(({ type }) => type === "task").slice(-1);
    expect(last).toMatchObject({ taskId: 16_657, state: "succeeded" });
  });

  it("asks the control plane nothing where Redis has the password already", async () => {
    const rig = createRig();
    const token = rig.startManaged();
    await step(rig, "createSecret", token);
    await rig.redis.setPassword(INSTANCE.instanceId, "default", rig.passwordAt("AWSPENDING") ?? "");
    const before = rig.tencentDb.calls.length;
    await step(rig, "setSecret", token);
    expect(rig.tencentDb.calls).toHaveLength(before);
  });
});

describe("testSecret without a pending value", () => {
  it("names the instance that the current password does not open", async () => {
    const rig = createRig();
    await rig.redis.setPassword(INSTANCE.instanceId, "default", "changed-by-hand-1");
    await expect(step(rig, "testSecret", rig.startManaged(false))).rejects.toMatchObject({
      code: "CurrentPasswordRejected",
      effect: "none",
      message: expect.stringContaining(
        `${NAME} does not open instance ${INSTANCE.instanceId} in ap-guangzhou`,
      ),
    });
  });
});

describe("finishSecret", () => {
  it("waits for the path to Redis also where no task runs any more, and then promotes", async () => {
    const rig = createRig();
    const token = rig.startManaged();
    await step(rig, "createSecret", token);
    await step(rig, "setSecret", token);
    await rig.clock.sleep(20_000);
    rig.redis.unknownNext(50);
    await step(rig, "finishSecret", token);
    expect(rig.at("AWSCURRENT")).toBe(token);
  });

  it("asks no more than whether the password opens Redis, and names the instance where it does not", async () => {
    const rig = createRig();
    const token = rig.startManaged();
    await step(rig, "createSecret", token);
    await expect(step(rig, "finishSecret", token)).rejects.toMatchObject({
      code: "NewPasswordRejected",
      effect: "none",
      message: `The pending password does not open instance ${INSTANCE.instanceId} in ${INSTANCE.region}`,
    });
    expect(rig.calls("ResetPassword")).toBe(0);
  });

  it("refuses a password that was never sent where Redis cannot be asked and the task's word counts", async () => {
    const rig = createRig({ secret: { host: "10.0.0.99" }, context: { verify: "task" } });
    const token = rig.startManaged();
    await step(rig, "createSecret", token);
    await expect(step(rig, "finishSecret", token)).rejects.toMatchObject({ code: "NewPasswordRejected" });
    expect(rig.passwordAt("AWSCURRENT")).toBe(FIRST_PASSWORD);
  });

  it("waits for a task that runs still", async () => {
    const rig = createRig();
    const token = rig.startManaged();
    await step(rig, "createSecret", token);
    await changeInConsole(rig, rig.passwordAt("AWSPENDING") ?? "");
    await step(rig, "finishSecret", token);
    expect([rig.at("AWSCURRENT"), rig.calls("ResetPassword")]).toEqual([token, 1]);
  });

  it.each(["auth", "task"] as const)(
    "refuses a password that Redis rejects though a task has succeeded (VERIFY=%s)",
    async (verify) => {
      const rig = createRig();
      const token = rig.startManaged();
      await step(rig, "createSecret", token);
      await changeInConsole(rig, "set-in-the-console-1");
      await rig.clock.sleep(9_500);
      await expect(step(rig, "finishSecret", token, { verify })).rejects.toMatchObject({
        code: "NewPasswordRejected",
      });
      expect(rig.passwordAt("AWSCURRENT")).toBe(FIRST_PASSWORD);
    },
  );

  it("takes the label off a version that is current already", async () => {
    const rig = createRig();
    const token = rig.startManaged();
    for (const name of ["createSecret", "setSecret", "testSecret"] as const) await step(rig, name, token);
    rig.secretsManager.call("UpdateSecretVersionStage", {
      SecretId: NAME,
      VersionStage: "AWSCURRENT",
      MoveToVersionId: token,
      RemoveFromVersionId: rig.at("AWSCURRENT") ?? "",
    });
    await step(rig, "testSecret", token);
    expect(rig.at("AWSPENDING")).toBe(token);
    await step(rig, "finishSecret", token);
    expect([rig.at("AWSPENDING"), rig.at("AWSCURRENT")]).toEqual([undefined, token]);
  });
});
