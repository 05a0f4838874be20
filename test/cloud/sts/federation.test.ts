import { randomUUID } from "node:crypto";
import * as v from "valibot";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "../../../lib/drivers/runtime.ts";
import { createTencentClient, type TencentCredentials } from "../../../lib/drivers/tencent-client.ts";
import { REDIS_API_ERRORS } from "../../../lib/drivers/tencent-errors.ts";
import type { AwsApiError } from "../secrets-manager/aws-api-error.ts";
import { createTencentDb } from "../tencentdb/model.ts";
import { startTencentServer, type TencentServer } from "../tencentdb/server.ts";
import type { Credential } from "../tencentdb/tc3.ts";
import { AUDIENCE, type Federation, FUNCTION_ROLE, startFederation } from "./federation.ts";
import { type Claims, createIdentityIssuer, readToken, type TokenAlgorithm } from "./identity-issuer.ts";

const NOW_MS = Date.UTC(2026, 0, 1);
const NOW = NOW_MS / 1_000;
const KEYS = { AKIALOCAL: { secretAccessKey: "local-secret" } };
const FORM = {
  Action: "GetWebIdentityToken",
  Version: "2011-06-15",
  "Audience.member.1": AUDIENCE,
  SigningAlgorithm: "ES384",
};

let federation: Federation;
const credentials: Credential[] = [];
beforeAll(async () => {
  const clock = { now: () => NOW_MS, sleep: async () => {} };
  federation = await startFederation({ clock, keys: KEYS, region: "eu-west-1", credentials });
});
afterAll(() => federation.close());

const GOOD: Omit<Claims, "iss"> = { aud: AUDIENCE, sub: FUNCTION_ROLE, iat: NOW, exp: NOW + 300 };

function assume(differs: Record<string, unknown> = {}) {
  return federation.tencent.dispatch({
    host: "sts.tencentcloudapi.com",
    method: "POST",
    action: "AssumeRoleWithWebIdentity",
    version: "2018-08-13",
    region: "ap-guangzhou",
    requestId: randomUUID(),
    parameters: {
      ProviderId: federation.role.provider,
      WebIdentityToken: federation.issuer.issue(GOOD, "RS256"),
      RoleArn: federation.role.arn,
      RoleSessionName: "test",
      ...differs,
    },
  });
}

describe("the local AWS STS", () => {
  const issue = (form: Record<string, string>) => federation.aws.call({ arn: FUNCTION_ROLE }, form);
  const nameOf = (form: Record<string, string>): string => {
    try {
      issue(form);
    } catch (error) {
      return (error as AwsApiError).name;
    }
    return "issued";
  };

  it.each<TokenAlgorithm>(["RS256", "ES384"])("issues a %s token for five minutes", (SigningAlgorithm) => {
    const { token, expiration } = issue({ ...FORM, SigningAlgorithm });
    const keys = federation.issuer.keySet();
    expect(readToken(token, keys)).toMatchObject({ ...GOOD, iss: federation.issuer.url });
    expect(expiration).toEqual(new Date(NOW_MS + 300_000));
  });

  it.each([
    ["InvalidAction", { Version: "2010-05-08" }],
    ["InvalidAction", { Action: "GetCallerIdentity" }],
    ["ValidationError", { SigningAlgorithm: "HS256" }],
    ["ValidationError", { DurationSeconds: "59" }],
    ["ValidationError", { DurationSeconds: "3601" }],
    ["ValidationError", { "Audience.member.1": "" }],
    ["ValidationError", { "Audience.member.3": AUDIENCE }],
    ["ValidationError", { Unknown: "1" }],
    ["AccessDenied", { "Audience.member.1": "someone.else" }],
    ["AccessDenied", { "Audience.member.2": "someone.else" }],
  ])("answers %s to %j", (name, differs) => {
    expect(nameOf({ ...FORM, ...differs })).toBe(name);
  });

  it("serves nobody without a signature", async () => {
    const { AWS_ENDPOINT_URL_STS: url = "" } = federation.environment;
    const response = await fetch(url, { method: "POST", body: new URLSearchParams(FORM) });
    expect(response.status).toBe(403);
    expect(await response.text()).toContain("<Code>MissingAuthenticationToken</Code>");
  });
});

describe("the local Tencent Cloud STS", () => {
  it("gives temporary keys, for two hours where nothing is said", async () => {
    const { Credentials, ExpiredTime } = await assume();
    expect(ExpiredTime).toBe(NOW + 7_200);
    const { secretId, secretKey, token, expiresAtMs } = credentials.at(-1) ?? {};
    expect(Credentials).toEqual({ TmpSecretId: secretId, TmpSecretKey: secretKey, Token: token });
    expect(expiresAtMs).toBe(NOW_MS + 7_200_000);
  });

  const stranger = createIdentityIssuer("https://stranger.example");
  const token = (claims: Partial<Claims>) => () => federation.issuer.issue({ ...GOOD, ...claims }, "ES384");
  const [TOKEN, PARAMETER, DENIED] = [
    "InvalidParameter.WebIdentityTokenError",
    "InvalidParameter.ParamError",
    "UnauthorizedOperation",
  ];

  it.each<[string, string, () => string]>([
    ["of another audience", TOKEN, token({ aud: "someone.else" })],
    ["of another issuer", TOKEN, token({ iss: "https://stranger.example" })],
    ["that has expired", TOKEN, token({ exp: NOW })],
    ["that is not valid yet", TOKEN, token({ iat: NOW + 61 })],
    ["signed by another key", TOKEN, () => stranger.issue({ ...GOOD }, "RS256")],
    ["that was changed", TOKEN, () => changed(token({})())],
    ["without a signature", TOKEN, () => unsigned(token({})())],
    ["that is none", TOKEN, () => "none"],
    ["of another identity", DENIED, token({ sub: `${FUNCTION_ROLE}-other` })],
  ])("refuses a token %s with %s", async (_, code, make) => {
    await expect(assume({ WebIdentityToken: make() })).rejects.toMatchObject({ code });
  });

  it.each([
    [PARAMETER, { ProviderId: "unknown" }],
    [PARAMETER, { RoleSessionName: "x" }],
    [PARAMETER, { DurationSeconds: 7_201 }],
    [DENIED, { RoleArn: "qcs::cam::uin/100000000001:roleName/other" }],
    ["MissingParameter", { RoleArn: undefined }],
    ["UnknownParameter", { Policy: "{}" }],
  ])("answers %s to %j", async (code, differs) => {
    await expect(assume(differs)).rejects.toMatchObject({ code });
  });
});

describe("a temporary key", () => {
  const keys: Credential[] = [];
  let server: TencentServer;
  beforeAll(async () => {
    const tencentDb = createTencentDb({ clock: systemClock, setPassword: async () => {} });
    const services = { redis: tencentDb };
    server = await startTencentServer({ clock: systemClock, services, credentials: keys });
  });
  afterAll(() => server.close());

  const listInstances = async (secondsLeft: number, differs: Partial<TencentCredentials> = {}) => {
    const key = { secretId: `AKID${randomUUID()}`, secretKey: randomUUID(), token: randomUUID() };
    keys.push({ ...key, expiresAtMs: systemClock.now() + secondsLeft * 1_000 });
    const client = createTencentClient({
      service: "redis",
      version: "2018-04-12",
      region: "ap-guangzhou",
      errors: REDIS_API_ERRORS,
      endpointUrl: server.url,
      credentials: async () => ({ ...key, ...differs }),
      signal: new AbortController().signal,
      clock: systemClock,
      limiter: async () => {},
    });
    const shape = v.object({ TotalCount: v.number() });
    return client({ action: "DescribeInstances", params: {}, answer: shape, change: false });
  };

  it("opens the API until it expires", async () => {
    await expect(listInstances(60)).resolves.toEqual({ TotalCount: 0 });
    await expect(listInstances(0)).rejects.toThrow("AuthFailure.TokenFailure");
  });

  it("opens it with its token alone", async () => {
    await expect(listInstances(60, { token: undefined })).rejects.toThrow("AuthFailure.TokenFailure");
  });
});

/** With other claims and the same signature. */
function changed(token: string): string {
  const [head, body = "", signature] = token.split(".");
  const claims = JSON.parse(Buffer.from(body, "base64url").toString());
  const other = Buffer.from(JSON.stringify({ ...claims, sub: "someone" })).toString("base64url");
  return [head, other, signature].join(".");
}

function unsigned(token: string): string {
  const none = Buffer.from(JSON.stringify({ alg: "none", typ: "JWT" })).toString("base64url");
  return `${none}.${token.split(".")[1]}.`;
}
