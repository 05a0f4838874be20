import { describe, expect, it } from "vitest";
import { maintenanceWindow } from "../lib/window.ts";

const at = (text: string) => Date.parse(text);

describe("a maintenance window", () => {
  it.each([
    ["* 1-4 * * *", "UTC", "2026-03-01T01:00:00Z", true],
    ["* 1-4 * * *", "UTC", "2026-03-01T04:59:59.999Z", true],
    ["* 1-4 * * *", "UTC", "2026-03-01T05:00:00Z", false],
    ["* 1-4 * * *", "UTC", "2026-03-01T00:59:59.999Z", false],
    ["* */6 * * *", "UTC", "2026-03-01T18:45:59Z", true],
    ["* * 29 2 *", "UTC", "2028-02-29T10:00:00Z", true],
    ["* * * * 6,0", "UTC", "2026-03-01T12:00:00Z", true],
    ["* * * * sat,sun", "UTC", "2026-03-02T12:00:00Z", false],
    ["* * * * 7", "UTC", "2026-03-01T12:00:00Z", true],
    ["* * * jan *", "UTC", "2026-01-31T23:59:00Z", true],
    ["* * * 1 *", "UTC", "2026-02-01T00:00:00Z", false],
    ["* * 31 * *", "UTC", "2026-01-31T12:00:00Z", true],
    // Either is enough.
    ["* * 1 * 1", "UTC", "2026-03-02T12:00:00Z", true],
    ["* * 1 * 1", "UTC", "2026-03-03T12:00:00Z", false],
    // Midnight belongs to the new day.
    ["* 0 2 * *", "Asia/Shanghai", "2026-03-01T16:00:00Z", true],
    ["* 2 * * *", "Asia/Shanghai", "2026-03-01T18:30:00Z", true],
    ["* 2 * * *", "Asia/Kolkata", "2026-03-01T20:30:00Z", true],
    // The hour that summer time leaves out is not there; the one that comes twice is there twice.
    ["* 2 * * *", "Europe/Berlin", "2026-03-29T01:00:00Z", false],
    ["* 2 * * *", "Europe/Berlin", "2026-10-25T00:30:00Z", true],
    ["* 2 * * *", "Europe/Berlin", "2026-10-25T01:30:00Z", true],
  ])("%s in %s is open at %s: %s", (expression, timeZone, time, isOpen) => {
    expect(maintenanceWindow(expression, timeZone)(at(time))).toBe(isOpen);
  });

  it.each([
    ["* * * *", "UTC"],
    ["0 * 1-4 * * *", "UTC"],
    ["* 25 * * *", "UTC"],
    ["nightly", "UTC"],
    // An hourly timer may ring in another minute.
    ["0 2 * * *", "UTC"],
    ["30-59 1 * * *", "UTC"],
    // It never comes.
    ["* 1-4 31 2 *", "UTC"],
    ["* 1-4 * * *", "Mars/Olympus"],
  ])("there is none of %s in %s", (expression, timeZone) => {
    expect(() => maintenanceWindow(expression, timeZone)).toThrow();
  });
});
