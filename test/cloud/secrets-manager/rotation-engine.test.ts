import { describe, expect, it } from "vitest";
import type { Step } from "../../../lib/ports.ts";
import { createVirtualClock } from "../../fakes/clock.ts";
import { createSecretsManager } from "./model.ts";
import { createRotationEngine, type RotationStepEvent } from "./rotation-engine.ts";

const FUNCTION_ARN = "arn:aws:lambda:us-east-1:123456789012:function:rotate";
const MINUTE = 60_000;

interface Setup {
  readonly autoAdvance?: boolean;
  /** How many times each step fails before it passes. */
  readonly failures?: Partial<Record<Step, number>>;
  /** The function does nothing at all. */
  readonly idle?: boolean;
}

/** A secret, and a function that rotates it as AWS's template does: AWSPENDING stays where it is. */
function setUp({ autoAdvance = true, failures = {}, idle = false }: Setup = {}) {
  const clock = createVirtualClock({ autoAdvance });
  let ids = 0;
  const newId = () => `${++ids}`.padStart(32, "0");
  const store = createSecretsManager({ clock, newId });
  const SecretId = "redis";
  const left = { ...failures };
  const events: RotationStepEvent[] = [];
  const holder = (stage: string) =>
    store.inspect(SecretId).versions.find(({ stages }) => stages.includes(stage))?.versionId ?? "";

  store.call("CreateSecret", { Name: SecretId, SecretString: "one" });
  const engine = createRotationEngine({
    secretsManager: store,
    functionArn: FUNCTION_ARN,
    clock,
    newId,
    invoke: async (event) => {
      const { Step: step, ClientRequestToken } = event;
      events.push(event);
      left[step] = (left[step] ?? 0) - 1;
      if (left[step] >= 0) throw new Error(`${step} fails`);
      if (idle) return;
      if (step === "createSecret") {
        const VersionStages = ["AWSPENDING"];
        const SecretString = `value of ${ClientRequestToken}`;
        store.call("PutSecretValue", { SecretId, ClientRequestToken, SecretString, VersionStages });
      } else if (step === "finishSecret") {
        store.call("UpdateSecretVersionStage", {
          SecretId,
          VersionStage: "AWSCURRENT",
          MoveToVersionId: ClientRequestToken,
          RemoveFromVersionId: holder("AWSCURRENT"),
        });
      }
    },
  });
  return {
    clock,
    store,
    engine,
    events,
    first: holder("AWSCURRENT"),
    rotate: (RotateImmediately = true) =>
      store.call("RotateSecret", { SecretId, RotationLambdaARN: FUNCTION_ARN, RotateImmediately }).VersionId,
    labels: () => store.call("DescribeSecret", { SecretId }).VersionIdsToStages,
  };
}

describe("a rotation", () => {
  it("calls the four steps in order, each with the ARN, the token and a rotation token", async () => {
    const { rotate, events, engine, store, labels, first, clock } = setUp();
    const token = rotate();
    expect(events).toEqual([]);
    expect(await engine.ended("redis")).toMatchObject({ kind: "rotate", token, result: "complete" });
    expect(events).toEqual(
      ["createSecret", "setSecret", "testSecret", "finishSecret"].map((Step) => ({
        Step,
        SecretId: store.inspect("redis").arn,
        ClientRequestToken: token,
        RotationToken: expect.stringMatching(/^\S{32,}$/),
      })),
    );
    expect(labels()).toEqual({ [first]: ["AWSPREVIOUS"], [token]: ["AWSCURRENT", "AWSPENDING"] });
    expect(store.inspect("redis").rotatedAtMs).toBe(clock.now());
  });

  it("may follow one whose version is current and still pending", async () => {
    const { rotate, engine, labels } = setUp();
    const second = rotate();
    await engine.ended("redis");
    const third = rotate();
    expect(labels()).toMatchObject({ [second]: ["AWSCURRENT"], [third]: ["AWSPENDING"] });
    expect(await engine.ended("redis")).toMatchObject({ token: third, result: "complete" });
  });

  it("is tried again from its first step and with the same token after a failed step", async () => {
    const { rotate, engine, events, clock } = setUp({ failures: { setSecret: 1, finishSecret: 1 } });
    const began = clock.now();
    const token = rotate();
    const { result, steps } = await engine.ended("redis");
    expect(result).toBe("complete");
    const seen = steps.map(({ attempt, step, startedAt, error }) => {
      return `${(startedAt - began) / MINUTE} min: ${attempt} ${step} ${error === undefined ? "passed" : "failed"}`;
    });
    expect(seen).toEqual([
      "0 min: 1 createSecret passed",
      "0 min: 1 setSecret failed",
      "1 min: 2 createSecret passed",
      "1 min: 2 setSecret passed",
      "1 min: 2 testSecret passed",
      "1 min: 2 finishSecret failed",
      "6 min: 3 createSecret passed",
      "6 min: 3 setSecret passed",
      "6 min: 3 testSecret passed",
      "6 min: 3 finishSecret passed",
    ]);
    expect(new Set(events.map((event) => event.ClientRequestToken))).toEqual(new Set([token]));
  });

  it("fails when no retry is left, and is taken up again by the next RotateSecret, which is refused", async () => {
    const { rotate, engine, labels, first, store } = setUp({ failures: { testSecret: 4 } });
    const token = rotate();
    expect(await engine.ended("redis")).toMatchObject({ result: "failed" });
    expect(labels()).toEqual({ [first]: ["AWSCURRENT"], [token]: ["AWSPENDING"] });
    expect(() => rotate()).toThrow("A previous rotation isn't complete. That rotation will be reattempted.");
    expect(await engine.ended("redis")).toMatchObject({ kind: "reattempt", token, result: "complete" });
    expect(store.inspect("redis").versions).toHaveLength(2);
  });

  it("does not wait for its next retry once RotateSecret is called again", async () => {
    const { rotate, engine, clock } = setUp({ autoAdvance: false, failures: { setSecret: 1 } });
    const token = rotate();
    await clock.advance(1_000);
    expect(() => rotate()).toThrow("That rotation will be reattempted.");
    const { result, token: ended, steps } = await engine.ended("redis");
    expect({ result, ended }).toEqual({ result: "complete", ended: token });
    expect(steps.at(-1)).toMatchObject({ attempt: 2, startedAt: clock.now() });
  });

  it("that passes every step and makes nothing current is incomplete", async () => {
    const { rotate, engine } = setUp({ idle: true });
    rotate();
    expect(await engine.ended("redis")).toMatchObject({ result: "incomplete" });
  });

  it.each(["CancelRotateSecret", "PutSecretValue"] as const)("ends with %s by hand", async (action) => {
    const { rotate, engine, events, clock, store } = setUp({
      autoAdvance: false,
      failures: { setSecret: 9 },
    });
    rotate();
    await clock.advance(1_000);
    store.call(action, { SecretId: "redis", SecretString: "by hand" });
    await clock.advance(MINUTE);
    expect(await engine.ended("redis")).toMatchObject({ result: "cancelled" });
    expect(events).toHaveLength(2);
  });

  it("gives way to the next one after its pending label was taken off", async () => {
    const { rotate, engine, clock, store } = setUp({ autoAdvance: false, failures: { setSecret: 2 } });
    const abandoned = rotate();
    await clock.advance(1_000);
    store.call("UpdateSecretVersionStage", {
      SecretId: "redis",
      VersionStage: "AWSPENDING",
      RemoveFromVersionId: abandoned,
    });
    const before = engine.ended("redis");
    const token = rotate();
    expect(await before).toMatchObject({ token: abandoned, result: "cancelled" });
    await clock.advance(1_000);
    expect(() => rotate()).toThrow("That rotation will be reattempted.");
    expect(await engine.ended("redis")).toMatchObject({ kind: "rotate", token, result: "complete" });
  });
});

describe("a rotation that is not immediate", () => {
  it.each([
    ["passes", 0, "complete"],
    ["fails", 1, "failed"],
  ] as const)(
    "tests the empty pending version alone and takes it away when the test %s",
    async (_, testSecret, result) => {
      const { rotate, engine, events, labels, store, first } = setUp({ failures: { testSecret } });
      const token = rotate(false);
      expect(labels()).toEqual({ [first]: ["AWSCURRENT"], [token]: ["AWSPENDING"] });
      expect(await engine.ended("redis")).toMatchObject({ kind: "test", result });
      expect(events.map((event) => event.Step)).toEqual(["testSecret"]);
      expect(store.inspect("redis").versions.map((version) => version.versionId)).toEqual([first]);
      expect(store.inspect("redis").rotation).toMatchObject({ enabled: true });
    },
  );
});

it("a secret that was never rotated has no rotation to wait for", async () => {
  await expect(setUp().engine.ended("redis")).rejects.toThrow("No rotation of redis was started");
});
