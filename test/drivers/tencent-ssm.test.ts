import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { systemClock } from "../../lib/drivers/runtime.ts";
import { ssmStore } from "../../lib/drivers/tencent-ssm.ts";
import type { RotationError } from "../../lib/errors.ts";
import type { SecretStore } from "../../lib/ports.ts";
import { createSsm } from "../cloud/ssm/model.ts";
import type { Fault } from "../cloud/tencentdb/faults.ts";
import { startTencentServer, type TencentServer } from "../cloud/tencentdb/server.ts";
import { describeSecretStoreContract } from "../contracts/secret-store.contract.ts";
import { createVirtualClock } from "../fakes/clock.ts";
import { createSsmClient } from "../fakes/ssm-client.ts";
import {
  CREDENTIALS,
  driver,
  hastyClock,
  id,
  inMemory,
  PASSWORD,
  SECRET,
  TEXT,
  underTest,
} from "./local-ssm.ts";

const clock = createVirtualClock({ startMs: systemClock.now(), autoAdvance: true });
const ssm = createSsm({ clock });
let server: TencentServer;
beforeAll(async () => {
  // Requests are signed by the system's clock, whatever time it is for the secrets.
  server = await startTencentServer({ clock: systemClock, services: { ssm }, credentials: [CREDENTIALS] });
});
afterAll(() => server.close());

const ITS_OWN = { rotates: false, longestText: 32_768 };

describeSecretStoreContract("tencentSsm", async () => underTest(driver(server.url, clock), ssm), ITS_OWN);

describeSecretStoreContract(
  "tencentSsm without HTTP, where an update renews a version's time,",
  async () => {
    const time = hastyClock();
    const inside = createSsm({ clock: time, updateRenewsTime: true });
    return underTest(
      ssmStore({ client: createSsmClient({ ssm: inside, clock: time }), clock: time }),
      inside,
    );
  },
  ITS_OWN,
);

const A = id("a");
const B = id("b");
const DAY_MS = 86_400_000;
const OFTEN = { times: 50 };

function failed(promise: Promise<unknown>): Promise<RotationError> {
  return promise.then(
    () => Promise.reject(new Error("It did not fail")),
    (error) => error,
  );
}

describe("tencentSsm over HTTP", () => {
  it.each([
    ["ap-guangzhou", undefined, "ssm.tencentcloudapi.com"],
    ["ap-singapore", "intl", "ssm.intl.tencentcloudapi.com"],
    ["ap-shanghai-fsi", undefined, "ssm.ap-shanghai-fsi.tencentcloudapi.com"],
    ["ap-shenzhen-fsi", "intl", "ssm.ap-shenzhen-fsi.tencentcloudapi.com"],
  ] as const)("asks for secrets in %s on site %s at %s", async (region, site, host) => {
    ssm.call("CreateSecret", { SecretName: `in-${region}`, SecretString: "old" }, region);
    const store = driver(server.url, clock, { region, site });
    expect(await store.describe(`in-${region}`)).toMatchObject({ name: `in-${region}` });
    expect(ssm.calls.at(-1)).toMatchObject({ host, region });
  });

  it.each<[string, Fault, string]>([
    ["a server error", { kind: "status", status: 503 }, "unknown"],
    ["no JSON", { kind: "not-json" }, "unknown"],
    ["no answer in time", { kind: "hang" }, "unknown"],
    ["a broken connection", { kind: "reset" }, "unknown"],
    ["too many requests", { kind: "status", status: 429 }, "none"],
  ])("says that the store cannot be used for now: %s", async (what, fault, effect) => {
    const SecretName = `broken-${fault.kind}-${effect}`;
    ssm.call("CreateSecret", { SecretName, SecretString: "old" });
    const store = driver(server.url, clock, { timeoutMs: 400 });
    ssm.failNext("ListSecretVersionIds", fault, { times: 4, secretName: SecretName });
    const code = what === "too many requests" ? "StoreThrottled" : "StoreUnavailable";
    expect(await failed(store.describe(SecretName))).toMatchObject({ code, effect: "none", passing: true });
    ssm.failNext("PutSecretValue", fault, { times: 4, secretName: SecretName });
    const error = await failed(store.stage(SecretName, { versionId: A, text: TEXT }));
    expect(error).toMatchObject({ code, effect, passing: true });
    expect(error.message).toContain(`Secret ${SecretName}: PutSecretValue: `);
    expect(`${error.message}${error.stack}`).not.toContain(PASSWORD);
  });

  it("says so where nobody listens, too", async () => {
    const closed = await startTencentServer({ clock: systemClock, services: {}, credentials: [] });
    await closed.close();
    const error = await failed(driver(closed.url, clock).describe(SECRET));
    expect(error).toMatchObject({ code: "StoreUnavailable", effect: "none", passing: true });
  });

  it("says that it is denied with a wrong key", async () => {
    const credentials = async () => ({ ...CREDENTIALS, secretKey: "another-key" });
    const error = await failed(driver(server.url, clock, { credentials }).describe(SECRET));
    expect(error).toMatchObject({ code: "StoreDenied", effect: "none", requestId: expect.any(String) });
  });

  it("stops at the deadline", async () => {
    const signal = AbortSignal.abort();
    expect(await failed(driver(server.url, clock, { signal }).describe(SECRET))).toMatchObject({
      code: "InProgress",
      effect: "none",
    });
  });
});

describe("tencentSsm", () => {
  let world: ReturnType<typeof inMemory>;
  let store: SecretStore;
  beforeEach(() => {
    world = inMemory();
    store = world.store;
  });
  const rotate = async (versionId: string, from: string, text = `text ${versionId}`) => {
    await world.stage(versionId, text);
    await store.promote(SECRET, versionId, from);
  };
  const actionsOf = async (act: () => Promise<unknown>): Promise<string[]> => {
    const before = world.ssm.calls.length;
    await act();
    return world.ssm.calls.slice(before).map(({ action }) => action);
  };

  it.each([
    ["RequestLimitExceeded", "StoreThrottled", "none"],
    ["FailedOperation.AccessKmsError", "StoreUnavailable", "unknown"],
    ["InternalError", "StoreUnavailable", "unknown"],
    ["UnauthorizedOperation.AccessKmsError", "StoreDenied", "none"],
    ["AuthFailure.UnauthorizedOperation", "StoreDenied", "none"],
    ["ResourceUnavailable.NotPurchased", "StoreRefused", "none"],
    ["ResourceUnavailable.ResourceDisabled", "StoreRefused", "none"],
    ["OperationDenied.AutoRotatedResource", "StoreRefused", "none"],
    ["LimitExceeded", "StoreRefused", "none"],
    ["InvalidParameterValue", "StoreRefused", "none"],
    ["SomethingNew.OfTomorrow", "StoreRefused", "unknown"],
  ])("tells what %s means: %s, effect %s", async (apiCode, code, effect) => {
    world.ssm.failNext("PutSecretValue", { kind: "error", code: apiCode }, OFTEN);
    const error = await failed(world.stage(A, TEXT));
    expect(error).toMatchObject({ name: "RotationError", code, effect, requestId: expect.any(String) });
    expect(error.message).toContain(`Secret ${SECRET}: PutSecretValue: ${apiCode}`);
  });

  it("does not say that nothing was done where only the look after a change failed", async () => {
    await world.stage(A, TEXT);
    const dying = world.run(({ action, phase }) => {
      if (action !== "UpdateSecret" || phase !== "after") return;
      world.ssm.failNext("ListSecretVersionIds", { kind: "error", code: "UnauthorizedOperation" });
    });
    expect(await failed(dying.promote(SECRET, A, "by-hand-1"))).toMatchObject({
      code: "StoreDenied",
      effect: "unknown",
    });
  });

  it.each([TEXT, `${PASSWORD} that is no JSON`])("never quotes what it stores: %j", async (text) => {
    await rotate(A, "by-hand-1");
    const message = `The value ${text} or ${JSON.stringify(text)} is not acceptable`;
    world.ssm.failNext("PutSecretValue", { kind: "error", code: "InvalidParameterValue", message }, OFTEN);
    const error = await failed(world.stage(B, text));
    expect(error.message).toContain("InvalidParameterValue");
    expect(`${error.message}${error.stack}${String(error.cause)}`).not.toContain(PASSWORD);
  });

  describe("refuses, and says what to do about it,", () => {
    it("a secret whose value is not SSM_Current", async () => {
      world.ssm.call("CreateSecret", { SecretName: "v1-only", VersionId: "v1.0", SecretString: TEXT });
      const error = await failed(store.describe("v1-only"));
      expect(error).toMatchObject({ code: "SecretInvalid", effect: "none" });
      expect(error.message).toMatch(/SSM_Current.*store the instance's JSON under that version/);
    });

    it.each([1, 2, 3, 4])("a secret of type %i, which SSM rotates itself", async (SecretType) => {
      world.ssm.call("CreateSecret", { SecretName: "product", SecretType, SecretString: TEXT });
      const error = await failed(store.describe("product"));
      expect(error).toMatchObject({ code: "StoreRefused", effect: "none", passing: false });
      expect(error.message).toContain("put the instance's JSON into a user-defined secret");
    });

    it.each([
      ["Disabled", ["DisableSecret"]],
      ["PendingDelete", ["DisableSecret", "DeleteSecret"]],
    ])("a secret that is %s", async (status, actions) => {
      for (const action of actions) {
        const days = action === "DeleteSecret" ? { RecoveryWindowInDays: 7 } : {};
        world.ssm.call(action, { SecretName: SECRET, ...days });
      }
      const error = await failed(world.stage(A, TEXT));
      expect(error).toMatchObject({ code: "StoreRefused", effect: "none" });
      expect(error.message).toContain(`its status is ${status}: restore and enable it`);
    });

    it("a binary value, without a word of it", async () => {
      const SecretBinary = Buffer.from(PASSWORD).toString("base64");
      world.ssm.call("UpdateSecret", { SecretName: SECRET, VersionId: "SSM_Current", SecretBinary });
      const error = await failed(store.describe(SECRET));
      expect(error).toMatchObject({ code: "SecretInvalid", effect: "none" });
      expect(error.message).not.toContain(SecretBinary);
    });

    it("an id that it cannot write as one of SSM's", async () => {
      expect(await failed(world.stage("x".repeat(64), TEXT))).toMatchObject({ code: "StoreRefused" });
      expect(await store.read(SECRET, "x".repeat(64))).toBeUndefined();
    });

    it("to stage where other versions leave no room for a whole rotation, before it stores anything", async () => {
      await rotate(A, "by-hand-1");
      for (const n of [1, 2, 3, 4, 5]) {
        world.ssm.call("PutSecretValue", { SecretName: SECRET, VersionId: `v${n}.0`, SecretString: "mine" });
      }
      const before = world.stored();
      const error = await failed(world.stage(B, TEXT));
      expect(error).toMatchObject({ code: "StoreRefused", effect: "none" });
      expect(error.message).toContain("delete versions that you have stored beside SSM_Current");
      expect(world.stored()).toEqual(before);
      world.ssm.call("DeleteSecretVersion", { SecretName: SECRET, VersionId: "v5.0" });
      await rotate(B, A);
      expect(await world.stages()).toEqual({ [A]: ["previous"], [B]: ["current"] });
      expect(world.stored()).toEqual(expect.arrayContaining(["v1.0", "v2.0", "v3.0", "v4.0"]));
    });
  });

  describe("keeps in SSM", () => {
    it("what consumers read, to the letter, and one version for each value and decision", async () => {
      const written = (versionId: string) => Buffer.from(versionId, "hex").toString("base64url");
      await world.stage(A, "text a");
      expect(world.currentText()).toBe("old");
      expect(world.stored()).toEqual(["SSM_Current", "promoted.1.by-hand-1", `staged.${written(A)}`]);
      await store.promote(SECRET, A, "by-hand-1");
      expect(world.currentText()).toBe("text a");
      await world.stage(B, "text b");
      expect(world.stored()).toEqual([
        "SSM_Current",
        "promoted.1.by-hand-1",
        `promoted.2.${written(A)}`,
        `staged.${written(B)}`,
      ]);
    });

    it("ten versions at most, however many are rotated and released, and never loses one that counts", async () => {
      let current = "by-hand-1";
      for (const digit of "123456789abcdef") {
        const released = id("0").replace(/0$/, digit);
        await world.stage(released, "refused");
        await store.release(SECRET, released);
        await rotate(id(digit), current, `text ${digit}`);
        expect(await world.stages()).toEqual({ [current]: ["previous"], [id(digit)]: ["current"] });
        expect(world.stored().length).toBeLessThanOrEqual(8);
        current = id(digit);
      }
      expect(await store.read(SECRET, id("e"))).toMatchObject({ text: "text e" });
      expect(await store.read(SECRET, id("1"))).toBeUndefined();
    });

    it("the last released versions, so that their ids are not used again", async () => {
      await world.stage(A, "refused");
      await store.release(SECRET, A);
      await rotate(B, "by-hand-1");
      expect(await world.stage(A, "another")).toMatchObject({ text: "refused", stages: [] });
      expect(await world.stages()).toEqual({ "by-hand-1": ["previous"], [B]: ["current"] });
    });
  });

  describe("where somebody writes SSM_Current by hand", () => {
    it("takes the value for a new version, and the rotated one for the previous", async () => {
      await rotate(A, "by-hand-1");
      world.setByHand("edited");
      expect(await world.stages()).toEqual({ [A]: ["previous"], "by-hand-3": ["current"] });
      expect(await store.read(SECRET, "by-hand-3")).toMatchObject({ text: "edited", stages: ["current"] });
      await rotate(B, "by-hand-3");
      expect(await world.stages()).toEqual({ "by-hand-3": ["previous"], [B]: ["current"] });
      expect(await store.read(SECRET, "by-hand-3")).toMatchObject({ text: "edited" });
    });

    it("goes by another id each time, so that each starts its own rotation", async () => {
      await rotate(A, "by-hand-1");
      world.setByHand("edited");
      await world.stage(B, "text b");
      await store.release(SECRET, B);
      world.setByHand("edited again");
      expect(await world.stages()).toEqual({ "by-hand-3": ["previous"], "by-hand-4": ["current"] });
    });

    it("knows a text again that it has stored", async () => {
      await rotate(A, "by-hand-1", "text a");
      await rotate(B, A, "text b");
      world.setByHand("text a");
      expect(await world.stages()).toEqual({ [A]: ["current"], [B]: ["previous"] });
      world.setByHand("old");
      expect(await world.stages()).toEqual({ "by-hand-1": ["current"], [B]: ["previous"] });
    });

    it("lets the pending version's text finish the rotation", async () => {
      await world.stage(A, "text a");
      world.setByHand("text a");
      await store.release(SECRET, A);
      expect(await world.stages()).toEqual({ "by-hand-1": ["previous"], [A]: ["current"] });
      world.setByHand("edited");
      expect(await world.stages()).toEqual({ [A]: ["previous"], "by-hand-3": ["current"] });
    });
  });

  it("goes on with the older of two versions that were staged", async () => {
    for (const versionId of [B, A]) {
      const VersionId = `staged.${Buffer.from(versionId, "hex").toString("base64url")}`;
      world.ssm.call("PutSecretValue", { SecretName: SECRET, VersionId, SecretString: versionId });
      await world.clock.sleep(1_000);
    }
    expect(await world.stages()).toEqual({ "by-hand-1": ["current"], [B]: ["pending"] });
  });

  describe("takes a version to be as old as", () => {
    it("its staging", async () => {
      await world.clock.sleep(40 * DAY_MS);
      const stagedAt = world.clock.now();
      await world.stage(A, "text a");
      await world.clock.sleep(DAY_MS);
      await store.promote(SECRET, A, "by-hand-1");
      const createdAt = (await store.read(SECRET, A))?.createdAt.getTime() ?? 0;
      expect(createdAt).toBeGreaterThan(stagedAt - 1_000);
      expect(createdAt).toBeLessThan(stagedAt + 5_000);
    });

    it("the secret itself where it was set by hand, also after a rotation that came to nothing", async () => {
      const createdAt = new Date(world.clock.now());
      await world.clock.sleep(40 * DAY_MS);
      expect(await store.read(SECRET, "by-hand-1")).toMatchObject({ createdAt });
      await world.stage(A, "refused");
      await store.release(SECRET, A);
      expect(await store.read(SECRET, "by-hand-1")).toMatchObject({ createdAt, stages: ["current"] });
    });

    it("the last writing by hand where SSM tells of it", async () => {
      world = inMemory({ updateRenewsTime: true });
      await world.clock.sleep(40 * DAY_MS);
      world.setByHand("edited");
      const createdAt = new Date(Math.floor(world.clock.now() / 1_000) * 1_000);
      expect(await world.store.read(SECRET, "by-hand-1")).toMatchObject({ createdAt });
    });
  });

  describe("makes few calls", () => {
    it("to describe a secret: its type once, its versions, and the values that tell which is current", async () => {
      await rotate(A, "by-hand-1");
      const run = world.run();
      const first = await actionsOf(() => run.describe(SECRET));
      expect(first).toEqual(["DescribeSecret", "ListSecretVersionIds", "GetSecretValue", "GetSecretValue"]);
      expect(await actionsOf(() => run.describe(SECRET))).toEqual(first.slice(1));
      await world.stage(B, "text b");
      expect(await actionsOf(() => run.describe(SECRET))).toEqual([...first.slice(1), "GetSecretValue"]);
    });

    it("before it makes a version current", async () => {
      await world.stage(A, "text a");
      const run = world.run();
      await run.describe(SECRET);
      const actions = await actionsOf(() => run.promote(SECRET, A, "by-hand-1"));
      expect(actions.indexOf("UpdateSecret")).toBeLessThanOrEqual(5);
      expect(actions.filter((action) => !/^(List|Get)/.test(action))).toEqual([
        "UpdateSecret",
        "PutSecretValue",
      ]);
    });
  });
});
