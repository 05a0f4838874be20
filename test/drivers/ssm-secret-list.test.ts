import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "../../lib/drivers/runtime.ts";
import { ssmListOver, ssmSecretList } from "../../lib/drivers/ssm-secret-list.ts";
import type { TencentClient } from "../../lib/drivers/tencent-client.ts";
import { createSsm } from "../cloud/ssm/model.ts";
import type { Fault } from "../cloud/tencentdb/faults.ts";
import { startTencentServer, type TencentServer } from "../cloud/tencentdb/server.ts";
import { describeSecretListContract } from "../contracts/secret-list.contract.ts";
import { createVirtualClock } from "../fakes/clock.ts";
import { createSsmClient } from "../fakes/ssm-client.ts";
import { failed } from "./local-secret.ts";
import { CREDENTIALS, hastyClock } from "./local-ssm.ts";

const clock = createVirtualClock({ startMs: systemClock.now(), autoAdvance: true });
const ssm = createSsm({ clock });
let server: TencentServer;
beforeAll(async () => {
  server = await startTencentServer({ clock: systemClock, services: { ssm }, credentials: [CREDENTIALS] });
});
afterAll(() => server.close());

const list = (signal = new AbortController().signal) =>
  ssmSecretList({
    endpointUrl: server.url,
    clock,
    region: "ap-guangzhou",
    credentials: async () => CREDENTIALS,
    signal,
    limiter: () => clock.sleep(40),
    timeoutMs: 2_000,
  });

function create(name: string, tags: Readonly<Record<string, string>> = {}, inside = ssm): void {
  const Tags = Object.entries(tags).map(([TagKey, TagValue]) => ({ TagKey, TagValue }));
  inside.call("CreateSecret", { SecretName: name, SecretString: "{}", Tags });
}

describeSecretListContract("ssmSecretList", async () => ({
  find: list(),
  create,
  disable: (SecretName) => void ssm.call("DisableSecret", { SecretName }),
  remove(SecretName) {
    ssm.call("DisableSecret", { SecretName });
    ssm.call("DeleteSecret", { SecretName, RecoveryWindowInDays: 7 });
  },
}));

describe("ssmSecretList", () => {
  it("finds no secret that SSM rotates itself, and none of another region", async () => {
    ssm.call("CreateSecret", { SecretName: "kinds-product", SecretType: 1, SecretString: "{}" });
    ssm.call("CreateSecret", { SecretName: "kinds-far", SecretString: "{}" }, "ap-singapore");
    create("kinds-own");
    expect(await list()({ prefix: "kinds-" })).toEqual(["kinds-own"]);
  });

  it.each<[string, Fault, string, RegExp]>([
    [
      "a missing permission",
      { kind: "error", code: "UnauthorizedOperation" },
      "StoreDenied",
      /^The list of secrets: .*; grant the role ssm:ListSecrets on the resource \*/,
    ],
    ["an expired token", { kind: "error", code: "AuthFailure.TokenFailure" }, "CredentialsRejected", /Token/],
    ["too many calls", { kind: "error", code: "RequestLimitExceeded" }, "StoreThrottled", /The list/],
    ["a failure of the cloud", { kind: "error", code: "InternalError" }, "StoreUnavailable", /The list/],
    ["a broken connection", { kind: "reset" }, "StoreUnavailable", /The list/],
    ["an answer that is none", { kind: "empty" }, "StoreUnavailable", /The list/],
  ])("tells of %s, which has no effect", async (_, fault, code, says) => {
    ssm.failNext("ListSecrets", fault, { times: 8 });
    const error = await failed(list()({ prefix: "redis-" }));
    expect(error).toMatchObject({ code, effect: "none", message: expect.stringMatching(says) });
    // What is left of the faults.
    for (let n = 0; n < 8; n += 1) await list()({ prefix: "redis-" }).catch(() => {});
  });

  it("asks again after a passing failure", async () => {
    create("again-1");
    ssm.failNext("ListSecrets", { kind: "status", status: 503 }, { times: 2 });
    expect(await list()({ prefix: "again-" })).toHaveLength(1);
  });

  it("asks nobody once the time is used up", async () => {
    expect(await failed(list(AbortSignal.abort())({ prefix: "a" }))).toMatchObject({ code: "InProgress" });
  });
});

describe("while secrets come and go between the pages", () => {
  const COUNT = 250;
  const numbered = Array.from({ length: COUNT }, (_, index) => `n-${index}`);

  /** Does `act` before the second page of a list is read, as often as `times`. */
  async function found(act: (inside: typeof ssm, time: number) => void, times: number): Promise<string[]> {
    const inside = createSsm({ clock: hastyClock() });
    for (const name of numbered) create(name, {}, inside);
    const client = createSsmClient({ ssm: inside, clock: hastyClock() });
    let time = 0;
    const between: TencentClient = (call) => {
      if (call.params.Offset === 100 && "SearchSecretName" in call.params && time < times) {
        time += 1;
        act(inside, time);
      }
      return client(call);
    };
    return [...(await ssmListOver(between)({ prefix: "n-" }))];
  }
  const disable = (inside: typeof ssm, name: string) => inside.call("DisableSecret", { SecretName: name });

  it.each<[string, (inside: typeof ssm) => void, readonly string[]]>([
    ["one that goes moves none out of sight", (at) => disable(at, "n-249"), numbered.slice(0, -1)],
    ["one that comes is found", (at) => create("n-new", {}, at), [...numbered, "n-new"]],
  ])("%s", async (_, act, expected) => {
    expect((await found(act, 1)).sort()).toEqual([...expected].sort());
  });

  it.each([0, 99, 100, 149, 150, 249])(
    "none that stayed is lost where number %i goes and another one comes",
    async (gone) => {
      const names = await found((at) => {
        disable(at, `n-${gone}`);
        create("n-new", {}, at);
      }, 1);
      const lost = numbered.filter((name) => name !== `n-${gone}` && !names.includes(name));
      expect([lost, new Set(names).size]).toEqual([[], names.length]);
      // One of the first page makes room for it, and nothing shows.
      expect(names.includes("n-new")).toBe(gone < 150);
    },
  );

  it("it ends at some time, and has each that stayed", async () => {
    const names = await found((at, time) => disable(at, `n-${time}`), Number.POSITIVE_INFINITY);
    expect(new Set(names).size).toBe(names.length);
    expect(numbered.slice(4).filter((name) => !names.includes(name))).toEqual([]);
  });

  it.each([1, 7, 100])("a service that gives no more than %i at once is asked for the rest", async (most) => {
    const time = hastyClock();
    const inside = createSsm({ clock: time });
    for (const name of numbered) create(name, {}, inside);
    const client = createSsmClient({ ssm: inside, clock: time });
    const capped: TencentClient = async (call) => {
      await time.sleep(50);
      return client({ ...call, params: { ...call.params, Limit: most } });
    };
    expect(await ssmListOver(capped)({ prefix: "n-" })).toHaveLength(COUNT);
  });

  it("a service that tells a total of something else is asked until nothing new comes", async () => {
    const inside = createSsm({ clock: hastyClock() });
    for (const name of numbered) create(name, {}, inside);
    const client = createSsmClient({ ssm: inside, clock: hastyClock() });
    const talkative: TencentClient = async (call) => ({ ...(await client(call)), TotalCount: 1_000 });
    expect(await ssmListOver(talkative)({ prefix: "n-" })).toHaveLength(COUNT);
  });
});
