import { describe, expect, it } from "vitest";
import { type Effect, RotationError } from "../../lib/errors.ts";
import { runStep } from "../../lib/rotation/managed.ts";
import { rotateSecret } from "../../lib/rotation/rotate.ts";
import type { StoreMoment } from "../fakes/secret-store.ts";
import { changeInConsole } from "./console.ts";
import { DUE, rotated } from "./expectations.ts";
import { createRig, FIRST_PASSWORD, INSTANCE, NAME, type Rig, type RigOptions } from "./rig.ts";

const NOWHERE = { host: "10.0.0.99" };
const loseThePath = (rig: Rig) => rig.redis.unknownNext(Number.POSITIVE_INFINITY);
let edits = 0;

/** Somebody stores a value by hand: it is current from now on. */
function editByHand(rig: Rig): void {
  edits += 1;
  rig.secretsManager.call("PutSecretValue", {
    SecretId: NAME,
    ClientRequestToken: `edited-by-hand-in-the-console-of-aws-${edits}`,
    SecretString: JSON.stringify({ ...JSON.parse(rig.textAt("AWSCURRENT") ?? ""), edits }),
  });
}

/** A rig in which, right before the first promotion, the labels move as described, and then `meanwhile` happens. */
function rigWith(meanwhile: (rig: Rig) => unknown, options: RigOptions = {}): Rig {
  let isDone = false;
  const storeAt = async ({ call, phase }: StoreMoment) => {
    if (call !== "promote" || phase !== "before" || isDone) return;
    isDone = true;
    await rig.store.release(NAME, rig.at("AWSPENDING") ?? "");
    editByHand(rig);
    await meanwhile(rig);
  };
  const rig: Rig = createRig({ ...options, storeAt });
  return rig;
}

const CONFLICT = {
  status: "failed",
  error: {
    code: "StoreConflict",
    effect: "none",
    message: expect.stringContaining(`Another run has moved the stages of secret ${NAME}`),
  },
};

describe("a version whose label was taken off right before its promotion becomes current", () => {
  it("where AUTH says at that moment that Redis has its password", async () => {
    const rig = rigWith(() => {});
    const result = await rotateSecret(rig.context, NAME, DUE);
    expect(result).toMatchObject({ status: "rotated", versionId: rig.at("AWSCURRENT") });
  });

  it("by AUTH also where the task's word would be enough, and whoever has set it", async () => {
    const rig = rigWith(() => {}, { context: { verify: "task" } });
    const versionId = rig.putPending({ password: "joined-password-1" });
    await rig.redis.setPassword(INSTANCE.instanceId, "default", "joined-password-1");
    expect(await rotateSecret(rig.context, NAME, DUE)).toMatchObject({ status: "rotated" });
    expect(rig.at("AWSCURRENT")).toBe(versionId);
  });

  it("by the word of the run's own last task, where that is enough and Redis cannot be asked", async () => {
    const rig = rigWith(() => {}, { secret: NOWHERE, context: { verify: "task" } });
    expect(await rotateSecret(rig.context, NAME, DUE)).toMatchObject({ status: "rotated" });
    expect(rig.opens(rig.passwordAt("AWSCURRENT"))).toBe(true);
  });
});

describe("it does not become current", () => {
  it("where Redis cannot be asked", async () => {
    const rig = rigWith(loseThePath);
    expect(await rotateSecret(rig.context, NAME, DUE)).toMatchObject(CONFLICT);
  });

  it("where Redis cannot be asked, though the run's own task has succeeded", async () => {
    const rig = rigWith(loseThePath);
    const running = rotateSecret(rig.context, NAME, DUE);
    await rig.clock.sleep(2_000);
    loseThePath(rig);
    await rig.clock.sleep(15_000);
    rig.redis.unknownNext(0);
    expect(await running).toMatchObject(CONFLICT);
    const [proven, promoted] = rig.events.slice(-2);
    expect(proven).toMatchObject({ type: "step", step: "testSecret" });
    expect(promoted).toMatchObject({ step: "finishSecret", error: { code: "StoreConflict" } });
  });

  it("by the word of a task that still runs", async () => {
    const rig = rigWith(loseThePath, { context: { verify: "task" }, taskTailMs: 20_000 });
    expect(await rotateSecret(rig.context, NAME, DUE)).toMatchObject(CONFLICT);
  });

  it("by the word of a task that is not the last one", async () => {
    const rig = rigWith((it) => changeInConsole(it, "set-in-the-console-1"), {
      secret: NOWHERE,
      context: { verify: "task" },
    });
    expect(await rotateSecret(rig.context, NAME, DUE)).toMatchObject(CONFLICT);
  });

  it("by the task's word where another version is pending, whose task is to come", async () => {
    const rig = rigWith((it) => it.putPending({ password: "joined-password-1" }), {
      secret: NOWHERE,
      context: { verify: "task" },
    });
    expect(await rotateSecret(rig.context, NAME, DUE)).toMatchObject(CONFLICT);
  });

  it("by the task's word where Redis can be asked again and has another password", async () => {
    const rig = createRig({
      context: { verify: "task" },
      storeAt: async ({ call, phase }) => {
        if (call !== "promote" || phase !== "before" || rig.at("AWSPENDING") === undefined) return;
        await rig.store.release(NAME, rig.at("AWSPENDING") ?? "");
        editByHand(rig);
        await rig.redis.setPassword(INSTANCE.instanceId, "default", "changed-by-hand-1");
        rig.redis.unknownNext(0);
      },
    });
    loseThePath(rig);
    expect(await rotateSecret(rig.context, NAME, DUE)).toMatchObject(CONFLICT);
  });
});

describe("the promotion", () => {
  it.each<["StoreDenied" | "StoreConflict" | "StoreUnavailable", Effect, Effect]>([
    ["StoreDenied", "none", "applied"],
    ["StoreConflict", "none", "none"],
    ["StoreUnavailable", "unknown", "unknown"],
  ])(
    "that fails with %s and %s effect leaves Redis with the new password: %s",
    async (code, effect, told) => {
      const rig = createRig();
      const requestId = "0f6d2a1e-0000-4000-8000-000000000001";
      const promote = () => Promise.reject(new RotationError(code, "not moved", { effect, requestId }));
      const { status, error } = await rotateSecret(rig.run({ store: { ...rig.store, promote } }), NAME, DUE);
      expect([status, error]).toMatchObject(["failed", { code, effect: told }]);
      if (code === "StoreDenied") expect(error?.requestId).toBe(requestId);
      await rotated(rig);
    },
  );

  it("is tried four times while others move the labels, and then left to the next run", async () => {
    let tries = 0;
    const rig: Rig = createRig({
      storeAt: ({ call, phase }) => {
        if (call !== "promote" || phase !== "before") return;
        tries += 1;
        editByHand(rig);
      },
    });
    expect(await rotateSecret(rig.context, NAME, DUE)).toMatchObject(CONFLICT);
    expect(tries).toBe(4);
  });

  it("needs no proof any more where another run has made it", async () => {
    let state: "before" | "made" | "over" = "before";
    const rig: Rig = createRig({
      storeAt: async ({ call, phase }) => {
        if (call !== "describe" || phase !== "before") return;
        if (state === "made") {
          state = "over";
          loseThePath(rig);
        }
        if (state === "before" && rig.opens(rig.passwordAt("AWSPENDING"))) {
          state = "over";
          await rotated(rig);
          state = "made";
        }
      },
    });
    expect(await rotateSecret(rig.context, NAME, DUE)).toMatchObject({ status: "rotated" });
    expect([state, rig.calls("ResetPassword")]).toEqual(["over", 1]);
  });

  it("is not made by the task's word where another task has come after it", async () => {
    const rig = createRig({ secret: NOWHERE, context: { verify: "task" } });
    const token = rig.startManaged();
    await runStep(rig.context, { step: "createSecret", secretId: NAME, token });
    const setting = runStep(rig.run(), { step: "setSecret", secretId: NAME, token });
    const refused = expect(setting).rejects.toMatchObject({ code: "StoreConflict" });
    await rig.clock.sleep(3_000);
    await rig.store.release(NAME, token);
    await rig.clock.sleep(6_050);
    await changeInConsole(rig, "set-in-the-console-1");
    await refused;
    expect(rig.passwordAt("AWSCURRENT")).toBe(FIRST_PASSWORD);
  });
});
