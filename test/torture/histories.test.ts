import { describe, expect, it } from "vitest";
import { createRig, INSTANCE, NAME } from "../rotation/rig.ts";
import { runHistories } from "./histories.ts";
import { type Event, play, type Start } from "./history.ts";
import { createHistoryWatch } from "./history-watch.ts";
import { TROUBLES } from "./troubles.ts";

const LONG: Start = { remainingMs: 900_000 };
const rotate = (how: Start = LONG): Event => ({ type: "run", action: "rotate, forced", ...how });
const time = (ms: number): Event => ({ type: "time", ms });
const trouble = (name: string, times = 1): Event => {
  const index = TROUBLES.findIndex((each) => each.name === name);
  return index < 0 ? expect.fail(`no trouble ${name}`) : { type: "trouble", trouble: index, times };
};

describe("any history of runs, deaths, troubles and an operator's doings", () => {
  it("keeps the live password readable, and ends with current = live after two undisturbed runs at most", async () => {
    const { failures, events } = await runHistories({ seed: 20_260_101, histories: 250 });
    expect(failures).toEqual([]);
    expect(events).toBeGreaterThan(2_500);
  }, 60_000);

  it("is the same for the same seed", async () => {
    const both = [
      await runHistories({ seed: 5, histories: 10 }),
      await runHistories({ seed: 5, histories: 10 }),
    ];
    expect(both[0]).toEqual(both[1]);
  });

  it.each<[string, Event[]]>([
    [
      "a rotation is abandoned while its password is on the way, and the run has died",
      [
        rotate({ ...LONG, dies: { call: 14, when: "after" } }),
        { type: "run", action: "abandon, forced", ...LONG },
      ],
    ],
    [
      "a managed rotation and a driven one begin together",
      [{ type: "managed rotation", ...LONG }, rotate(), time(2_500), { type: "managed rotation", ...LONG }],
    ],
    [
      "the operator sets a password in the console while a run waits for its task",
      [rotate(), time(2_500), { type: "password by hand", inConsole: true }, time(9_000)],
    ],
    [
      "the operator stores a wrong value while a run waits for its task",
      [rotate(), time(2_500), { type: "value by hand", opens: false }, time(9_000)],
    ],
    [
      "the operator stores the right value after setting a password by hand",
      [{ type: "password by hand", inConsole: false }, { type: "value by hand", opens: true }, rotate()],
    ],
    [
      "a task fails after it has changed the password, and the process dies while it looks",
      [{ type: "task", plan: 1 }, rotate({ ...LONG, dies: { call: 20, when: "before" } }), time(30_000)],
    ],
    [
      "the label is taken off while the task runs, and the rotation is rolled back afterwards",
      [
        rotate(),
        time(2_500),
        { type: "label taken off by hand" },
        time(30_000),
        { type: "run", action: "rollback", ...LONG },
      ],
    ],
    [
      "every reply of ResetPassword is lost",
      [trouble("reset, carried out", 20), rotate(), time(30_000), rotate()],
    ],
  ])("ends well where %s", async (_name, events) => {
    expect(await play(events)).toBeUndefined();
  });
});

describe("the watch over a history", () => {
  function store(rig: ReturnType<typeof createRig>, password: string, stage: string): void {
    const SecretString = JSON.stringify({ ...JSON.parse(rig.textAt("AWSCURRENT") ?? ""), password });
    rig.secretsManager.call("PutSecretValue", { SecretId: NAME, SecretString, VersionStages: [stage] });
  }

  it("complains of a password that opens Redis and is in no version", async () => {
    const rig = createRig();
    const watch = createHistoryWatch(rig);
    await rig.redis.setPassword(INSTANCE.instanceId, "default", "Nobody-knows-1");
    expect(watch.complaint()).toBe("the password that opens Redis is in no version");
  });

  it("does not where the operator has set it", async () => {
    const rig = createRig();
    const watch = createHistoryWatch(rig);
    watch.allow("By-hand-password-1");
    await rig.redis.setPassword(INSTANCE.instanceId, "default", "By-hand-password-1");
    expect(watch.complaint()).toMatch(/^two undisturbed runs/);
  });

  it("complains of a current password that Redis has never accepted", () => {
    const rig = createRig();
    const watch = createHistoryWatch(rig);
    store(rig, "Never-set-password-1", "AWSCURRENT");
    expect(watch.complaint()).toBe("current names a password that Redis has never accepted");
  });

  it("complains of a version that is still pending", () => {
    const rig = createRig();
    const watch = createHistoryWatch(rig);
    store(rig, "Never-set-password-1", "AWSPENDING");
    expect(watch.complaint()).toMatch(/^two undisturbed runs/);
  });

  it("complains of runs that are content though current does not open Redis, and of none that has failed", async () => {
    for (const status of ["rotated", "failed"]) {
      const rig = createRig();
      const watch = createHistoryWatch(rig);
      store(rig, "Another-password-1", "AWSPENDING");
      await rig.redis.setPassword(INSTANCE.instanceId, "default", "Another-password-1");
      watch.hear({ status });
      watch.lookAtEnd();
      const expected = status === "rotated" ? /^every run says that all is well/ : /^two undisturbed runs/;
      expect(watch.complaint()).toMatch(expected);
    }
  });
});
