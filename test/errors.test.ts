import { describe, expect, it } from "vitest";
import { asRotationError, RotationError } from "../lib/errors.ts";

const busy = (message: string) => new RotationError("InstanceBusy", message, { effect: "none" });

describe("a RotationError", () => {
  it("tells what happened and what the operator does next, in two sentences", () => {
    const next = "Nothing: another flow holds the instance; the next run carries on.";
    expect(busy("The instance is locked").advice).toBe(`The instance is locked. ${next}`);
    expect(busy("The instance is locked.").advice).toBe(`The instance is locked. ${next}`);
    expect(busy("Locked by crs-1.flow...").advice).toBe(`Locked by crs-1.flow. ${next}`);
    expect(busy("Locked").next).toBe(next);
  });

  it("keeps what caused it for the logs", () => {
    const cause = new Error("socket hang up");
    expect(new RotationError("NoAnswer", "No answer", { effect: "unknown", cause }).cause).toBe(cause);
  });

  it("shows no cause in a log where none is known", () => {
    expect(Object.hasOwn(busy("Locked"), "cause")).toBe(false);
  });
});

describe("what was thrown", () => {
  it("stays what it is where it is a RotationError", () => {
    const error = busy("Locked");
    expect(asRotationError(error)).toBe(error);
  });

  it("is a defect otherwise, whose kind and first place are told and whose message is not", () => {
    const defect = new TypeError("cannot read 'p@ss-W0rd'");
    defect.stack = [
      "TypeError: cannot read 'p@ss-W0rd'",
      "    at act (lib/rotation/rotate.ts:7:3)",
      "    at run (lib/rotation/run.ts:1:1)",
    ].join("\n");
    expect(asRotationError(defect)).toMatchObject({
      code: "Internal",
      effect: "unknown",
      message: "Unexpected TypeError at act (lib/rotation/rotate.ts:7:3)",
      passing: false,
    });
  });

  it.each([
    ["a text", "p@ss-W0rd", "Unexpected string"],
    ["nothing", undefined, "Unexpected undefined"],
    [
      "an error without a stack",
      Object.assign(new RangeError("p@ss-W0rd"), { stack: undefined }),
      "Unexpected RangeError",
    ],
    [
      "an error without a place",
      Object.assign(new RangeError(""), { stack: "RangeError" }),
      "Unexpected RangeError",
    ],
  ])("is told without a place where it is %s", (_, thrown, message) => {
    expect(asRotationError(thrown).message).toBe(message);
  });
});
