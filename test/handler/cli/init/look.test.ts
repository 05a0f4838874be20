import { describe, expect, it } from "vitest";
import { proveIt } from "../../../../handler/cli/init/look.ts";
import { randomBytes } from "../../../../lib/drivers/runtime.ts";
import { passwordPolicy } from "../../../../lib/password.ts";
import type { ProbeTarget, ProbeVerdict } from "../../../../lib/ports.ts";
import { parseSecretValue } from "../../../../lib/secret-value.ts";

const RIGHT = "the-right-one-1";
const address = { host: "10.0.0.5", port: 6379 };
const policy = passwordPolicy({ api: "ResetPassword", edition: "redis" });
const value = parseSecretValue(
  JSON.stringify({
    engine: "tencentdb-redis",
    region: "ap-guangzhou",
    instanceId: "crs-5a4py64p",
    password: RIGHT,
  }),
  "redis/orders",
);
const unknown = (reason: string): ProbeVerdict => ({ answer: "unknown", reason });

/** What Redis answers with TLS and without, and what it has been asked. */
function redis(plain: ProbeVerdict | "redis", tls: ProbeVerdict | "redis") {
  const asked: ProbeTarget[] = [];
  const probe = async (target: ProbeTarget): Promise<ProbeVerdict> => {
    asked.push(target);
    const way = target.ssl ? tls : plain;
    return way === "redis" ? { answer: target.password === RIGHT ? "accepted" : "rejected" } : way;
  };
  const prove = (ssl?: boolean) => proveIt({ probe, randomBytes }, value, { address, policy }, ssl);
  return { asked, prove };
}

describe("the proof of a password", () => {
  it.each([
    ["without TLS", redis("redis", unknown("no")), false],
    ["with TLS", redis(unknown("closed"), "redis"), true],
  ])("is had %s, and the right password goes that way alone, once", async (_, { asked, prove }, ssl) => {
    expect(await prove()).toEqual({ ...address, ssl });
    expect(asked.filter(({ password }) => password === RIGHT)).toEqual([
      { ...address, ssl, username: "default", password: RIGHT },
    ]);
    expect(asked.at(-1)?.password).toBe(RIGHT);
  });

  it("is not tried without TLS where TLS is asked for", async () => {
    const { asked, prove } = redis("redis", unknown("the connection failed (EPROTO)"));
    await expect(prove(true)).rejects.toMatchObject({ code: "RedisUnreachable" });
    expect(asked.map(({ ssl, password }) => [ssl, password === RIGHT])).toEqual([[true, false]]);
  });

  it.each([
    [
      "what plain Redis says, where neither answers",
      unknown("the connection was refused"),
      unknown("x"),
      /refused/,
    ],
    [
      "a certificate that is not accepted",
      unknown("closed"),
      unknown("the certificate is not accepted (X)"),
      /certificate/,
    ],
  ])("tells %s", async (_, plain, tls, says) => {
    await expect(redis(plain, tls).prove()).rejects.toMatchObject({
      code: "RedisUnreachable",
      message: expect.stringMatching(says),
    });
  });

  it("is none where any password is taken", async () => {
    const { asked, prove } = redis({ answer: "accepted" }, unknown("x"));
    await expect(prove()).rejects.toMatchObject({ code: "InstancePasswordFree" });
    expect(asked.some(({ password }) => password === RIGHT)).toBe(false);
  });
});
