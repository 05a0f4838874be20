import { describe, expect, it, onTestFinished } from "vitest";
import { systemClock } from "../../lib/drivers/runtime.ts";
import { tencentCaller } from "../../lib/drivers/tencent-caller.ts";
import { startFederation } from "../cloud/sts/federation.ts";
import { startTencentServer } from "../cloud/tencentdb/server.ts";

const KEY = { secretId: "AKIDlocal", secretKey: "local-key" };

async function caller(secretKey = KEY.secretKey) {
  const federation = await startFederation({
    clock: systemClock,
    keys: {},
    region: "eu-west-1",
    credentials: [],
  });
  const { tencent } = federation;
  const server = await startTencentServer({
    clock: systemClock,
    services: { sts: tencent },
    credentials: [KEY],
  });
  onTestFinished(async () => {
    await Promise.all([server.close(), federation.close()]);
  });
  const ask = tencentCaller({
    credentials: async () => ({ ...KEY, secretKey }),
    endpointUrl: server.url,
    region: "ap-guangzhou",
    signal: new AbortController().signal,
    clock: systemClock,
    limiter: async () => {},
  });
  return { ask, tencent };
}

describe("the caller of Tencent Cloud's APIs", () => {
  it("is told by STS", async () => {
    expect(await (await caller()).ask()).toBe("qcs::cam::uin/100000000001:uin/100000000002");
  });

  it.each(["UnauthorizedOperation", "AuthFailure.UnauthorizedOperation"])(
    "is recognised also where it may not ask: %s",
    async (code) => {
      const { ask, tencent } = await caller();
      tencent.failNext("GetCallerIdentity", { kind: "error", code });
      expect(await ask()).toBeUndefined();
    },
  );

  it("is none with a wrong key", async () => {
    const { ask } = await caller("another-key");
    await expect(ask()).rejects.toMatchObject({
      code: "AccessDenied",
      message: expect.stringContaining("AuthFailure.SignatureFailure"),
    });
  });
});
