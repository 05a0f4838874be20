import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Request } from "../../handler/events.ts";
import { serve } from "../../handler/serve.ts";
import { RotationError } from "../../lib/errors.ts";

let directory: string;
let fd: number;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "serve-"));
  fd = openSync(join(directory, "log"), "w");
});
afterEach(() => {
  closeSync(fd);
  rmSync(directory, { recursive: true });
});

/** The error that the platform gets, and the line that is logged of it. */
async function failed(request: () => Request, environment: Record<string, string> = {}) {
  const invocation = { environment, remainingMs: 1_000, defaultStore: "aws" } as const;
  const error = await serve(request, { ...invocation, log: { bindings: { requestId: "r-1" }, fd } }).catch(
    (thrown: unknown) => thrown,
  );
  return { error: error as Error, line: JSON.parse(readFileSync(join(directory, "log"), "utf8")) };
}

describe("what an invocation throws", () => {
  it("says what failed and what to do, names no cause, and is logged", async () => {
    const cause = new Error("the request held pass-word-1");
    const { error, line } = await failed(() => {
      throw new RotationError("EventInvalid", "Event: action: it is missing", { effect: "none", cause });
    });
    expect(error.name).toBe("EventInvalid");
    expect(error.message).toBe("Event: action: it is missing. Correct the named fields of the payload.");
    expect(error.cause).toBeUndefined();
    expect(line).toMatchObject({
      requestId: "r-1",
      msg: "failed",
      code: "EventInvalid",
      message: "Event: action: it is missing",
      effect: "none",
    });
    expect(JSON.stringify(line)).not.toContain("pass-word-1");
  });

  it("quotes nothing of a defect", async () => {
    const { error, line } = await failed(() => {
      throw new TypeError("Cannot read properties of pass-word-1");
    });
    expect(error.name).toBe("Internal");
    expect(error.message).toMatch(/^Unexpected TypeError at .*serve\.test\.ts/);
    expect(JSON.stringify([error.message, line])).not.toContain("pass-word-1");
  });

  it("names the event before the configuration, and each by itself", async () => {
    const verify: Request = {
      kind: "driven",
      action: "verify",
      secretIds: ["a"],
      force: false,
      scheduled: false,
    };
    const { error } = await failed(() => verify, { LOG_LEVEL: "loud", TENCENTCLOUD_SITE: "mars" });
    expect(error.name).toBe("ConfigurationInvalid");
    expect(error.message).toMatch(/TENCENTCLOUD_SITE: .*LOG_LEVEL: /);
  });
});
