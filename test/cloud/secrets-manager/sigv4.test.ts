import { createHash, createHmac } from "node:crypto";
import { describe, expect, it } from "vitest";
import { verifySigV4 } from "./sigv4.ts";

const NOW = Date.UTC(2026, 0, 2, 3, 4, 5);
const keys = { AKIDEXAMPLELOCAL: { secretAccessKey: "local-secret-access-key" } };

/** A request signed by the rules, over whatever it is told to sign. */
function sign({
  scope = ["20260102", "eu-west-1", "secretsmanager", "aws4_request"],
  amzDate = "20260102T030405Z",
  signedHeaders = ["host", "x-amz-date"],
  body = "{}",
} = {}) {
  const headers: Record<string, string> = { host: "127.0.0.1:4100", "x-amz-date": amzDate };
  const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
  const canonical = [
    "POST",
    "/",
    "",
    ...signedHeaders.map((name) => `${name}:${headers[name]}`),
    "",
    signedHeaders.join(";"),
    sha256(body),
  ].join("\n");
  let key: Buffer | string = "AWS4local-secret-access-key";
  for (const part of scope) key = createHmac("sha256", key).update(part).digest();
  const toSign = ["AWS4-HMAC-SHA256", amzDate, scope.join("/"), sha256(canonical)].join("\n");
  const signature = createHmac("sha256", key).update(toSign).digest("hex");
  const credential = ["AKIDEXAMPLELOCAL", ...scope].join("/");
  const authorization = `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${signedHeaders.join(";")}, Signature=${signature}`;
  return { method: "POST", url: "/", headers: { ...headers, authorization }, body: Buffer.from(body) };
}

const verify = (request: ReturnType<typeof sign>, nowMs = NOW) =>
  verifySigV4(request, { keys, service: "secretsmanager", nowMs });

describe("a signed request", () => {
  it("is accepted and tells its region", () => {
    expect(verify(sign())).toEqual({ region: "eu-west-1" });
  });

  it.each([-300_000, 300_000])("is accepted %i ms off", (offMs) => {
    expect(verify(sign(), NOW + offMs)).toBeDefined();
  });

  it.each([
    ["for another service", { scope: ["20260102", "eu-west-1", "sts", "aws4_request"] }],
    [
      "with another ending of its scope",
      { scope: ["20260102", "eu-west-1", "secretsmanager", "aws5_request"] },
    ],
    ["with a scope of another day", { scope: ["20260103", "eu-west-1", "secretsmanager", "aws4_request"] }],
    ["with a date that is none", { amzDate: "20260102" }],
    ["five minutes and a second old", { amzDate: "20260102T025904Z" }],
    ["from five minutes and a second ahead", { amzDate: "20260102T030906Z" }],
    ["without its host among the signed headers", { signedHeaders: ["x-amz-date"] }],
    ["without its date among the signed headers", { signedHeaders: ["host"] }],
  ])("is refused %s", (_, options) => {
    expect(() => verify(sign(options))).toThrow(
      expect.objectContaining({ name: "InvalidSignatureException" }),
    );
  });

  it("is refused with its headers out of order", () => {
    expect(() => verify(sign({ signedHeaders: ["x-amz-date", "host"] }))).toThrow(
      expect.objectContaining({ name: "IncompleteSignatureException" }),
    );
  });

  it("is refused with another body", () => {
    expect(() => verify({ ...sign(), body: Buffer.from("{ }") })).toThrow(
      expect.objectContaining({ name: "InvalidSignatureException" }),
    );
  });
});

// From the test suite that AWS publishes for Signature Version 4.
it.each([
  ["/", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"],
  ["/?Param2=value2&Param1=value1", "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"],
])("the published signature of GET %s holds", (url, signature) => {
  const request = {
    method: "GET",
    url,
    headers: {
      host: "example.amazonaws.com",
      "x-amz-date": "20150830T123600Z",
      authorization: `AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature=${signature}`,
    },
    body: Buffer.alloc(0),
  };
  const options = {
    keys: { AKIDEXAMPLE: { secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY" } },
    service: "service",
    nowMs: Date.UTC(2015, 7, 30, 12, 36),
  };
  expect(verifySigV4(request, options)).toEqual({ region: "us-east-1" });
});
