import { describe, expect, it } from "vitest";
import { mask } from "../../lib/drivers/mask.ts";
import { type Attempt, REDIS_API_ERRORS, toRotationError } from "../../lib/drivers/tencent-errors.ts";

const call = { action: "ResetPassword", change: true, secrets: [] };
const SENT: Attempt = { sent: true, aborted: false, redirected: false, systemCode: undefined };
const toError = (thrown: unknown, attempt: Partial<Attempt> = {}) =>
  toRotationError(thrown, call, { ...SENT, ...attempt }, REDIS_API_ERRORS);

describe("what became of a request is told in words", () => {
  const unreadable = "the answer cannot be read";
  it.each<[string, object, Partial<Attempt>, string, string]>([
    ["too many of them", { httpCode: 429 }, {}, "Throttled", "HTTP 429"],
    ["a status of a gateway", { httpCode: 502 }, {}, "CloudUnavailable", "HTTP 502"],
    ["the deadline", {}, { aborted: true }, "InProgress", "stopped at the deadline"],
    [
      "no connection",
      {},
      { sent: false, systemCode: "ECONNREFUSED" },
      "CloudUnreachable",
      "no connection (ECONNREFUSED)",
    ],
    [
      "no connection in time",
      { message: "network timeout at: https://redis.tencentcloudapi.com/" },
      { sent: false },
      "CloudUnreachable",
      "no connection (timed out)",
    ],
    ["no answer in time", { message: "network timeout at: https://x/" }, {}, "NoAnswer", "timed out"],
    ["half an answer in time", { message: "Response timeout while trying to" }, {}, "NoAnswer", "timed out"],
    ["a redirect", {}, { redirected: true }, "NoAnswer", "a redirect was answered and not followed"],
    ["a broken connection", {}, { systemCode: "ECONNRESET" }, "NoAnswer", "ECONNRESET"],
    ["an answer that is none", { message: "invalid json" }, {}, "NoAnswer", unreadable],
    ["words about a time-out", { message: "no network timeout at all" }, {}, "NoAnswer", unreadable],
    ["a message that is no text", { message: 7 }, {}, "NoAnswer", unreadable],
    ["nothing that can be sent", {}, { sent: false }, "Internal", "the request could not be made"],
  ])("%s", (_, fields, attempt, code, words) => {
    expect(toError(fields, attempt)).toMatchObject({ code, message: `ResetPassword: ${words}` });
    expect(toError(fields, attempt).requestId).toBeUndefined();
    const hasLeft = attempt.sent !== false && code !== "Throttled";
    expect(toError(fields, attempt).effect).toBe(hasLeft ? "unknown" : "none");
  });
});

describe("the cloud has spoken only where there are its code and its RequestId", () => {
  it.each([
    ["a code of the transport", { code: "InvalidParameter" }],
    ["a code and an empty RequestId", { code: "InvalidParameter", requestId: "" }],
    ["a code and a RequestId that is no text", { code: "InvalidParameter", requestId: 7 }],
    ["a RequestId alone", { requestId: "request-1" }],
    ["a RequestId and an empty code", { code: "", requestId: "request-1" }],
    ["a RequestId and a code that is no text", { code: 7, requestId: "request-1" }],
  ])("not by %s", (_, fields) => {
    expect(toError(fields)).toMatchObject({ code: "NoAnswer", effect: "unknown" });
  });

  it("and a refusal without words is told as one", () => {
    const { message } = toError({ code: "MissingParameter", requestId: "request-1", message: 7 });
    expect(message).toBe("ResetPassword: MissingParameter: no message (RequestId request-1)");
  });

  it("and a RequestId is kept up to 500 characters", () => {
    expect(toError({ code: "MissingParameter", requestId: "r".repeat(900) }).requestId).toHaveLength(500);
  });
});

describe("mask hides a secret however each of its characters is written", () => {
  const NAMED: Readonly<Record<string, string>> = {
    "&": "amp",
    "<": "lt",
    ">": "gt",
    '"': "quot",
    "'": "apos",
  };
  const hexOf = (char: string) => (char.codePointAt(0) ?? 0).toString(16);
  const escaped = (char: string, sign: string) =>
    Array.from(Buffer.from(char), (byte) => `${sign}${byte.toString(16).padStart(2, "0")}`).join("");

  const WAYS: readonly (readonly [string, (char: string) => string])[] = [
    ["as it is", (char) => char],
    ["with a backslash", (char) => `\\${char}`],
    ["with two backslashes", (char) => `\\\\${char}`],
    ["in a URL", (char) => escaped(char, "%")],
    ["in a URL in a URL", (char) => escaped(char, "%25")],
    ["in JSON by its number", (char) => `\\u${hexOf(char).padStart(4, "0")}`],
    ["in JSON in JSON by its number", (char) => `\\\\u${hexOf(char).padStart(4, "0")}`],
    ["in a script by its number", (char) => `\\x${hexOf(char).padStart(2, "0")}`],
    ["in HTML by its number", (char) => `&#${char.codePointAt(0)};`],
    ["in HTML by its number in hexadecimal", (char) => `&#x0${hexOf(char)};`],
    ["in HTML in HTML", (char) => `&amp;#${char.codePointAt(0)};`],
    ["in HTML by its name", (char) => (NAMED[char] ? `&${NAMED[char]};` : char)],
  ];

  it.each(WAYS)("%s", (_, write) => {
    for (const char of "()~!@#$%^&*-+=_|{}[]:;<>,.?/`'\"\\é\t") {
      const secret = `a${char}Z`;
      const text = `before a${write(char)}Z after`;
      expect([char, mask(text, [secret])]).toEqual([char, "before *** after"]);
    }
  });

  it("and takes no other text for it", () => {
    for (const text of ["before a%20Z after", "before aZ after", "a.b"]) {
      expect(mask(text, ["a+Z", "a.Z", "axb"])).toBe(text);
    }
  });
});
