import { describe, expect, it } from "vitest";
import type { Instance, SecretValue } from "../../lib/ports.ts";
import { findTarget, probeTarget } from "../../lib/rotation/target.ts";
import { createRig } from "./rig.ts";

const ACCOUNT = { ssl: true, username: "app_a", password: "first-password-0" };
const value = (address: object): SecretValue => ({
  region: "ap-guangzhou",
  instanceId: "crs-5a4py64p",
  api: "ResetPassword",
  ...ACCOUNT,
  ...address,
});
const instance = (address: object): Instance => ({
  state: "running",
  passwordFree: false,
  edition: "redis",
  ...address,
});

describe("where Redis listens", () => {
  it.each([
    ["is told by the secret alone", { host: "a", port: 1 }, undefined, { host: "a", port: 1 }],
    ["is told by the instance alone", {}, { host: "b", port: 2 }, { host: "b", port: 2 }],
    ["is told by the secret first", { host: "a", port: 1 }, { host: "b", port: 2 }, { host: "a", port: 1 }],
    ["is told by both together", { host: "a" }, { host: "b", port: 2 }, { host: "a", port: 2 }],
  ])("%s", (_, secret, told, expected) => {
    expect(probeTarget(value(secret), told && instance(told))).toEqual({ ...ACCOUNT, ...expected });
  });

  it.each([
    ["a host alone", { host: "a" }, undefined],
    ["a port alone", { port: 1 }, undefined],
    ["nothing", {}, {}],
  ])("is not known by %s", (_, secret, told) => {
    expect(probeTarget(value(secret), told && instance(told))).toBeUndefined();
  });
});

describe("the control plane", () => {
  const asking = (told: object) => {
    const { controlPlane } = createRig();
    const asked: string[] = [];
    const describeInstance = async ({ instanceId }: { instanceId: string }) => {
      asked.push(instanceId);
      return instance(told);
    };
    return { asked, controlPlane: { ...controlPlane, describeInstance } };
  };

  it("is not asked where the secret tells", async () => {
    const { asked, controlPlane } = asking({});
    expect(await findTarget(controlPlane, value({ host: "a", port: 1 }))).toMatchObject({
      host: "a",
      port: 1,
    });
    expect(asked).toEqual([]);
  });

  it("is asked where the secret does not tell", async () => {
    const { asked, controlPlane } = asking({ host: "b", port: 2 });
    expect(await findTarget(controlPlane, value({}))).toMatchObject({ host: "b", port: 2 });
    expect(asked).toEqual(["crs-5a4py64p"]);
  });

  it("may not tell either, which the operator can help", async () => {
    await expect(findTarget(asking({}).controlPlane, value({}))).rejects.toMatchObject({
      code: "SecretInvalid",
      effect: "none",
      message:
        "Neither the secret nor instance crs-5a4py64p tells where Redis listens: add host and port to the secret",
    });
  });
});
