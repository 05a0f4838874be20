import { Agent } from "node:http";
import { connect } from "node:net";
import { Client } from "tencentcloud-sdk-nodejs/tencentcloud/services/ssm/v20190923/ssm_client.js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "../../../lib/drivers/runtime.ts";
import { createTencentDb } from "../tencentdb/model.ts";
import { startTencentServer, type TencentServer } from "../tencentdb/server.ts";
import { createSsm } from "./model.ts";

const key = { secretId: "AKIDlocal", secretKey: "local-key" };
const SecretName = "redis-orders";

const ssm = createSsm({ clock: systemClock });
let server: TencentServer;
beforeAll(async () => {
  const redis = createTencentDb({ clock: systemClock, setPassword: async () => {} });
  server = await startTencentServer({
    clock: systemClock,
    services: { redis, ssm },
    credentials: [key],
  });
});
afterAll(() => server.close());

/** The official SDK, talking to the real host's name over a connection to the local server. */
function client(credential = key): Client {
  const agent = new Agent();
  const { hostname, port } = new URL(server.url);
  agent.createConnection = () => connect(Number(port), hostname);
  return new Client({
    credential,
    region: "ap-guangzhou",
    profile: { httpProfile: { endpoint: "ssm.tencentcloudapi.com", protocol: "http://", agent } },
  });
}

describe("the local SSM behind the official SDK, on TencentDB's port", () => {
  it("answers every action in the SDK's words", async () => {
    const sdk = client();
    const version = (VersionId: string) => ({ SecretName, VersionId });
    expect(await sdk.CreateSecret({ SecretName, SecretString: "old" })).toMatchObject(version("SSM_Current"));
    expect(await sdk.PutSecretValue({ ...version("v2"), SecretString: "new" })).toMatchObject(version("v2"));
    expect(await sdk.UpdateSecret({ ...version("SSM_Current"), SecretString: "new" })).toMatchObject(
      version("SSM_Current"),
    );
    expect((await sdk.GetSecretValue(version("SSM_Current"))).SecretString).toBe("new");
    const { Versions } = await sdk.ListSecretVersionIds({ SecretName });
    expect(Versions?.map(({ VersionId }) => VersionId).sort()).toEqual(["SSM_Current", "v2"]);
    expect(await sdk.DeleteSecretVersion(version("v2"))).toMatchObject(version("v2"));
    expect(await sdk.DescribeSecret({ SecretName })).toMatchObject({ Status: "Enabled", SecretType: 0 });
  });

  it("answers its errors in words, too", async () => {
    await expect(client().DescribeSecret({ SecretName: "nowhere" })).rejects.toMatchObject({
      code: "ResourceNotFound.SecretNotExist",
      requestId: expect.any(String),
    });
    await expect(client({ ...key, secretKey: "wrong" }).DescribeSecret({ SecretName })).rejects.toMatchObject(
      {
        code: "AuthFailure.SignatureFailure",
      },
    );
  });
});
