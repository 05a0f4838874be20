import { stripVTControlCharacters } from "node:util";
import { describe, expect, it } from "vitest";
import { answerText } from "../../../handler/cli/answer-text.ts";
import { mayBeTouched, previewText, questionAbout } from "../../../handler/cli/confirm.ts";
import { type Called, leftText } from "../../../handler/cli/left.ts";
import { jsonText, printableIn } from "../../../handler/cli/printable.ts";
import type { Progress } from "../../../handler/cli/progress.ts";
import { inWords, progressText } from "../../../handler/cli/progress-text.ts";
import type { Action, SecretResult } from "../../../lib/ports.ts";
import { summarize } from "../../../lib/rotation/answer.ts";

const plain = (text: string) => stripVTControlCharacters(text).split("\n");
const error = { code: "AccessDenied", message: "Not allowed. Allow it.", effect: "none" } as const;
const RESULTS: readonly SecretResult[] = [
  {
    secretId: "redis/a",
    instanceId: "crs-1",
    region: "ap-guangzhou",
    taskId: 7,
    exposureMs: 12,
    status: "rotated",
    durationMs: 8_123,
  },
  {
    secretId: "redis/long",
    instanceId: "crs-22",
    region: "ap-hongkong",
    status: "failed",
    durationMs: 40,
    error,
  },
];

describe("an answer in words", () => {
  it("has a line for each secret in columns, the error below it, and the sum", () => {
    expect(plain(answerText(summarize("rotate", RESULTS)))).toEqual([
      "redis/a     rotated      crs-1   ap-guangzhou  task 7  exposed 12 ms  8.1 s",
      "redis/long  failed       crs-22  ap-hongkong   0.0 s",
      "  AccessDenied: Not allowed. Allow it.",
      "2 secrets: 1 rotated, 1 failed",
      "",
    ]);
  });

  it("of a plan says when secrets are due, and how long they would take", () => {
    const results = [
      { ...RESULTS[0], secretId: "redis/a", status: "planned", dueAt: "2026-01-02T03:04:05Z", durationMs: 0 },
    ] as const;
    const forecast = { rotations: 1, perMinute: 715, durationMs: 10_000 };
    const text = answerText({ ...summarize("plan", results), forecast });
    expect(plain(text)).toEqual([
      expect.stringMatching(/^redis\/a {2}planned .* due 2026-01-02T03:04Z {2}0\.0 s$/),
      "1 to rotate, 715 a minute, about 10 s",
      "",
    ]);
  });

  it("of nothing says where to look", () => {
    expect(answerText(summarize("status", []))).toMatch(/ROTATION_TAG/);
  });
});

describe("what is left", () => {
  const done = { secretId: "redis/done", status: "rotated", durationMs: 1 } as const;
  const left = RESULTS.map((result) => ({ ...result, status: "in-progress" }) as const);
  const called = { force: false, store: undefined };
  const textOf = (
    action: Action,
    results: readonly SecretResult[],
    how: Partial<Called> = {},
    isStopped = false,
  ) => leftText(summarize(action, results), { ...called, ...how }, isStopped);

  it("is carried on with by the same command, where that leaves alone what is done", () => {
    expect(textOf("rotate", [done, ...left], {}, true)).toMatch(/the same command carries on/);
    expect(textOf("rotate", [done, ...left])).toBeUndefined();
  });

  it.each<[Action, Partial<Called>, string]>([
    ["rollback", {}, "redis-rotation rollback --yes redis/a redis/long"],
    ["rollback", { store: "ssm" }, "redis-rotation rollback --store ssm --yes redis/a redis/long"],
    ["rotate", { force: true }, "redis-rotation rotate --force --yes redis/a redis/long"],
  ])(
    "is named with the whole command for %s %o, which would do again what is done",
    (action, how, command) => {
      expect(textOf(action, [done, ...left], how, true)).toContain(`\n  ${command}\n`);
      expect(textOf(action, [done, ...left], how)).toContain(`\n  ${command}\n`);
    },
  );

  it("is named so that a shell takes it as it is", () => {
    const odd = { secretId: "redis/a b's", status: "in-progress", durationMs: 1 } as const;
    expect(textOf("rollback", [done, odd])).toContain("rollback 'redis/a b'\\''s'\n");
  });

  it("is nothing to speak of where all is done, or nothing", () => {
    expect(textOf("rollback", [done, done])).toBeUndefined();
    expect(textOf("rollback", left)).toBeUndefined();
  });
});

describe("a terminal", () => {
  const hostile = "a\r\u001b[2K\u001b]52;c;eA==\u0007\nb\u009b1A\u202ec";

  it.each<[string, (text: string) => string]>([
    [
      "an answer",
      (text) =>
        answerText(
          printableIn(
            summarize("status", [
              {
                ...RESULTS[1],
                secretId: text,
                status: "failed",
                durationMs: 1,
                error: { ...error, message: text },
              },
            ]),
          ),
        ),
    ],
    [
      "progress",
      (text) =>
        progressText(
          {
            total: 1,
            ended: 0,
            counts: new Map(),
            going: [{ secretId: text, sinceMs: 0, doing: text }],
            leftMs: undefined,
          },
          0,
          { columns: 300, rows: 9 },
        ),
    ],
    ["a JSON document", (text) => jsonText({ text })],
  ])("obeys nothing in %s", (_, textOf) => {
    // What styles the text itself comes from here.
    const text = textOf(hostile).replaceAll(/\p{Cc}\[\d+m/gu, "");
    expect(text).not.toMatch(/[^\P{Cc}\n]|\p{Bidi_Control}/u);
    expect(textOf(hostile).split("\n").length).toBe(textOf("plain").split("\n").length);
  });

  it("gets the same document as any other reader of JSON", () => {
    expect(JSON.parse(jsonText({ text: hostile }))).toEqual({ text: hostile });
  });
});

describe("a preview", () => {
  it("names five of those that would be rotated, counts the others, and names what cannot be", () => {
    const results = [
      ...Array.from(
        { length: 7 },
        (_, index) => ({ secretId: `s${index}`, status: "planned", durationMs: 1 }) as const,
      ),
      { secretId: "young", status: "not-due", durationMs: 1 } as const,
      { secretId: "broken", status: "failed", durationMs: 1, error } as const,
    ];
    const forecast = { rotations: 7, perMinute: 700, durationMs: 20_500 };
    expect(plain(previewText({ ...summarize("plan", results), forecast }))).toEqual([
      "7 of 9 secrets would be rotated, in about 21 s:",
      ...["s0", "s1", "s2", "s3", "s4", "and 2 more"].map((line) => `  ${line}`),
      "1 cannot be as it looks; `plan` says why:",
      "  broken",
      "",
    ]);
  });
});

describe("a question", () => {
  const result = (status: SecretResult["status"]) => ({ secretId: "s", status, durationMs: 1 });

  it("counts apart what could not be looked at: its trouble may have passed by then", () => {
    const results = [result("planned"), result("in-progress"), result("failed"), result("not-due")];
    expect(results.map(mayBeTouched)).toEqual([true, true, true, false]);
    expect(questionAbout(summarize("plan", results))).toBe("Rotate 2, and try the other 1 as well?");
    expect(questionAbout(summarize("plan", results.slice(0, 2)))).toBe("Rotate 2 secrets?");
  });
});

describe("progress on a terminal", () => {
  const going = (count: number) =>
    Array.from({ length: count }, (_, index) => ({
      secretId: `redis/${index}`,
      sinceMs: 0,
      doing: "setSecret",
    }));
  const progress: Progress = {
    total: 8,
    ended: 2,
    counts: new Map([["rotated", 2]]),
    going: going(2),
    leftMs: 61_000,
  };

  it("has a line for each secret with its step, and a bar for all", () => {
    expect(plain(progressText(progress, 1_500, { columns: 80, rows: 24 }))).toEqual([
      "⠴ redis/0    1.5 s  setSecret",
      "⠴ redis/1    1.5 s  setSecret",
      "⠴ ━━━━━━────────────────── 2/8  2 rotated, about 61 s left",
    ]);
  });

  it("has no more lines than the terminal, and says how many it leaves out", () => {
    const lines = plain(progressText({ ...progress, going: going(300) }, 1_500, { columns: 80, rows: 10 }));
    expect(lines).toHaveLength(9);
    expect(lines[7]).toBe("  and 293 more under way");
  });

  it.each([10, 20, 40, 80])("has no line that is wider than a terminal of %d columns", (columns) => {
    const long = going(3).map((secret) => ({ ...secret, doing: "current, until the task has ended" }));
    const lines = plain(progressText({ ...progress, going: long }, 1_500, { columns, rows: 24 }));
    expect(Math.max(...lines.map(({ length }) => length))).toBeLessThan(columns);
  });

  it("shortens a name before what is done with it", () => {
    const secretId = "redis/".padEnd(200, "x");
    const doing = "current, until the task has ended";
    const text = progressText({ ...progress, going: [{ secretId, sinceMs: 0, doing }] }, 1_500, {
      columns: 80,
      rows: 24,
    });
    expect(plain(text)[0]).toHaveLength(79);
    expect(plain(text)[0]).toMatch(/^⠴ redis\/x+… .* current, until/);
  });
});

describe("a duration in words", () => {
  it.each([
    [0, "0 s"],
    [1, "1 s"],
    [90_000, "90 s"],
    [91_000, "2 min"],
    [5_400_000, "90 min"],
    [5_461_000, "1.5 h"],
  ])("%d ms is %s", (durationMs, words) => {
    expect(inWords(durationMs)).toBe(words);
  });
});
