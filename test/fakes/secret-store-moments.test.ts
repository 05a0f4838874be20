import { describe, expect, it } from "vitest";
import { createSecretsManager } from "../cloud/secrets-manager/model.ts";
import { createVirtualClock } from "./clock.ts";
import { createFakeSecretStore, STAGED, type StoreMoment } from "./secret-store.ts";

const CURRENT = "1".repeat(32);
const PENDING = "2".repeat(32);

/** A store whose call stops at the moment that `stopAt` names, as a process does that dies. */
function setUp(stopAt?: { readonly call: StoreMoment["call"]; readonly phase: StoreMoment["phase"] }) {
  const secretsManager = createSecretsManager({ clock: createVirtualClock(), newId: () => "0".repeat(32) });
  secretsManager.call("CreateSecret", {
    Name: "redis",
    SecretString: "one",
    ClientRequestToken: CURRENT,
  });
  const seen: string[] = [];
  const store = createFakeSecretStore({
    secretsManager,
    at: ({ call, phase }) => {
      seen.push(`${call} ${phase}`);
      if (call === stopAt?.call && phase === stopAt.phase) throw new Error("stopped");
    },
  });
  const labels = () =>
    Object.fromEntries(
      secretsManager
        .inspect("redis")
        .versions.map(({ versionId, stages }) => [versionId, stages.filter((label) => label !== STAGED)]),
    );
  return { secretsManager, store, seen, labels };
}

describe("the store in memory", () => {
  it("passes each moment of each call in order", async () => {
    const { store, seen } = setUp();
    await store.describe("redis");
    await store.stage("redis", { versionId: PENDING, text: "two" });
    await store.read("redis", PENDING);
    await store.promote("redis", PENDING, CURRENT);
    await store.release("redis", PENDING);
    expect(seen).toEqual([
      "describe before",
      "describe after",
      "stage before",
      "stage between",
      "stage after",
      "read before",
      "read after",
      "promote before",
      "promote between",
      "promote after",
      "release before",
      "release after",
    ]);
  });

  it.each([
    ["stage", "before", { [CURRENT]: ["AWSCURRENT"] }],
    ["stage", "between", { [CURRENT]: ["AWSCURRENT"], [PENDING]: [] }],
    ["stage", "after", { [CURRENT]: ["AWSCURRENT"], [PENDING]: ["AWSPENDING"] }],
    ["promote", "before", { [CURRENT]: ["AWSCURRENT"], [PENDING]: ["AWSPENDING"] }],
    ["promote", "between", { [CURRENT]: ["AWSPREVIOUS"], [PENDING]: ["AWSCURRENT", "AWSPENDING"] }],
    ["promote", "after", { [CURRENT]: ["AWSPREVIOUS"], [PENDING]: ["AWSCURRENT"] }],
    ["release", "before", { [CURRENT]: ["AWSCURRENT"], [PENDING]: ["AWSPENDING"] }],
    ["release", "after", { [CURRENT]: ["AWSCURRENT"], [PENDING]: [] }],
  ] as const)("leaves the labels as they are when %s stops %s its effect", async (call, phase, expected) => {
    const { store, labels } = setUp({ call, phase });
    const calls = async () => {
      await store.stage("redis", { versionId: PENDING, text: "two" });
      if (call === "promote") await store.promote("redis", PENDING, CURRENT);
      else await store.release("redis", PENDING);
    };
    await expect(calls()).rejects.toThrow("stopped");
    expect(labels()).toEqual(expected);
  });

  it.each([
    [{ kind: "error", name: "ThrottlingException" }, "StoreThrottled", "none", false],
    [{ kind: "reset" }, "StoreUnavailable", "unknown", false],
    [{ kind: "reset", carriedOut: true }, "StoreUnavailable", "unknown", true],
  ] as const)("tells the effect of a call that meets %j", async (fault, code, effect, stored) => {
    const { store, secretsManager } = setUp();
    secretsManager.failNext("PutSecretValue", fault);
    await expect(store.stage("redis", { versionId: PENDING, text: "two" })).rejects.toMatchObject({
      code,
      effect,
    });
    expect(await store.read("redis", PENDING)).toEqual(
      stored ? expect.objectContaining({ text: "two" }) : undefined,
    );
  });

  it("promotes nothing where another version is current by now", async () => {
    const { store, secretsManager, labels } = setUp();
    await store.stage("redis", { versionId: PENDING, text: "two" });
    secretsManager.call("PutSecretValue", { SecretId: "redis", SecretString: "by hand" });
    const before = labels();
    await expect(store.promote("redis", PENDING, CURRENT)).rejects.toMatchObject({ code: "StoreConflict" });
    expect(labels()).toEqual(before);
  });
});
