import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { secretsManagerClient } from "../../lib/drivers/aws-client.ts";
import { awsSecretsManager } from "../../lib/drivers/aws-secrets-manager.ts";
import { LASTING, type LocalService, startLocalService } from "../cloud/secrets-manager/local-service.ts";
import { clock, failed } from "./local-secret.ts";

const ENDPOINTS = ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SECRETS_MANAGER"];
let service: LocalService;
beforeAll(async () => {
  service = await startLocalService(clock);
});
afterAll(() => service.server.close());
beforeEach(() => {
  vi.stubEnv("AWS_ACCESS_KEY_ID", LASTING.accessKeyId);
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", LASTING.secretAccessKey);
  vi.stubEnv("AWS_CONFIG_FILE", "/dev/null");
  vi.stubEnv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null");
  vi.stubEnv("AWS_EC2_METADATA_DISABLED", "true");
  for (const name of ["AWS_REGION", "AWS_SESSION_TOKEN", ...ENDPOINTS]) vi.stubEnv(name, undefined);
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

describe("secretsManagerClient", () => {
  it.each(ENDPOINTS)("goes where %s says", async (name) => {
    vi.stubEnv(name, service.server.url);
    const secretId = `redis/${randomUUID()}`;
    service.america.call("CreateSecret", { Name: secretId, SecretString: "x" });
    const client = await secretsManagerClient({ region: "us-east-1" });
    expect(await awsSecretsManager({ client, clock }).describe(secretId)).toMatchObject({ name: secretId });
    client.destroy();
  });

  it.each([{}, { region: "" }])("takes the environment's region where it is given %j", async (options) => {
    vi.stubEnv("AWS_REGION", "eu-west-1");
    expect(await (await secretsManagerClient(options)).config.region()).toBe("eu-west-1");
  });

  it.each([{}, { region: "" }, { region: "not a region" }])(
    "refuses %j without a region",
    async (options) => {
      await expect(secretsManagerClient(options)).rejects.toMatchObject({
        code: "ConfigurationInvalid",
        message: expect.stringMatching(/AWS_REGION.*SECRET_STORE_REGION/),
      });
    },
  );

  it("says StoreCredentialsMissing where there are none", async () => {
    vi.stubEnv("AWS_ACCESS_KEY_ID", undefined);
    vi.stubEnv("AWS_ENDPOINT_URL", service.server.url);
    const client = await secretsManagerClient({ region: "eu-west-1" });
    const error = await failed(awsSecretsManager({ client, clock }).describe("redis"));
    expect(error).toMatchObject({ code: "StoreCredentialsMissing", effect: "none" });
  });

  it.each(["before", "in the middle of"])(
    "gives up an answer that stops %s, three times, without a word on the console",
    async (moment) => {
      const warned = vi.spyOn(console, "warn").mockReturnValue();
      let requests = 0;
      const server = createServer((_, response) => {
        requests += 1;
        if (moment !== "before") response.writeHead(200).write('{"ARN":');
      });
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      vi.stubEnv("AWS_ENDPOINT_URL", `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
      const client = await secretsManagerClient({ region: "eu-west-1", requestTimeoutMs: 60 });
      const error = await failed(
        awsSecretsManager({ client, clock }).promote("redis", randomUUID(), randomUUID()),
      );
      server.closeAllConnections();
      server.close();
      expect(error).toMatchObject({ code: "StoreUnavailable", effect: "unknown" });
      expect(error.message).toContain("no answer in time");
      expect(requests).toBe(3);
      expect(warned).not.toHaveBeenCalled();
    },
  );
});
