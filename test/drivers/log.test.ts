import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createLog, type Log } from "../../lib/drivers/log.ts";
import { RotationError } from "../../lib/errors.ts";
import type { RotationEvent, SecretResult } from "../../lib/ports.ts";

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "log-"));
});
afterAll(() => rmSync(directory, { recursive: true }));

/** The text that is written at this level. */
function written(write: (log: Log) => void, level = "info"): string {
  const path = join(directory, "log");
  const fd = openSync(path, "w");
  write(createLog({ level, bindings: { requestId: "r-1" }, fd }));
  closeSync(fd);
  return readFileSync(path, "utf8");
}

const PLACE = { secretId: "redis/orders", instanceId: "crs-5a4py64p", region: "ap-guangzhou" };
const ERROR = new RotationError("InstanceBusy", "ResetPassword was refused", {
  effect: "none",
  requestId: "q-7",
  cause: new Error("the request held pass-word-1"),
});
const TOLD = {
  requestId: "r-1",
  code: "InstanceBusy",
  message: "ResetPassword was refused",
  effect: "none",
  cloudRequestId: "q-7",
  next: expect.stringContaining("next run"),
};
const INFO = 30;
const WARN = 40;
const ERROR_LEVEL = 50;

describe("the log", () => {
  it.each<[number, RotationEvent]>([
    [INFO, { type: "step", step: "setSecret", secretId: "redis/orders", versionId: "v-2", durationMs: 9 }],
    [INFO, { type: "sent", ...PLACE, taskId: 16657 }],
    [INFO, { type: "task", ...PLACE, taskId: 16657, state: "running" }],
    [INFO, { type: "released", secretId: "redis/orders", versionId: "v-2" }],
  ])("writes one line of JSON at level %i for %j", (level, event) => {
    const { type, ...fields } = event;
    const text = written((log) => log.observe(event));
    expect(text).toMatch(/^[^\n]+\n$/);
    expect(JSON.parse(text)).toEqual({
      level,
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      requestId: "r-1",
      ...fields,
      msg: type,
    });
  });

  it("warns of a refusal, with what to do and without its cause", () => {
    const text = written((log) => log.observe({ type: "refused", ...PLACE, error: ERROR }));
    expect(JSON.parse(text)).toMatchObject({ level: WARN, ...PLACE, ...TOLD, msg: "refused" });
    expect(text).not.toContain("pass-word-1");
  });

  it("tells what ended an invocation, without its cause", () => {
    const text = written((log) => log.error(ERROR), "error");
    expect(JSON.parse(text)).toMatchObject({ level: ERROR_LEVEL, ...TOLD, msg: "failed" });
    expect(text).not.toContain("pass-word-1");
  });

  it.each<[SecretResult["status"], number]>([
    ["rotated", INFO],
    ["in-progress", INFO],
    ["not-due", INFO],
    ["planned", INFO],
    ["ok", INFO],
    ["drift", ERROR_LEVEL],
    ["failed", ERROR_LEVEL],
  ])("writes the result %s at level %i", (status, level) => {
    const text = written((log) => log.result("rotate", { ...PLACE, status, durationMs: 12 }));
    expect(JSON.parse(text)).toMatchObject({ level, action: "rotate", ...PLACE, status, msg: "result" });
  });

  it("has texts and numbers on one level, which is all that Tencent Cloud's log service keeps", () => {
    const { advice: message, code, effect, requestId } = ERROR;
    const error = { code, message, effect, ...(requestId && { requestId }) };
    const text = written((log) => {
      log.error(ERROR);
      log.observe({ type: "refused", ...PLACE, error: ERROR });
      log.result("rotate", { ...PLACE, status: "failed", durationMs: 12, error });
    });
    const lines: object[] = text
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(lines).toHaveLength(3);
    for (const line of lines) {
      expect(line).toMatchObject({ requestId: "r-1", code: "InstanceBusy", cloudRequestId: "q-7" });
      expect(Object.values(line).filter((value) => typeof value === "object")).toEqual([]);
    }
  });

  it("warns of a step that failed", () => {
    const step = { type: "step", step: "setSecret", secretId: "redis/orders", durationMs: 9 } as const;
    const text = written((log) => log.observe({ ...step, error: ERROR }));
    expect(JSON.parse(text)).toMatchObject({ level: WARN, ...TOLD, step: "setSecret", msg: "step" });
    expect(text).not.toContain("pass-word-1");
  });

  it("tells of a receiver that was told, and warns of one that could not be", () => {
    const told = { channel: "webhook", notificationId: "0f", problems: 2, durationMs: 9 } as const;
    const lineOf = (error?: RotationError) =>
      JSON.parse(written((log) => log.notification({ ...told, ...(error && { error }) })));
    const line = { time: expect.any(String), requestId: "r-1", ...told, msg: "notification" };
    expect(lineOf()).toEqual({ ...line, level: INFO });
    expect(lineOf(ERROR)).toEqual({ ...line, level: WARN, code: ERROR.code, message: ERROR.message });
  });

  describe("has the ids of the requests that were answered since the last line", () => {
    const ID = "0b1e2f3a-0000-4000-8000-00000000000";
    const RELEASED = { type: "released", secretId: "redis/orders", versionId: "v-2" } as const;
    const idsIn = (text: string): unknown[] =>
      text
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line))
        .map(({ awsRequestIds, tencentRequestIds }) => [awsRequestIds, tencentRequestIds]);

    it("by the cloud, and once", () => {
      const text = written((log) => {
        log.answeredBy("aws")(`${ID}1`);
        log.answeredBy("tencent")(`${ID}2`);
        log.answeredBy("aws")(`${ID}3`);
        log.observe(RELEASED);
        log.observe(RELEASED);
      });
      expect(idsIn(text)).toEqual([
        [`${ID}1,${ID}3`, `${ID}2`],
        [undefined, undefined],
      ]);
    });

    it("not those of what ran beside it", async () => {
      let text = "";
      await new Promise<void>((done) => {
        text = written((log) => {
          const run = (id: string) =>
            log.apart(async () => {
              log.answeredBy("aws")(id);
              log.observe(RELEASED);
            });
          void Promise.all([run(`${ID}1`), run(`${ID}2`)]).then(() => done());
        });
      });
      expect(idsIn(text)).toEqual([
        [`${ID}1`, undefined],
        [`${ID}2`, undefined],
      ]);
    });

    it("no more than the newest ten, and nothing that is not an id", () => {
      const ids = Array.from({ length: 12 }, (_, index) => `${ID.slice(0, -1)}${index + 10}`);
      const text = written((log) => {
        for (const id of [...ids, "pass-word-1", `${ID}1 `]) log.answeredBy("tencent")(id);
        log.observe(RELEASED);
      });
      expect(idsIn(text)).toEqual([[undefined, ids.slice(2).join()]]);
    });
  });

  it("leaves the cloud's request id out where no cloud has answered", () => {
    const error = new RotationError("NoAnswer", "the answer was lost", { effect: "unknown" });
    expect(JSON.parse(written((log) => log.error(error)))).not.toHaveProperty("cloudRequestId");
  });

  it.each([
    ["error", 1],
    ["warn", 2],
    ["info", 3],
    ["trace", 3],
    ["silent", 0],
  ])("writes at level %s no more than that: %i lines of three", (level, lines) => {
    const text = written((log) => {
      log.error(ERROR);
      log.observe({ type: "refused", ...PLACE, error: ERROR });
      log.observe({ type: "released", secretId: "redis/orders", versionId: "v-2" });
    }, level);
    expect(text.split("\n")).toHaveLength(lines + 1);
  });
});
