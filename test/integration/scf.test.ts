import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type LocalCloud, startCloud } from "../cloud/cloud.ts";
import type { FunctionProcess } from "../cloud/function-process.ts";
import { secretName } from "../cloud/secrets.ts";
import { answersOf, passwordAt, startBuilt, without } from "./world.ts";

const SDK_NAMES = ["TENCENTCLOUD_SECRET_ID", "TENCENTCLOUD_SECRET_KEY"];
const DUE = "crs-due";
const BY_HAND = "crs-byhand";

let cloud: LocalCloud;
/** What SCF gives a function that has a role. */
let environment: Readonly<Record<string, string>>;
let scf: FunctionProcess;

beforeAll(async () => {
  const region = "ap-guangzhou";
  cloud = await startCloud({
    instances: [
      { instanceId: DUE, region },
      { instanceId: BY_HAND, region },
    ],
    taskDurationMs: 600,
    taskTailMs: 200,
  });
  environment = {
    ...without(cloud.environment, ...SDK_NAMES),
    TENCENTCLOUD_SECRETID: cloud.environment.TENCENTCLOUD_SECRET_ID ?? "",
    TENCENTCLOUD_SECRETKEY: cloud.environment.TENCENTCLOUD_SECRET_KEY ?? "",
    ROTATION_SECRETS: secretName(DUE),
    SECRET_STORE: "aws",
  };
  scf = await startBuilt("scf", environment);
});
afterAll(async () => {
  await scf?.close();
  await cloud?.close();
});

const timer = (message: unknown, type = "Timer") => ({
  Type: type,
  TriggerName: "monthly",
  Time: "2026-02-21T11:49:00Z",
  Message: typeof message === "string" ? message : JSON.stringify(message),
});

describe("the SCF bundle, with the role's credentials", () => {
  it("rotates the fleet when its timer rings, and has nothing to do when it rings again", async () => {
    const old = passwordAt(cloud, DUE, "AWSCURRENT");
    expect(await scf.invoke(timer(""))).toMatchObject({
      results: [{ secretId: secretName(DUE), status: "rotated" }],
    });
    expect(await answersOf(cloud, DUE, old)).toEqual(["rejected", "accepted"]);
    expect(await scf.invoke(timer("", "timer"))).toMatchObject({ summary: { notDue: 1 } });
  });

  it("does what the timer's message says", async () => {
    const old = passwordAt(cloud, BY_HAND, "AWSCURRENT");
    const payload = { action: "rotate", secrets: [secretName(BY_HAND)] };
    expect(await scf.invoke(timer(payload))).toMatchObject({
      action: "rotate",
      results: [{ secretId: secretName(BY_HAND), status: "rotated" }],
    });
    expect(await answersOf(cloud, BY_HAND, old)).toEqual(["rejected", "accepted"]);
  });

  it("takes a manual payload", async () => {
    const answer = await scf.invoke({ action: "verify", secrets: [secretName(BY_HAND)] });
    expect(answer).toMatchObject({ action: "verify", summary: { ok: 1 } });
  });

  it("throws where a secret named by the timer's message fails, so that SCF tries it again", async () => {
    const failing = scf.invoke(timer({ action: "verify", secrets: ["redis/missing"] }));
    await expect(failing).rejects.toThrow(/^1 of 1 secrets .*; the first: redis\/missing: /);
  });

  it("refuses a message that is not JSON", async () => {
    await expect(scf.invoke(timer("rotate!"))).rejects.toMatchObject({ name: "EventInvalid" });
  });
});

it.each([
  ["SSM's region is not known", ["SECRET_STORE"], "ConfigurationInvalid", /SECRET_STORE_REGION/],
  ["the function has no role", ["TENCENTCLOUD_SECRETKEY"], "CredentialsMissing", /a role/],
])("says what to do where %s", async (_, missing, name, says) => {
  const incomplete = await startBuilt("scf", without(environment, ...missing));
  try {
    const error = await incomplete.invoke(timer("")).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name });
    expect((error as Error).message).toMatch(says);
  } finally {
    await incomplete.close();
  }
});
