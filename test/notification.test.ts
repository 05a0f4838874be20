import { describe, expect, it } from "vitest";
import { headlineOf, type Outcome, textOf } from "../lib/notification.ts";
import type { Status } from "../lib/ports.ts";
import { AT, failedOutcome, HOUR_MS, notificationWith, REQUEST_ID, told } from "./fakes/notification.ts";

const since = (hours: number) => new Date(AT - hours * HOUR_MS).toISOString();

describe("what is told", () => {
  it.each<[Status, number | undefined, string | undefined]>([
    ["failed", undefined, "failed"],
    ["drift", undefined, "drift"],
    ["in-progress", 3, "stuck"],
    ["in-progress", 2.9, undefined],
    ["in-progress", undefined, undefined],
    ["failed", 3, "failed"],
    ["rotated", 3, undefined],
    ["not-due", undefined, undefined],
    ["planned", undefined, undefined],
    ["ok", undefined, undefined],
  ])("of %s, pending for %s hours: %s", (status, hours, event) => {
    const outcome = failedOutcome({ status, ...(hours !== undefined && { pendingSince: since(hours) }) });
    expect(told([outcome])?.problems.map((problem) => problem.event)).toEqual(event && [event]);
  });

  it("is the instance, the version and the error, and nothing else of a result", () => {
    const taskId = 16657;
    const outcome = {
      ...failedOutcome({ taskId }),
      exposureMs: 9,
      dueAt: since(0),
      password: "tOp-Secret!2026",
    };
    expect(told([outcome])?.problems).toEqual([
      {
        event: "failed",
        key: expect.stringMatching(/^[0-9a-f]{32}$/),
        secretId: "redis/orders",
        instanceId: "crs-5a4py64p",
        region: "ap-guangzhou",
        versionId: "v-2",
        taskId,
        pendingSince: undefined,
        code: "PasswordRefused",
        effect: "none",
        message: failedOutcome().error?.message,
      },
    ]);
  });

  it("is once for all of a run: how many there are, and how many were not begun because of them", () => {
    const stopped = { code: "FleetStopped", message: "", effect: "none" } as const;
    const outcomes: Outcome[] = [
      failedOutcome(),
      failedOutcome({ secretId: "redis/a", status: "drift" }),
      failedOutcome({ secretId: "redis/b", status: "planned", error: stopped }),
      failedOutcome({ secretId: "redis/c", status: "rotated" }),
      { status: "failed", error: { code: "StoreDenied", message: "ListSecrets: no. ", effect: "none" } },
    ];
    expect(told(outcomes)).toMatchObject({
      at: "2026-01-01T09:30:00.000Z",
      function: "redis-rotation-prod",
      requestId: REQUEST_ID,
      trigger: "schedule",
      summary: { secrets: 4, failed: 2, drift: 1, stuck: 0, stopped: 1 },
      omitted: 0,
    });
  });

  it("is nothing where there is nothing", () => {
    expect(told([])).toBeUndefined();
    expect(told([failedOutcome({ status: "rotated" })])).toBeUndefined();
  });
});

describe("what is told again", () => {
  const keyOf = (outcome: Outcome, nowMs = AT) => told([outcome], { nowMs })?.problems[0]?.key;

  it("has the same key and id all day, whatever the run, the order and the message", () => {
    const other = failedOutcome({ secretId: "redis/a" });
    const again = failedOutcome({
      taskId: 7,
      error: { code: "PasswordRefused", message: "new", effect: "unknown" },
    });
    expect(keyOf(again, AT + 14 * HOUR_MS)).toBe(keyOf(failedOutcome()));
    const ids = [
      told([failedOutcome(), other]),
      told([other, again], { requestId: "r-2", nowMs: AT + HOUR_MS }),
    ];
    expect(ids[0]?.id).toBe(ids[1]?.id);
    expect(ids[0]?.id).toMatch(/^[0-9a-f]{32}$/);
  });

  it.each<[string, Outcome, number]>([
    ["another secret", failedOutcome({ secretId: "redis/a" }), AT],
    ["another code", failedOutcome({ error: { code: "TaskFailed", message: "", effect: "none" } }), AT],
    ["another event", failedOutcome({ status: "drift" }), AT],
    ["another day", failedOutcome(), AT + 15 * HOUR_MS],
  ])("has another key for %s", (_, outcome, nowMs) => {
    expect(keyOf(outcome, nowMs)).not.toBe(keyOf(failedOutcome()));
    expect(told([outcome], { nowMs })?.id).not.toBe(told([failedOutcome()])?.id);
  });
});

describe("a notification's size", () => {
  const worst = Array.from({ length: 500 }, (_, index) =>
    failedOutcome({
      secretId: `redis/${index}/${"界".repeat(500)}`,
      error: { code: "PasswordRefused", message: '"界'.repeat(5_000), effect: "none" },
    }),
  );

  it("is limited: 50 problems, each message to 500 characters, and the others are counted", () => {
    const notification = told(worst);
    expect(notification).toMatchObject({ summary: { failed: 500 }, omitted: 450 });
    expect(notification?.problems).toHaveLength(50);
    expect(notification?.problems[0]?.message).toHaveLength(500);
    // Inside another JSON, as in a message of SNS with its mail.
    expect(Buffer.byteLength(JSON.stringify(JSON.stringify(notification)))).toBeLessThan(262_144 - 40_000);
  });

  it.each([512, 2_048, 3_000, 8_000, 16_000])(
    "as text is at most %i bytes, and says how many are left",
    (maxBytes) => {
      const long = worst.map((each, index) => ({ ...each, secretId: `redis/${index}` }));
      const notification = told(long);
      const text = notification ? textOf(notification, { maxBytes }) : "";
      expect(Buffer.byteLength(text)).toBeLessThanOrEqual(maxBytes);
      const listed = text.split("\n").filter((line) => line.startsWith("failed: ")).length;
      expect(listed).toBeGreaterThan(0);
      expect(text).toContain(`and ${500 - listed} more, see the log`);
      expect(text.startsWith("Redis rotation: 500 failed of 500 secrets (redis-rotation-prod)\n")).toBe(true);
    },
  );

  it("leaves messages out before it leaves secrets out", () => {
    const text = textOf(notificationWith({}, { secretId: "redis/sessions" }), { maxBytes: 260 });
    expect(text.split("\n")).toEqual([
      "Redis rotation: 2 failed of 2 secrets (redis-rotation-prod)",
      "failed: redis/orders (crs-5a4py64p, ap-guangzhou): PasswordRefused",
      "failed: redis/sessions (crs-5a4py64p, ap-guangzhou): PasswordRefused",
      `Request ${REQUEST_ID}`,
    ]);
  });
});

describe("a notification as text", () => {
  it("has a line for the run, one for each problem with its message below, and the request", () => {
    const pendingSince = since(5);
    const notification = notificationWith({}, { status: "in-progress", secretId: "redis/a", pendingSince });
    expect(textOf(notification, { maxBytes: 16_000 }).split("\n")).toEqual([
      "Redis rotation: 1 failed, 1 stuck of 2 secrets (redis-rotation-prod)",
      "failed: redis/orders (crs-5a4py64p, ap-guangzhou): PasswordRefused",
      failedOutcome().error?.message,
      `stuck: redis/a (crs-5a4py64p, ap-guangzhou): pending since ${pendingSince}, PasswordRefused`,
      failedOutcome().error?.message,
      `Request ${REQUEST_ID}`,
    ]);
  });

  it("says where the run has stopped, and where no single secret failed", () => {
    const stopped = failedOutcome({
      status: "planned",
      error: { code: "FleetStopped", message: "", effect: "none" },
    });
    const error = {
      code: "ConfigurationInvalid",
      message: "Environment: VERIFY: no.",
      effect: "none",
    } as const;
    const notification = told([{ status: "failed", error }, stopped]);
    expect(notification && textOf(notification, { maxBytes: 16_000 }).split("\n").slice(0, 4)).toEqual([
      "Redis rotation: 1 failed (redis-rotation-prod)",
      "1 were not begun: the run has stopped (FleetStopped)",
      "failed: the whole run: ConfigurationInvalid",
      "Environment: VERIFY: no.",
    ]);
  });

  it("has no line more than it should, and nothing that hides or turns round what is written", () => {
    const message = "one\nfailed: redis/other\r\u2028two\u202Eeerht\u200B\u0007";
    const error = { code: "PasswordRefused", message, effect: "none" } as const;
    const text = textOf(notificationWith({ secretId: "redis/\u202Esredro", error }), { maxBytes: 16_000 });
    expect(text.split("\n")).toHaveLength(4);
    expect(text).toContain("one failed: redis/other two eerht");
    expect(text.replaceAll("\n", "")).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}]/u);
  });

  it("has a headline of ASCII, whatever the function is called", () => {
    const notification = told([failedOutcome()], { functionName: "轮换\n1" });
    expect(notification && headlineOf(notification)).toBe("Redis rotation: 1 failed (?? 1)");
  });
});
