import { describe, expect, it } from "vitest";
import type { Probe, Step } from "../../lib/ports.ts";
import { runStep } from "../../lib/rotation/managed.ts";
import { rotateSecret } from "../../lib/rotation/rotate.ts";
import { DUE } from "./expectations.ts";
import { createRig, FIRST_PASSWORD, INSTANCE, NAME, type Rig } from "./rig.ts";

const NAMED = `instance ${INSTANCE.instanceId} in ${INSTANCE.region}`;
const told = (text: string) => expect.stringContaining(text);

/** Answers as Redis does until it has the pending password, and then as `later` says. */
function probeWith(
  rig: Rig,
  later: (password: string, asked: number) => ReturnType<Probe> | undefined,
): Probe {
  let asked = 0;
  return async (target) => {
    if (!rig.opens(rig.passwordAt("AWSPENDING"))) return rig.redis.probe(target);
    asked += 1;
    return (await later(target.password, asked)) ?? rig.redis.probe(target);
  };
}

const answer = async (what: "accepted" | "rejected") => ({ answer: what });
const noAnswer = async () => ({ answer: "unknown", reason: "The path broke." }) as const;

describe("a proof that fails says why, and what Redis has", () => {
  it("an old password that still opens it", async () => {
    const rig = createRig();
    const probe = probeWith(rig, (password) =>
      password === FIRST_PASSWORD ? answer("accepted") : undefined,
    );
    expect((await rotateSecret(rig.run({ probe }), NAME, DUE)).error).toMatchObject({
      code: "OldPasswordAccepted",
      effect: "applied",
      message: told(`The new password opens ${NAMED}, and so does the old one. `),
    });
  });

  it("a new password that not every connection takes", async () => {
    const rig = createRig();
    const probe = probeWith(rig, (_, asked) => (asked % 3 === 0 ? answer("rejected") : undefined));
    expect((await rotateSecret(rig.run({ probe }), NAME, DUE)).error).toMatchObject({
      code: "NewPasswordRejected",
      effect: "unknown",
      message: told(`The new password does not open ${NAMED}. `),
    });
  });

  it("a path that breaks", async () => {
    const rig = createRig();
    const probe = probeWith(rig, (_, asked) => (asked > 1 ? noAnswer() : undefined));
    expect((await rotateSecret(rig.run({ probe }), NAME, DUE)).error).toMatchObject({
      code: "NotVerified",
      effect: "applied",
      message: told(
        `The task for ${NAMED} succeeded, but the new password could not be proven: The path broke. `,
      ),
    });
  });

  it("a run whose time ends meanwhile", async () => {
    const rig = createRig({ taskDurationMs: 25_000 });
    const probe = probeWith(rig, (password) =>
      password === FIRST_PASSWORD ? answer("accepted") : undefined,
    );
    expect(await rotateSecret(rig.run({ probe }, 31_000), NAME, DUE)).toMatchObject({
      status: "in-progress",
      error: {
        effect: "applied",
        message: told("The time of this run ended during the proof of the new password. "),
      },
    });
  });
});

describe("a proof is patient", () => {
  /** Every other connection rejects the new password until so long after Redis had it. */
  function flakyFor(rig: Rig, durationMs: number): Probe {
    let since: number | undefined;
    return probeWith(rig, (_, asked) => {
      since ??= rig.clock.now();
      const isOver = rig.clock.now() - since > durationMs;
      return !isOver && asked % 2 === 0 ? answer("rejected") : undefined;
    });
  }

  it("for some seconds after the task has ended", async () => {
    const rig = createRig({ taskTailMs: 0 });
    expect(await rotateSecret(rig.run({ probe: flakyFor(rig, 5_000) }), NAME, DUE)).toMatchObject({
      status: "rotated",
    });
  });

  it("for some seconds also in a call of its own", async () => {
    const rig = createRig();
    const token = rig.startManaged();
    const step = (name: Step, probe = rig.redis.probe) =>
      runStep(rig.run({ probe }), { step: name, secretId: NAME, token });
    await step("createSecret");
    await step("setSecret");
    await rig.clock.sleep(20_000);
    await expect(step("testSecret", flakyFor(rig, 5_000))).resolves.toBeUndefined();
  });

  it("as long as the task runs, and asks for it at its own pace", async () => {
    const rig = createRig({ taskDurationMs: 60_000, taskTailMs: 40_000 });
    expect(await rotateSecret(rig.run({ probe: flakyFor(rig, 38_000) }), NAME, DUE)).toMatchObject({
      status: "rotated",
    });
    expect(rig.calls("DescribeTaskInfo")).toBeLessThan(40);
  });

  it("but ends where the flaw stays", async () => {
    const rig = createRig();
    const probe = flakyFor(rig, 600_000);
    const { status, durationMs } = await rotateSecret(rig.run({ probe }), NAME, DUE);
    expect(status).toBe("failed");
    expect(durationMs).toBeGreaterThan(19_000);
    expect(durationMs).toBeLessThan(22_000);
  });
});

describe("a pending version with the current password", () => {
  it("is proven by that password alone: there is no old one to be rejected", async () => {
    const rig = createRig();
    const versionId = rig.putPending({ password: FIRST_PASSWORD });
    expect(await rotateSecret(rig.context, NAME, DUE)).toMatchObject({ status: "rotated", versionId });
    expect(rig.calls("ResetPassword")).toBe(0);
    await rig.clock.sleep(40 * 86_400_000);
    expect(await rotateSecret(rig.run(), NAME, DUE)).toMatchObject({ status: "rotated" });
  });
});

describe("the old password", () => {
  it("is asked about once the new one is proven, on one connection", async () => {
    const rig = createRig();
    const asked: string[] = [];
    const probe: Probe = (target) => {
      if (rig.opens(rig.passwordAt("AWSPENDING"))) asked.push(target.password);
      return rig.redis.probe(target);
    };
    expect(await rotateSecret(rig.run({ probe }), NAME, DUE)).toMatchObject({ status: "rotated" });
    expect(asked.filter((password) => password === FIRST_PASSWORD)).toHaveLength(1);
    expect(asked.at(-1)).toBe(FIRST_PASSWORD);
  });
});
