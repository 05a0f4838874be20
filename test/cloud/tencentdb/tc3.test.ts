import { describe, expect, it } from "vitest";
import { type SignedRequest, verifyTc3 } from "./tc3.ts";

// The sample of the documentation of signature version 3, to the letter.
const credentials = [
  { secretId: "AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE", secretKey: "Gu5t9xGARNpq86cd98joQYCN3EXAMPLE" },
];
const nowMs = 1_551_113_065_000;
const scope = "AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE/2019-02-25/cvm/tc3_request";
const signature = "72e494ea809ad7a8c8f7a4507b9bddcbaa8e581f516e8da2f66e2c5a96525168";
const authorization = `TC3-HMAC-SHA256 Credential=${scope}, SignedHeaders=content-type;host, Signature=${signature}`;
const headers = {
  authorization,
  "content-type": "application/json; charset=utf-8",
  host: "cvm.tencentcloudapi.com",
  "x-tc-timestamp": "1551113065",
};
const body = String.raw`{"Limit": 1, "Filters": [{"Values": ["\u672a\u547d\u540d"], "Name": "instance-name"}]}`;
const sample: SignedRequest = { method: "POST", path: "/", query: "", headers, body: Buffer.from(body) };

describe("verifyTc3", () => {
  it("accepts the documentation's sample", () => {
    expect(() => verifyTc3(sample, { credentials, nowMs })).not.toThrow();
  });

  it.each([
    [300_000, true],
    [301_000, false],
    [-300_000, true],
    [-301_000, false],
  ])("takes a time that is %i ms off the server's: %s", (offMs, accepted) => {
    const verify = () => verifyTc3(sample, { credentials, nowMs: nowMs + offMs });
    if (accepted) expect(verify).not.toThrow();
    else expect(verify).toThrow(expect.objectContaining({ code: "AuthFailure.SignatureExpire" }));
  });

  it.each([
    ["another body", { body: Buffer.from(`${body} `) }, "AuthFailure.SignatureFailure"],
    ["another method", { method: "GET" }, "AuthFailure.SignatureFailure"],
    ["a query", { query: "a=b" }, "AuthFailure.SignatureFailure"],
    [
      "another host",
      { headers: { ...headers, host: "redis.tencentcloudapi.com" } },
      "AuthFailure.SignatureFailure",
    ],
    [
      "another second",
      { headers: { ...headers, "x-tc-timestamp": "1551113066" } },
      "AuthFailure.SignatureFailure",
    ],
    ["no timestamp", { headers: { ...headers, "x-tc-timestamp": undefined } }, "MissingParameter"],
    [
      "no Authorization",
      { headers: { ...headers, authorization: undefined } },
      "AuthFailure.InvalidAuthorization",
    ],
    [
      "an unknown key id",
      { headers: { ...headers, authorization: authorization.replace("AKID", "AKIX") } },
      "AuthFailure.SecretIdNotFound",
    ],
    [
      "an unsigned host",
      { headers: { ...headers, authorization: authorization.replace(";host", "") } },
      "AuthFailure.InvalidAuthorization",
    ],
    [
      "another date in the scope",
      { headers: { ...headers, authorization: authorization.replace("02-25", "02-26") } },
      "AuthFailure.SignatureFailure",
    ],
    [
      "a token that the key has not",
      { headers: { ...headers, "x-tc-token": "x" } },
      "AuthFailure.TokenFailure",
    ],
  ])("refuses %s", (_, change, code) => {
    expect(() => verifyTc3({ ...sample, ...change }, { credentials, nowMs })).toThrow(
      expect.objectContaining({ code }),
    );
  });

  it.each([
    ["its token", "the token", true],
    ["another token", "another token", false],
    ["no token", undefined, false],
  ])("takes a temporary key with %s: %s %s", (_, token, accepted) => {
    const temporary = credentials.map((credential) => ({ ...credential, token: "the token" }));
    const request = { ...sample, headers: { ...headers, "x-tc-token": token } };
    const verify = () => verifyTc3(request, { credentials: temporary, nowMs });
    if (accepted) expect(verify).not.toThrow();
    else expect(verify).toThrow(expect.objectContaining({ code: "AuthFailure.TokenFailure" }));
  });
});
