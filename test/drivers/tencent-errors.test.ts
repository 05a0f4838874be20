import { describe, expect, it } from "vitest";
import {
  ApiRefusal,
  REDIS_API_ERRORS,
  toRotationError,
  unreadable,
} from "../../lib/drivers/tencent-errors.ts";

const change = { action: "ResetPassword", change: true, secrets: [] as string[] };
const read = { ...change, action: "DescribeInstances", change: false };
const sent = { sent: true, aborted: false, redirected: false, systemCode: undefined };

const apiError = (code: string, message = "Refused.") =>
  Object.assign(new Error(message), { code, requestId: "request-1" });

describe("an error that the API answers", () => {
  it.each([
    ["RequestLimitExceeded", "Throttled", "none", true],
    ["RequestLimitExceeded.UinLimitExceeded", "Throttled", "none", true],
    ["ResourceInUse.InstanceBeenLocked", "InstanceBusy", "none", true],
    ["ResourceUnavailable.InstanceStatusAbnormal", "InstanceBusy", "none", true],
    ["ResourceUnavailable.InstanceLockedError", "InstanceBusy", "none", true],
    ["ResourceUnavailable.InstanceStatusError", "InstanceBusy", "none", true],
    ["ResourceUnavailable.InstanceStateError", "InstanceBusy", "none", true],
    ["ResourceUnavailable.InstanceUnLockedError", "InstanceBusy", "none", true],
    ["FailedOperation.SystemError", "CloudUnavailable", "unknown", true],
    ["FailedOperation.Unknown", "CloudUnavailable", "unknown", true],
    ["FailedOperation.CommitFlowError", "CloudUnavailable", "unknown", true],
    ["InternalError", "CloudUnavailable", "unknown", true],
    ["InternalError.DbOperationFailed", "CloudUnavailable", "unknown", true],
    ["AuthFailure.SignatureFailure", "AccessDenied", "none", false],
    ["AuthFailure.UnauthorizedOperation", "AccessDenied", "none", false],
    ["UnauthorizedOperation.NoCAMAuthed", "AccessDenied", "none", false],
    ["InvalidParameter.PermissionDenied", "AccessDenied", "none", false],
    ["ResourceNotFound.InstanceNotExists", "InstanceNotFound", "none", false],
    ["ResourceNotFound.AccountDoesNotExists", "AccountNotFound", "none", false],
    ["ResourceUnavailable.GetSecurityError", "CloudUnavailable", "unknown", true],
    ["ResourceUnavailable.InstanceIsolated", "InstanceGone", "none", false],
    ["ResourceUnavailable.InstanceDeleted", "InstanceGone", "none", false],
    ["InvalidParameterValue.PasswordRuleError", "PasswordRefused", "none", false],
    ["InvalidParameterValue.PasswordError", "PasswordRefused", "none", false],
    ["InvalidParameterValue.PasswordFreeDenied", "RequestRefused", "none", false],
    ["FailedOperation.UnSupportError", "RequestRefused", "none", false],
    ["UnsupportedOperation", "RequestRefused", "none", false],
    ["UnsupportedRegion", "RequestRefused", "none", false],
    ["MissingParameter", "RequestRefused", "none", false],
    ["InvalidAction", "RequestRefused", "none", false],
    ["SomethingNew.NobodyKnows", "RequestRefused", "unknown", false],
    ["constructor", "RequestRefused", "unknown", false],
  ])("%s means %s, and its effect on a change is %s", (apiCode, code, effect, passing) => {
    const error = toRotationError(apiError(apiCode), change, sent, REDIS_API_ERRORS);
    expect(error).toMatchObject({ code, effect, passing, requestId: "request-1" });
  });

  it.each([
    ["ResetPassword", "PasswordRefused"],
    ["ModifyInstanceAccount", "PasswordRefused"],
    ["ModifyInstancePassword", "OldPasswordError"],
    ["ModfiyInstancePassword", "OldPasswordError"],
  ])("is about the password that %s takes, where it says that a password is wrong", (action, code) => {
    const wrong = apiError("InvalidParameterValue.PasswordError");
    const error = toRotationError(wrong, { ...change, action }, sent, REDIS_API_ERRORS);
    expect(error).toMatchObject({ code, effect: "none" });
  });

  it("keeps the API's own code, masked as everything else", () => {
    const call = { ...change, secrets: ["p@ss-W0rd"] };
    const refusal = toRotationError(apiError("InvalidAction"), call, sent, REDIS_API_ERRORS);
    expect(refusal).toMatchObject({ name: "RotationError", apiCode: "InvalidAction" });
    expect(refusal).toBeInstanceOf(ApiRefusal);
    const echo = toRotationError(apiError("Bad.p@ss-W0rd"), call, sent, REDIS_API_ERRORS);
    expect(echo).toMatchObject({ apiCode: "Bad.***" });
    expect(toRotationError({ httpCode: 500 }, call, sent, REDIS_API_ERRORS)).not.toBeInstanceOf(ApiRefusal);
  });

  it("has no effect on a read, whatever it is", () => {
    const error = toRotationError(apiError("InternalError"), read, sent, REDIS_API_ERRORS);
    expect(error).toMatchObject({ code: "CloudUnavailable", effect: "none" });
  });

  it("tells the action, the cloud's code, its text and the RequestId, and keeps no cause", () => {
    const error = toRotationError(apiError("MissingParameter"), change, sent, REDIS_API_ERRORS);
    expect(error.message).toBe("ResetPassword: MissingParameter: Refused. (RequestId request-1)");
    expect(error.cause).toBeUndefined();
  });

  it("is taken at its word also after the deadline", () => {
    const late = { ...sent, aborted: true };
    const error = toRotationError(apiError("RequestLimitExceeded"), change, late, REDIS_API_ERRORS);
    expect(error).toMatchObject({ code: "Throttled", effect: "none" });
  });

  it("is quoted with the secrets of the call masked, in its text and in its RequestId", () => {
    const call = { ...change, secrets: ["p@ss-W0rd", "key-of-the-account"] };
    const echo = apiError("InvalidParameterValue", "Password 'p@ss-W0rd' of key-of-the-account");
    const error = toRotationError(
      Object.assign(echo, { requestId: "p@ss-W0rd" }),
      call,
      sent,
      REDIS_API_ERRORS,
    );
    expect(error.message).toBe("ResetPassword: InvalidParameterValue: Password '***' of *** (RequestId ***)");
    expect(error.requestId).toBe("***");
  });

  it("is quoted up to 500 characters", () => {
    const error = toRotationError(
      apiError("MissingParameter", "x".repeat(9000)),
      change,
      sent,
      REDIS_API_ERRORS,
    );
    expect(error.message.length).toBeLessThan(600);
  });
});

describe("a failure without an API error", () => {
  const raw = new Error("Credential=AKID…, Signature=… is not a legal header value");

  it.each([
    ["HTTP 500", { httpCode: 500 }, sent, "CloudUnavailable", "unknown"],
    ["HTTP 403", { httpCode: 403 }, sent, "CloudUnavailable", "unknown"],
    ["HTTP 429", { httpCode: 429 }, sent, "Throttled", "none"],
    ["a redirect", {}, { ...sent, redirected: true }, "NoAnswer", "unknown"],
    ["a reset", {}, { ...sent, systemCode: "ECONNRESET" }, "NoAnswer", "unknown"],
    ["an unreadable body", {}, sent, "NoAnswer", "unknown"],
    [
      "a refused connection",
      {},
      { ...sent, sent: false, systemCode: "ECONNREFUSED" },
      "CloudUnreachable",
      "none",
    ],
    ["the deadline while it was under way", {}, { ...sent, aborted: true }, "InProgress", "unknown"],
    ["the deadline before it was sent", {}, { ...sent, sent: false, aborted: true }, "InProgress", "none"],
  ])("after %s tells nothing of the SDK's text", (_name, fields, attempt, code, effect) => {
    const error = toRotationError(
      Object.assign(new Error(raw.message), fields),
      change,
      attempt,
      REDIS_API_ERRORS,
    );
    expect(error).toMatchObject({ code, effect });
    expect(error.message).not.toContain("legal");
    const ofRead = toRotationError(
      Object.assign(new Error(raw.message), fields),
      read,
      attempt,
      REDIS_API_ERRORS,
    );
    expect(ofRead).toMatchObject({ code, effect: "none" });
  });

  it.each([undefined, null, "text", 7])("can be anything that was thrown: %s", (thrown) => {
    const error = toRotationError(thrown, change, sent, REDIS_API_ERRORS);
    expect(error).toMatchObject({ code: "NoAnswer", effect: "unknown" });
  });

  it("has an unknown effect where the answer does not say whether the change was carried out", () => {
    expect(unreadable(change, "no TaskId", "request-1")).toMatchObject({
      code: "NoAnswer",
      effect: "unknown",
      requestId: "request-1",
    });
  });
});
