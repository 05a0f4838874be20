import { describe, expect, it } from "vitest";
import { QCLOUD_ERRORS, qcloudError } from "../../lib/drivers/qcloud-errors.ts";

const change = { action: "ModfiyRedisPassword", change: true, secrets: ["Fresh-p@ss1", "Old!Pass22"] };
const read = { ...change, action: "DescribeTaskInfo", change: false };
const verdict = (code: number, message = "refused", codeDesc = "") => ({ code, message, codeDesc });

describe("a refusal of API 2.0", () => {
  it.each([
    [10501, "PasswordEmpty", "PasswordRefused", "none", false],
    [10502, "OldPasswordError", "OldPasswordError", "none", false],
    [11058, "PasswordRuleError", "PasswordRefused", "none", false],
    [10701, "InstanceNotExists", "InstanceNotFound", "none", false],
    [10702, "InstanceStatusAbnormal", "InstanceBusy", "none", true],
    [10707, "InstanceLockedError", "InstanceBusy", "none", true],
    [11201, "InvalidParameter", "RequestRefused", "none", false],
    [4000, "", "RequestRefused", "none", false],
    [4100, "", "AccessDenied", "none", false],
    [4101, "", "AccessDenied", "none", false],
    [4102, "", "AccessDenied", "none", false],
    [4103, "", "AccessDenied", "none", false],
    [4104, "", "CredentialsRejected", "none", false],
    [4105, "", "CredentialsRejected", "none", false],
    [4106, "", "AccessDenied", "none", false],
    [4110, "", "AccessDenied", "none", false],
    [4200, "", "CredentialsRejected", "none", false],
    [4300, "", "AccessDenied", "none", false],
    [4400, "", "Throttled", "none", true],
    [4500, "", "CredentialsRejected", "none", false],
    [4600, "", "RequestRefused", "none", false],
    [5000, "", "InstanceNotFound", "none", false],
    [5100, "", "CloudUnavailable", "unknown", true],
    [5200, "", "RequestRefused", "none", false],
    [5300, "", "RequestRefused", "none", false],
    [5400, "", "RequestRefused", "unknown", false],
    [5500, "", "RequestRefused", "none", false],
    [6000, "", "CloudUnavailable", "unknown", true],
    [6100, "", "CloudUnavailable", "unknown", true],
    [6200, "", "CloudUnavailable", "unknown", true],
    [7000, "", "RequestRefused", "unknown", false],
    [-1, "", "RequestRefused", "unknown", false],
  ])("with code %i %s is %s, effect %s, passing %s", (code, codeDesc, meaning, effect, passing) => {
    const error = qcloudError(verdict(code, "refused", codeDesc), change);
    expect(error).toMatchObject({ code: meaning, effect, passing });
    expect(qcloudError(verdict(code), read)).toMatchObject({ code: meaning, effect: "none" });
  });

  it("is tried above with every code of the table", () => {
    expect(QCLOUD_ERRORS.size).toBe(30);
  });

  it.each([
    [5100, "(10707)InstanceLockedError", "InstanceBusy", "none"],
    [4000, "(11058)password rule error", "PasswordRefused", "none"],
    [6000, " (10502) old password error", "OldPasswordError", "none"],
    [5100, "(99999)unheard of", "CloudUnavailable", "unknown"],
    [5100, "failed (10707)", "CloudUnavailable", "unknown"],
    [99999, "(88888)unheard of", "RequestRefused", "unknown"],
  ])("with code %i and the message %j is %s, effect %s", (code, message, meaning, effect) => {
    expect(qcloudError(verdict(code, message), change)).toMatchObject({ code: meaning, effect });
  });

  it("tells the action, the code and the cloud's words", () => {
    expect(qcloudError(verdict(10707, "locked", "InstanceLockedError"), change).message).toBe(
      "ModfiyRedisPassword: 10707 InstanceLockedError: locked",
    );
    expect(qcloudError(verdict(4100, ""), change).message).toBe("ModfiyRedisPassword: 4100: no message");
  });

  it("shows no secret, however the cloud echoes it, and no more than 500 characters", () => {
    const echo = `password=Fresh-p@ss1&old=${encodeURIComponent("Old!Pass22")} ${encodeURIComponent("Fresh-p@ss1")}`;
    const { message } = qcloudError(verdict(11058, echo, "Old!Pass22"), change);
    expect(message).toBe("ModfiyRedisPassword: 11058 ***: password=***&old=*** ***");
    expect(qcloudError(verdict(4000, "x".repeat(9_000)), change).message.length).toBeLessThan(600);
  });
});
