import { randomUUID } from "node:crypto";
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { afterEach, describe, expect, it } from "vitest";
import { type AwsIdentityTokenOptions, awsIdentityToken } from "../../lib/drivers/aws-identity-token.ts";
import type { RotationError } from "../../lib/errors.ts";
import { type AwsSts, createAwsSts } from "../cloud/sts/aws-sts.ts";
import { startAwsSts } from "../cloud/sts/aws-sts-server.ts";
import { createIdentityIssuer, readToken } from "../cloud/sts/identity-issuer.ts";
import { hang, reset, startLoopbackApi, text } from "./loopback-api.ts";

const AUDIENCE = "sts.tencentcloudapi.com";
const ROLE = "arn:aws:iam::123456789012:role/redis-rotation";
const CREDENTIALS = {
  accessKeyId: "ASIAEXAMPLELOCAL",
  secretAccessKey: "local-secret-access-key",
  sessionToken: "local-session-token",
};
const REGION = "eu-west-1";
const NOW = Date.UTC(2026, 0, 1);

const issuer = createIdentityIssuer("https://local.tokens.sts.global.api.aws");
const opened: { close(): Promise<unknown> }[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((server) => server.close()));
});

function tokens(endpointUrl: string | undefined, differs: Partial<AwsIdentityTokenOptions> = {}) {
  const pausesMs: number[] = [];
  const token = awsIdentityToken({
    client: new SecretsManagerClient({ region: REGION, credentials: CREDENTIALS, maxAttempts: 1 }),
    audience: AUDIENCE,
    endpointUrl,
    clock: { now: () => NOW, sleep: async (ms) => void pausesMs.push(ms) },
    signal: new AbortController().signal,
    ...differs,
  });
  return { token, pausesMs };
}

async function local(credentialsExpireAtMs?: number) {
  const clock = { now: () => NOW, sleep: async () => {} };
  const sts = createAwsSts({ clock, newId: randomUUID, issuer, grant: { audiences: [AUDIENCE] } });
  const { accessKeyId, ...key } = CREDENTIALS;
  const principal = { arn: ROLE, ...(credentialsExpireAtMs && { credentialsExpireAtMs }) };
  const keys = { [accessKeyId]: { ...key, principal } };
  const server = await startAwsSts({ clock, newId: randomUUID, keys, sts, region: REGION });
  opened.push(server);
  return { sts, url: server.url };
}

const refusalOf = (token: () => Promise<string>): Promise<RotationError> =>
  token().then(
    () => {
      throw new Error("There is a token");
    },
    (error) => error,
  );

describe("awsIdentityToken", () => {
  it("gets a token for the audience that tells the function's role and is good for five minutes", async () => {
    const { url } = await local();
    const claims = readToken(await tokens(url).token(), issuer.keySet());
    const iat = NOW / 1_000;
    expect(claims).toMatchObject({ iss: issuer.url, aud: AUDIENCE, sub: ROLE, iat, exp: iat + 300 });
  });

  it("asks for what the documented policy allows, and no more", async () => {
    const { sts, url } = await local();
    sts.grant = { audiences: [AUDIENCE], maxSeconds: 300, algorithm: "RS256" };
    await expect(tokens(url).token()).resolves.toMatch(/^ey/);
  });

  it("leaves the client as it is: it still signs for Secrets Manager", async () => {
    const { url } = await local();
    const client = new SecretsManagerClient({ region: REGION, credentials: CREDENTIALS });
    await tokens(url, { client }).token();
    expect(client.config).toMatchObject({ signingName: "secretsmanager", signingRegion: REGION });
  });

  it.each([
    ["eu-west-1", {}, "sts.eu-west-1.amazonaws.com"],
    ["cn-north-1", {}, "sts.cn-north-1.amazonaws.com.cn"],
    ["us-east-1", { useFipsEndpoint: true }, "sts-fips.us-east-1.amazonaws.com"],
    ["eu-west-1", { useDualstackEndpoint: true }, "sts.eu-west-1.amazonaws.com"],
  ])("asks the regional endpoint of %s with %j", async (region, settings, host) => {
    const asked: string[] = [];
    const requestHandler = {
      handle: async (request: { protocol: string; hostname: string }) => {
        asked.push(`${request.protocol}//${request.hostname}`);
        throw Object.assign(new Error(), { code: "ENOTFOUND" });
      },
    };
    const client = new SecretsManagerClient({
      region,
      credentials: CREDENTIALS,
      requestHandler: requestHandler as never,
      ...settings,
    });
    const { code } = await refusalOf(tokens(undefined, { client }).token);
    expect([code, new Set(asked)]).toEqual(["CloudUnreachable", new Set([`https://${host}`])]);
  });

  it.each<[string, (sts: AwsSts) => void, string, RegExp]>([
    [
      "federation is not enabled",
      (sts) => {
        sts.federation = "off";
      },
      "IdentityTokenRefused",
      /OutboundWebIdentityFederationDisabledException: .*not enabled/,
    ],
    [
      "the audience is not granted",
      (sts) => {
        sts.grant = { audiences: ["someone.else"] };
      },
      "IdentityTokenRefused",
      /AccessDenied: .*sts:GetWebIdentityToken/,
    ],
    ["of another refusal", (sts) => sts.failNext(400, "Unheard"), "IdentityTokenRefused", /: Unheard$/],
  ])("says so where %s, and asks once", async (_, prepare, code, message) => {
    const { sts, url } = await local();
    prepare(sts);
    const { token, pausesMs } = tokens(url);
    const error = await refusalOf(token);
    expect(error).toMatchObject({ code, effect: "none", requestId: expect.stringMatching(/^[\w-]{36}$/) });
    expect(error.message).toMatch(message);
    expect(pausesMs).toEqual([]);
  });

  it("says so where the credentials end before the token would", async () => {
    const { url } = await local(NOW + 299_000);
    expect((await refusalOf(tokens(url).token)).message).toContain("SessionDurationEscalationException");
  });

  it.each([
    ["Throttled", 400, "Throttling"],
    ["Throttled", 429, "Unheard"],
    ["CloudUnavailable", 503, "ServiceUnavailable"],
  ])("asks again while the answer is %s: HTTP %i %s", async (code, status, name) => {
    const { sts, url } = await local();
    sts.failNext(status, name);
    const once = tokens(url);
    await expect(once.token()).resolves.toMatch(/^ey/);
    expect(once.pausesMs).toEqual([250]);

    for (let call = 0; call < 4; call++) sts.failNext(status, name);
    const { token, pausesMs } = tokens(url);
    expect(await refusalOf(token)).toMatchObject({ code, effect: "none" });
    expect(pausesMs).toEqual([250, 500, 1_000]);
  });

  it.each([
    ["a reset connection", reset],
    ["an answer without a token", text("<GetWebIdentityTokenResponse/>")],
    ["a token that is none", text("<WebIdentityToken>a token with blanks</WebIdentityToken>")],
    ["an endless answer", text("x".repeat(100_000))],
  ])("has no answer where there is %s", async (_, reply) => {
    const api = await startLoopbackApi([reply]);
    opened.push(api);
    expect(await refusalOf(tokens(api.url).token)).toMatchObject({ code: "NoAnswer", effect: "none" });
    expect(api.requests).toHaveLength(4);
  });

  it("cannot reach what does not listen", async () => {
    const api = await startLoopbackApi([hang]);
    await api.close();
    expect(await refusalOf(tokens(api.url).token)).toMatchObject({ code: "CloudUnreachable" });
  });

  it("stops at the deadline", async () => {
    const api = await startLoopbackApi([hang]);
    opened.push(api);
    const { token, pausesMs } = tokens(api.url, { signal: AbortSignal.timeout(50) });
    expect(await refusalOf(token)).toMatchObject({ code: "InProgress", effect: "none" });
    expect(pausesMs).toEqual([]);
  });

  it("has no token without credentials", async () => {
    const credentials = async () => {
      throw new Error(`confidential ${CREDENTIALS.secretAccessKey}`);
    };
    const client = new SecretsManagerClient({ region: REGION, credentials });
    const error = await refusalOf(tokens("http://127.0.0.1:9", { client }).token);
    expect(error).toMatchObject({ code: "StoreCredentialsMissing" });
    expect(error.cause).toBeUndefined();
    expect(error.message).not.toContain(CREDENTIALS.secretAccessKey);
  });

  it("refuses an endpoint that is no URL", async () => {
    expect(await refusalOf(tokens("sts").token)).toMatchObject({ code: "ConfigurationInvalid" });
  });

  it("does not tell what quotes the request", async () => {
    const { accessKeyId, sessionToken } = CREDENTIALS;
    const quoted = `The canonical string was 'x-amz-security-token:${sessionToken}' of ${accessKeyId}`;
    const body = `<ErrorResponse><Error><Code>SignatureDoesNotMatch</Code><Message>${quoted}</Message></Error></ErrorResponse>`;
    const api = await startLoopbackApi([text(body, 403)]);
    opened.push(api);
    const error = await refusalOf(tokens(api.url).token);
    expect(error).toMatchObject({ code: "IdentityTokenRefused" });
    expect(error.cause).toBeUndefined();
    expect(error.message).toMatch(/: SignatureDoesNotMatch$/);
  });
});
