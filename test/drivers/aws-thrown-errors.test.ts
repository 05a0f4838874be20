import { SecretsManagerServiceException } from "@aws-sdk/client-secrets-manager";
import { describe, expect, it } from "vitest";
import { type FailedCall, isThrottling, mayBeDone, storeError } from "../../lib/drivers/aws-errors.ts";
import { ProxyFailure } from "../../lib/drivers/proxy-agent.ts";

const call: FailedCall = {
  what: "PutSecretValue of redis/orders",
  effect: "unknown",
  confidential: [],
  aborted: false,
};

interface Told {
  readonly name?: string;
  readonly httpStatusCode?: number;
  readonly requestId?: string;
}

const named = (name: string, fields: object = {}) => Object.assign(new Error("p@ss-W0rd"), { name }, fields);

const exception = (message: string, { name = "InvalidParameterException", ...fields }: Told = {}) =>
  new SecretsManagerServiceException({
    name,
    $fault: "client",
    $metadata: { httpStatusCode: 400, ...fields },
    message,
  });

describe("whatever the SDK throws becomes a code and a sentence without the SDK's own text", () => {
  it.each([
    [
      "where it finds no credentials",
      named("CredentialsProviderError"),
      "StoreCredentialsMissing",
      "no AWS credentials were found",
    ],
    ["where it waited too long", named("TimeoutError"), "StoreUnavailable", "no answer in time"],
    [
      "where the system waited too long",
      named("Error", { code: "ETIMEDOUT" }),
      "StoreUnavailable",
      "no answer in time",
    ],
    [
      "where the connection broke",
      named("Error", { code: "ECONNRESET" }),
      "StoreUnavailable",
      "no answer (ECONNRESET)",
    ],
    [
      "where a proxy let nothing through",
      new ProxyFailure("the proxy answered 407: set its user"),
      "StoreUnavailable",
      "the proxy answered 407: set its user",
    ],
    [
      "where a gateway answered",
      named("SyntaxError", { $metadata: { httpStatusCode: 502 } }),
      "StoreUnavailable",
      "an answer that cannot be read (HTTP 502)",
    ],
    [
      "where it could not make the call",
      named("TypeError"),
      "Internal",
      "the call could not be made (TypeError)",
    ],
    [
      "where its code is no text",
      named("TypeError", { code: 7 }),
      "Internal",
      "the call could not be made (TypeError)",
    ],
    [
      "where its metadata is empty",
      named("TypeError", { $metadata: null }),
      "Internal",
      "the call could not be made (TypeError)",
    ],
    ["where it throws nothing", undefined, "Internal", "the call could not be made (unknown)"],
    ["where it throws null", null, "Internal", "the call could not be made (unknown)"],
    ["where it throws a text", "p@ss-W0rd", "Internal", "the call could not be made (unknown)"],
  ])("%s", (_, thrown, code, detail) => {
    const error = storeError(thrown, call);
    expect(error).toMatchObject({ code, effect: "unknown", message: `${call.what}: ${detail}` });
    expect(error.cause).toBeUndefined();
  });

  it("where the run's time is used up, whatever came of it", () => {
    expect(storeError(named("AbortError"), { ...call, aborted: true })).toMatchObject({
      code: "InProgress",
      message: `${call.what}: the time of this run is used up`,
    });
  });

  it("with the request's id where the service gave one", () => {
    expect(storeError(exception("No.", { requestId: "request-1" }), call).requestId).toBe("request-1");
    expect(storeError(exception("No."), call).requestId).toBeUndefined();
  });
});

describe("a message of the service is not shown", () => {
  it.each([
    ["from eight characters of what was sent on", "It was 'abcdefgh'.", "12abcdefgh", false],
    ["where what was sent has eight characters", "It was 'abcdefgh'.", "abcdefgh", false],
    ["but it is with seven, which may be chance", "It was 'abcdefg'.", "abcdefg", true],
  ])("%s", (_, message, text, isShown) => {
    const error = storeError(exception(message), { ...call, confidential: ["not in it at all", text] });
    expect(error.message.includes(message)).toBe(isShown);
  });
});

describe("a failed attempt", () => {
  it.each(["EPROXY", "ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH"])(
    "has done nothing where no connection came about: %s",
    (code) => expect(mayBeDone(named("Error", { code }))).toBe(false),
  );

  it.each([
    ["the service failed", exception("", { httpStatusCode: 500 }), true],
    ["the service refused", exception("", { httpStatusCode: 499 }), false],
    ["the connection broke", named("Error", { code: "ECONNRESET" }), true],
    ["nobody knows why", named("Error"), true],
  ])("may have done its work or not where %s", (_, thrown, expected) => {
    expect(mayBeDone(thrown)).toBe(expected);
  });

  it.each([
    ["the service says so", exception("", { name: "ThrottlingException" }), true],
    ["the service says so in another word", exception("", { name: "TooManyRequestsException" }), true],
    ["the service refused it for another reason", exception(""), false],
    ["another than the service says so", named("ThrottlingException"), false],
  ])("was one too many or not where %s", (_, thrown, expected) => {
    expect(isThrottling(thrown)).toBe(expected);
  });
});
