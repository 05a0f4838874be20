import { describe, expect, it } from "vitest";
import { type TimedEvent, type Timeline, timelines } from "../../../handler/report/timeline.ts";
import { type ErrorCode, RotationError } from "../../../lib/errors.ts";
import type { SecretResult, Step } from "../../../lib/ports.ts";
import { fleetReport } from "../../fakes/fleet-report.ts";

const STARTED_AT = Date.UTC(2026, 10, 23, 7);
const WHERE = { secretId: "redis/orders", instanceId: "crs-5a4py64p", region: "ap-guangzhou" };
const ROTATED: SecretResult = { ...WHERE, status: "rotated", durationMs: 9_000 };
const FAILED: SecretResult = { ...WHERE, status: "failed", durationMs: 9_000 };

const step = (name: Step, endMs: number, durationMs: number, code?: ErrorCode): TimedEvent => ({
  at: STARTED_AT + endMs,
  event: {
    type: "step",
    step: name,
    ...WHERE,
    durationMs,
    ...(code && { error: new RotationError(code, "It failed", { effect: "none" }) }),
  },
});
const sent = (atMs: number, taskId: number): TimedEvent => ({
  at: STARTED_AT + atMs,
  event: { type: "sent", ...WHERE, taskId },
});
const task = (atMs: number, taskId: number, state: "running" | "succeeded" | "failed"): TimedEvent => ({
  at: STARTED_AT + atMs,
  event: { type: "task", ...WHERE, taskId, state },
});

function only(result: SecretResult, ...events: readonly TimedEvent[]): Timeline {
  const timeline = timelines(STARTED_AT, [result], events).get(result.secretId);
  if (timeline === undefined) throw new Error("There is no timeline");
  return timeline;
}

const WHOLE = [
  step("createSecret", 400, 300),
  step("setSecret", 8_000, 7_500),
  step("testSecret", 8_100, 80),
  step("finishSecret", 8_200, 60),
];

describe("a timeline", () => {
  it("has each step where it was: an event tells of its end", () => {
    const { steps, fromMs, toMs } = only(ROTATED, ...WHOLE);
    expect(steps.map((bar) => [bar.step, bar.fromMs, bar.toMs])).toEqual([
      ["createSecret", 100, 400],
      ["setSecret", 500, 8_000],
      ["testSecret", 8_020, 8_100],
      ["finishSecret", 8_140, 8_200],
    ]);
    expect([fromMs, toMs]).toEqual([100, 8_200]);
  });

  it("names what a step failed with", () => {
    expect(only(FAILED, step("setSecret", 900, 500, "AccessDenied")).steps).toEqual([
      { step: "setSecret", fromMs: 400, toMs: 900, failed: "AccessDenied" },
    ]);
  });

  it("has a task from when it was sent until its end was seen, and one that was sent again beside it", () => {
    const events = [
      sent(500, 7),
      task(500, 7, "running"),
      task(2_500, 7, "failed"),
      sent(2_600, 8),
      task(2_600, 8, "running"),
      task(9_000, 8, "succeeded"),
    ];
    expect(only(ROTATED, ...events).tasks).toEqual([
      { taskId: 7, fromMs: 500, toMs: 2_500, state: "failed", sent: true },
      { taskId: 8, fromMs: 2_600, toMs: 9_000, state: "succeeded", sent: true },
    ]);
  });

  it("has no end of a task whose end was not seen, and tells one that this run only found", () => {
    expect(only(FAILED, task(500, 7, "running")).tasks).toEqual([
      { taskId: 7, fromMs: 500, state: "running", sent: false },
    ]);
  });

  it("tells of refusals, and of a version that was released", () => {
    const error = new RotationError("InstanceBusy", "Another flow", { effect: "none" });
    const events: TimedEvent[] = [
      { at: STARTED_AT + 600, event: { type: "refused", ...WHERE, error } },
      { at: STARTED_AT + 700, event: { type: "released", secretId: WHERE.secretId, versionId: "v2" } },
    ];
    expect(only(FAILED, ...events).moments).toEqual([
      { atMs: 600, type: "refused", code: "InstanceBusy", message: "Another flow" },
      { atMs: 700, type: "released" },
    ]);
  });

  it("is of its own secret's events alone; there is none without events", () => {
    const other = { ...ROTATED, secretId: "redis/other" };
    expect([...timelines(STARTED_AT, [ROTATED, other], WHOLE).keys()]).toEqual([ROTATED.secretId]);
  });
});

describe("the exposure window", () => {
  it.each<[string, SecretResult, readonly TimedEvent[], Timeline["exposure"]]>([
    [
      "ends with the promotion, and is known from the end of setSecret on",
      { ...ROTATED, exposureMs: 450 },
      WHOLE,
      { fromMs: 7_750, knownMs: 8_000, toMs: 8_200 },
    ],
    [
      "is as long as the run says where the password was seen in force before",
      { ...ROTATED, exposureMs: 150 },
      WHOLE,
      { fromMs: 8_050, knownMs: 8_050, toMs: 8_200 },
    ],
    ["is not there for alternating users", { ...ROTATED, exposureMs: 0 }, WHOLE, undefined],
    [
      "has no beginning where Redis had the password before this run looked",
      ROTATED,
      WHOLE.slice(2),
      { knownMs: 8_020, toMs: 8_200 },
    ],
    [
      "has no end where the promotion failed",
      FAILED,
      [...WHOLE.slice(0, 3), step("finishSecret", 8_200, 60, "StoreDenied")],
      { knownMs: 8_000 },
    ],
    [
      "has no end where the proof failed",
      FAILED,
      [...WHOLE.slice(0, 2), step("testSecret", 18_000, 9_900, "NotVerified")],
      { knownMs: 8_000 },
    ],
    [
      "has its end where the task failed after the promotion",
      { ...FAILED, exposureMs: 450 },
      WHOLE,
      { fromMs: 7_750, knownMs: 8_000, toMs: 8_200 },
    ],
    ["is not there where setSecret failed", FAILED, [step("setSecret", 900, 500, "AccessDenied")], undefined],
    ["is not told where another run made the version current", ROTATED, WHOLE.slice(0, 2), undefined],
  ])("%s", (_, result, events, exposure) => {
    expect(only(result, ...events).exposure).toEqual(exposure);
  });

  it("holds the moment at which Redis really took the password, for each of a fleet", async () => {
    const { report, world } = await fleetReport(12);
    const { startedAt, answer, events } = report;
    const found = timelines(startedAt, answer.results, events);
    const rotated = answer.results.filter(({ status }) => status === "rotated");
    expect(rotated).toHaveLength(10);
    for (const { secretId } of rotated) {
      const {
        fromMs = Number.NaN,
        knownMs,
        toMs = Number.NaN,
      } = found.get(secretId)?.exposure ?? { knownMs: 0 };
      const changedMs = world.changedAt(world.names.indexOf(secretId)) - startedAt;
      expect([fromMs, changedMs, knownMs, toMs]).toEqual(
        [fromMs, changedMs, knownMs, toMs].toSorted((a, b) => a - b),
      );
    }
  });
});
