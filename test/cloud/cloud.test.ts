import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { redisProbe } from "../../lib/drivers/redis-probe.ts";
import { type LocalCloud, startCloud } from "./cloud.ts";
import { secretName } from "./secrets.ts";

const instanceId = "crs-accounts";
const region = "ap-guangzhou";
let cloud: LocalCloud;

beforeAll(async () => {
  cloud = await startCloud({
    instances: [
      {
        instanceId,
        region,
        accounts: [{ name: "app_a" }, { name: "app_b", password: "given-Pass-1" }],
        secretFields: { username: "app_a", api: "ModifyInstanceAccount" },
      },
    ],
    taskDurationMs: 20,
    taskTailMs: 10,
  });
});
afterAll(() => cloud.close());

const probe = redisProbe();
const secret = () => {
  const [current] = cloud.secretsManager.inspect(secretName(instanceId)).versions;
  return JSON.parse(current?.content?.SecretString ?? "");
};

describe("a cloud with custom accounts", () => {
  it("keeps in the secret the password of the account that it names", async () => {
    expect(secret()).toMatchObject({ username: "app_a", api: "ModifyInstanceAccount" });
    expect(await probe(secret())).toEqual({ answer: "accepted" });
    expect(await probe({ ...secret(), username: "default" })).toEqual({ answer: "rejected" });
    expect(await probe({ ...secret(), username: "app_b", password: "given-Pass-1" })).toEqual({
      answer: "accepted",
    });
  });

  it("changes that account's password alone in the real Redis", async () => {
    await cloud.tencentDb.dispatch({
      ...{ host: "redis.tencentcloudapi.com", method: "POST", version: "2018-04-12", requestId: "r-1" },
      ...{ action: "ModifyInstanceAccount", region },
      parameters: { InstanceId: instanceId, AccountName: "app_a", AccountPassword: "fresh-Pass-2" },
    });
    await expect.poll(() => cloud.tencentDb.passwordChanges(instanceId, "app_a")).toBe(1);
    expect(await probe({ ...secret(), password: "fresh-Pass-2" })).toEqual({ answer: "accepted" });
    expect(await probe(secret())).toEqual({ answer: "rejected" });
    expect(await probe({ ...secret(), username: "app_b", password: "given-Pass-1" })).toEqual({
      answer: "accepted",
    });
  });
});
