import { afterEach, describe, expect, it } from "vitest";
import {
  type RoleSessionHolder,
  type TencentRoleOptions,
  tencentRole,
} from "../../lib/drivers/tencent-sts.ts";
import type { RotationError } from "../../lib/errors.ts";
import { createIdentityIssuer } from "../cloud/sts/identity-issuer.ts";
import { createTencentSts } from "../cloud/sts/tencent-sts.ts";
import { startTencentServer } from "../cloud/tencentdb/server.ts";
import type { Credential } from "../cloud/tencentdb/tc3.ts";
import { answer, apiError, startLoopbackApi } from "./loopback-api.ts";

const AUDIENCE = "sts.tencentcloudapi.com";
const SUBJECT = "arn:aws:iam::123456789012:role/redis-rotation";
const ROLE = "qcs::cam::uin/100000000001:roleName/redis-rotation";
const PROVIDER = "aws-rotation";
const MINUTE_MS = 60_000;
const issuer = createIdentityIssuer("https://local.tokens.sts.global.api.aws");

const opened: { close(): Promise<unknown> }[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((server) => server.close()));
});

/** A clock that stands still until it is set, and on which every sleep is over at once. */
function standingClock() {
  const clock = { nowMs: Date.UTC(2026, 0, 1), now: () => clock.nowMs, sleep: async () => {} };
  return clock;
}

/** Tencent Cloud's STS on loopback, and providers of one function that is invoked again and again. */
async function local() {
  const clock = standingClock();
  const credentials: Credential[] = [];
  const provider = { name: PROVIDER, issuer: issuer.url, clientIds: [AUDIENCE], keySet: issuer.keySet };
  const trusted = { iss: [issuer.url], aud: [AUDIENCE], sub: [SUBJECT] };
  const role = { arn: ROLE, provider: PROVIDER, trusted };
  const sts = createTencentSts({ clock, providers: [provider], roles: [role], credentials });
  const server = await startTencentServer({ clock, services: { sts }, credentials });
  opened.push(server);
  const held: RoleSessionHolder = {};
  let tokens = 0;
  const invocation = (differs: Partial<TencentRoleOptions> = {}) =>
    tencentRole({
      clock,
      held,
      roleArn: ROLE,
      providerId: PROVIDER,
      sessionName: "redis-rotation",
      region: "ap-guangzhou",
      endpointUrl: server.url,
      signal: new AbortController().signal,
      limiter: async () => {},
      identityToken: async () => {
        tokens += 1;
        const iat = clock.now() / 1_000;
        return issuer.issue({ aud: AUDIENCE, sub: SUBJECT, iat, exp: iat + 300 }, "RS256");
      },
      ...differs,
    });
  return { clock, sts, held, credentials, invocation, tokens: () => tokens };
}

const refusalOf = (provider: () => Promise<unknown>): Promise<RotationError> =>
  provider().then(
    () => {
      throw new Error("There are credentials");
    },
    (error) => error,
  );

describe("tencentRole", () => {
  it("exchanges the identity token for credentials of the role, for an hour", async () => {
    const { invocation, credentials, sts, clock } = await local();
    const { secretId, secretKey, token } = await invocation()();
    const expiresAtMs = clock.now() + 60 * MINUTE_MS;
    expect(credentials).toEqual([{ secretId, secretKey, token, expiresAtMs }]);
    expect(sts.calls).toEqual([
      { action: "AssumeRoleWithWebIdentity", host: "sts.tencentcloudapi.com", region: "ap-guangzhou" },
    ]);
  });

  it.each([
    ["intl", "ap-singapore", "sts.intl.tencentcloudapi.com"],
    [undefined, "ap-shanghai-fsi", "sts.ap-shanghai-fsi.tencentcloudapi.com"],
  ] as const)("asks on site %s for region %s at %s", async (site, region, host) => {
    const { invocation, sts } = await local();
    await invocation({ site, region })();
    expect(sts.calls).toMatchObject([{ host, region }]);
  });

  it("goes without a signature, and without any key", async () => {
    const api = await startLoopbackApi([apiError("InternalError")]);
    opened.push(api);
    const { invocation } = await local();
    await refusalOf(invocation({ endpointUrl: api.url }));
    expect(api.requests).toHaveLength(4);
    for (const { headers, body } of api.requests) {
      expect(headers.authorization).toBe("SKIP");
      expect(headers).not.toHaveProperty("x-tc-token");
      expect(JSON.parse(body)).toMatchObject({ RoleSessionName: "redis-rotation", DurationSeconds: 3_600 });
    }
  });

  it("needs one exchange for all who ask at the same time, and for later ones, also of the next invocation", async () => {
    const { invocation, sts, tokens, clock } = await local();
    const first = invocation();
    const [one, other] = await Promise.all([first(), first()]);
    clock.nowMs += 54 * MINUTE_MS;
    expect(await first()).toBe(one);
    expect(await invocation()()).toBe(one);
    expect(other).toBe(one);
    expect([sts.calls.length, tokens()]).toEqual([1, 1]);
  });

  it("renews them five minutes before they expire, also in the middle of a run", async () => {
    const { invocation, sts, clock } = await local();
    const provider = invocation();
    const first = await provider();
    clock.nowMs += 55 * MINUTE_MS - 1;
    expect(await provider()).toBe(first);
    clock.nowMs += 1;
    const [second, third] = await Promise.all([provider(), provider()]);
    expect(second).toBe(third);
    expect(second).not.toEqual(first);
    expect(await invocation()()).toBe(second);
    expect(sts.calls).toHaveLength(2);
  });

  it("renews short ones when a quarter of their time is left", async () => {
    const { invocation, clock } = await local();
    const provider = invocation({ durationSeconds: 400 });
    const first = await provider();
    clock.nowMs += 299_999;
    expect(await provider()).toBe(first);
    clock.nowMs += 1;
    expect(await provider()).not.toEqual(first);
  });

  it("uses the old ones until shortly before they expire while renewal fails, and never longer", async () => {
    const { invocation, sts, clock } = await local();
    const provider = invocation();
    const first = await provider();
    sts.failNext("*", { kind: "status", status: 503 }, { times: 100 });
    clock.nowMs += 55 * MINUTE_MS;
    expect(await provider()).toBe(first);
    const calls = sts.calls.length;
    clock.nowMs += 29_999;
    expect(await provider()).toBe(first);
    expect(sts.calls).toHaveLength(calls);
    clock.nowMs += 4 * MINUTE_MS;
    expect(await provider()).toBe(first);
    expect(sts.calls.length).toBeGreaterThan(calls);
    clock.nowMs += 1;
    expect(await refusalOf(provider)).toMatchObject({ code: "CloudUnavailable", effect: "none" });
    expect(await refusalOf(invocation())).toMatchObject({ code: "CloudUnavailable" });
  });

  it("does not use the old ones against a refusal", async () => {
    const { invocation, sts, clock } = await local();
    const provider = invocation();
    await provider();
    clock.nowMs += 56 * MINUTE_MS;
    sts.failNext("*", { kind: "error", code: "UnauthorizedOperation" });
    expect(await refusalOf(provider)).toMatchObject({ code: "RoleRefused" });
    expect(await provider()).toBeDefined();
  });

  it("asks again after a failed exchange", async () => {
    const { invocation, sts } = await local();
    sts.failNext("*", { kind: "error", code: "UnauthorizedOperation" });
    const provider = invocation();
    expect(await refusalOf(provider)).toMatchObject({ code: "RoleRefused" });
    expect(await provider()).toMatchObject({ token: expect.any(String) });
  });

  it.each([
    ["says that they expire earlier", 1_800, 25],
    ["says that they expire later", 7_200, 55],
  ])("goes by the earlier time where the cloud %s", async (_, seconds, renewedAfterMinutes) => {
    const { invocation, clock } = await local();
    const Credentials = { TmpSecretId: "AKIDone", TmpSecretKey: "key", Token: "token" };
    const ExpiredTime = clock.now() / 1_000 + seconds;
    const api = await startLoopbackApi([answer({ Credentials, ExpiredTime })]);
    opened.push(api);
    const provider = invocation({ endpointUrl: api.url });
    await provider();
    clock.nowMs += renewedAfterMinutes * MINUTE_MS - 1;
    await provider();
    expect(api.requests).toHaveLength(1);
    clock.nowMs += 1;
    await provider();
    expect(api.requests).toHaveLength(2);
  });

  it.each([
    ["have expired", 0],
    ["are about to expire", 30],
  ])("does not use new ones that %s", async (_, seconds) => {
    const { invocation, clock } = await local();
    const Credentials = { TmpSecretId: "AKIDone", TmpSecretKey: "key", Token: "token" };
    const api = await startLoopbackApi([answer({ Credentials, ExpiredTime: clock.now() / 1_000 + seconds })]);
    opened.push(api);
    expect(await refusalOf(invocation({ endpointUrl: api.url }))).toMatchObject({ code: "RoleRefused" });
  });

  it.each([
    ["RequestLimitExceeded", "Throttled"],
    ["InvalidParameter.OverLimit", "Throttled"],
    ["InternalError.SystemError", "CloudUnavailable"],
    ["InternalError.GetRoleError", "RoleRefused"],
    ["InvalidParameter.WebIdentityTokenError", "RoleRefused"],
    ["InvalidParameter.ParamError", "RoleRefused"],
    ["UnauthorizedOperation", "RoleRefused"],
    ["ResourceNotFound.RoleNotFound", "RoleRefused"],
    ["SomethingNew", "RoleRefused"],
  ])("%s is %s", async (cloud, code) => {
    const { invocation, sts } = await local();
    sts.failNext("*", { kind: "error", code: cloud }, { times: 4 });
    const error = await refusalOf(invocation());
    expect(error).toMatchObject({ code, effect: "none", requestId: expect.any(String) });
    expect(error.message).toMatch(new RegExp(`^AssumeRoleWithWebIdentity: ${cloud}: `));
  });

  it("asks nobody where there is no identity token", async () => {
    const { invocation, sts } = await local();
    const failure = new Error("no token");
    const identityToken = () => Promise.reject(failure);
    expect(await refusalOf(invocation({ identityToken }))).toBe(failure);
    expect(sts.calls).toEqual([]);
  });

  it("tells no token, whatever the cloud quotes", async () => {
    const { invocation } = await local();
    const token = issuer.issue({ aud: AUDIENCE, sub: SUBJECT, iat: 0, exp: 300 }, "ES384");
    const api = await startLoopbackApi([
      apiError("InvalidParameter.WebIdentityTokenError", `Bad: ${token}, ${encodeURIComponent(token)}`),
    ]);
    opened.push(api);
    const error = await refusalOf(invocation({ endpointUrl: api.url, identityToken: async () => token }));
    expect(error.message).toMatch(/Bad: \*\*\*/);
    for (const part of token.split(".")) expect(error.message).not.toContain(part);
    expect(error.cause).toBeUndefined();
  });
});
