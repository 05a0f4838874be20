import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { compose, type Invocation } from "../../handler/compose.ts";
import { systemClock } from "../../lib/drivers/runtime.ts";
import { LASTING, type LocalService, startLocalService } from "../cloud/secrets-manager/local-service.ts";
import { createSsm } from "../cloud/ssm/model.ts";
import { createCertificates } from "../cloud/tencentdb/certificates.ts";
import { startRedisServer } from "../cloud/tencentdb/redis-server.ts";
import { startTencentServer } from "../cloud/tencentdb/server.ts";

const KEYS = { TENCENTCLOUD_SECRET_ID: "AKIDlocal", TENCENTCLOUD_SECRET_KEY: "local-key" };
const REGION = { SECRET_STORE_REGION: "eu-west-1" };
const GOOD = { ...KEYS, ...REGION, LOG_LEVEL: "silent" };

let service: LocalService;
let directory: string;
beforeAll(async () => {
  service = await startLocalService(systemClock);
  directory = mkdtempSync(join(tmpdir(), "compose-"));
});
afterAll(async () => {
  await service.server.close();
  rmSync(directory, { recursive: true });
});
// The AWS SDK reads its own variables by itself.
beforeEach(() => {
  vi.stubEnv("AWS_ACCESS_KEY_ID", LASTING.accessKeyId);
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", LASTING.secretAccessKey);
  vi.stubEnv("AWS_SESSION_TOKEN", undefined);
  vi.stubEnv("AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED", "true");
  vi.stubEnv("AWS_ENDPOINT_URL_SECRETS_MANAGER", service.server.url);
});
afterEach(() => void vi.unstubAllEnvs());

function composed(environment: Invocation["environment"], invocation: Partial<Invocation> = {}) {
  return compose({
    environment,
    remainingMs: 900_000,
    defaultStore: "aws",
    log: { bindings: {} },
    ...invocation,
  });
}

describe("compose", () => {
  it("hands the operator's settings on", async () => {
    const { config, context } = await composed({ ...GOOD, VERIFY: "task", PASSWORD_LENGTH: "20" });
    expect(context).toMatchObject({ verify: "task", passwordLength: 20 });
    expect(config).toMatchObject({ store: "aws", logLevel: "silent" });
  });

  it("leaves the password's length to the API where none is set", async () => {
    expect((await composed(GOOD)).context).not.toHaveProperty("passwordLength");
  });

  it.each([
    [900_000, 895_000],
    [25_000, 20_000],
    [3_000, 2_400],
    [1_499, 1_199],
  ])("of %i ms that the platform gives, a run uses %i", async (remainingMs, usedMs) => {
    const before = Date.now();
    const { context } = await composed(GOOD, { remainingMs });
    expect(context.deadline()).toBeGreaterThanOrEqual(before + usedMs);
    expect(context.deadline()).toBeLessThanOrEqual(Date.now() + usedMs + 1);
  });

  it("keeps secrets in the region that is named", async () => {
    service.europe.call("CreateSecret", {
      Name: "in-europe",
      SecretString: "x",
      ClientRequestToken: crypto.randomUUID(),
    });
    const { context } = await composed(GOOD);
    expect(await context.store.describe("in-europe")).toMatchObject({ name: "in-europe" });
    const elsewhere = await composed({ ...GOOD, SECRET_STORE_REGION: "us-east-1" });
    await expect(elsewhere.context.store.describe("in-europe")).rejects.toMatchObject({
      code: "SecretNotFound",
    });
  });

  it("takes Tencent's credentials from a secret where one is named, and reads it for each invocation", async () => {
    const name = "ops/tencent";
    service.europe.call("CreateSecret", {
      Name: name,
      SecretString: '{"secretId":"AKIDlocal","secretKey":"local-key"}',
      ClientRequestToken: crypto.randomUUID(),
    });
    const reads = () =>
      service.europe.calls.filter(({ action, secretId }) => action === "GetSecretValue" && secretId === name);
    const environment = { ...REGION, TENCENTCLOUD_CREDENTIALS_SECRET_ID: name };
    await composed(environment);
    await composed(environment);
    expect(reads()).toHaveLength(2);
  });

  it("trusts a Redis whose authority is in the file that is named, and no other", async () => {
    const certificates = await createCertificates();
    const path = join(directory, "ca.pem");
    writeFileSync(path, certificates.ca);
    const redis = await startRedisServer({ password: "before-1", tls: certificates });
    const target = {
      host: redis.host,
      port: redis.port,
      ssl: true,
      username: "default",
      password: "before-1",
    };
    const trusting = await composed({ ...GOOD, REDIS_CA_BUNDLE: path });
    expect(await trusting.context.probe(target)).toEqual({ answer: "accepted" });
    const distrustful = await composed(GOOD);
    expect(await distrustful.context.probe(target)).toMatchObject({ answer: "unknown" });
    await redis.stop();
  });

  it.each<[string, Record<string, string>, Partial<Invocation>]>([
    ["that is named", { SECRET_STORE_REGION: "ap-beijing", TENCENTCLOUD_REGION: "x" }, { region: "ap-x" }],
    ["of the platform", { TENCENTCLOUD_REGION: "ap-x" }, { region: "ap-beijing" }],
    ["of the environment", { TENCENTCLOUD_REGION: "ap-beijing" }, {}],
  ])("looks for secrets in SSM in the region %s", async (_, variables, invocation) => {
    const ssm = createSsm({ clock: systemClock });
    ssm.call("CreateSecret", { SecretName: "redis-orders", SecretString: "{}" }, "ap-beijing");
    const key = { secretId: KEYS.TENCENTCLOUD_SECRET_ID, secretKey: KEYS.TENCENTCLOUD_SECRET_KEY };
    const server = await startTencentServer({ clock: systemClock, services: { ssm }, credentials: [key] });
    const environment = { ...KEYS, ...variables, TENCENTCLOUD_ENDPOINT_URL: server.url };
    const { context } = await composed(environment, { ...invocation, defaultStore: "ssm" });
    expect(await context.store.describe("redis-orders")).toMatchObject({ name: "redis-orders" });
    await server.close();
  });

  it.each<[string, string, Record<string, string>, RegExp]>([
    ["ConfigurationInvalid", "a bad variable", { ...GOOD, VERIFY: "maybe" }, /VERIFY: /],
    [
      "ConfigurationInvalid",
      "SSM without a region",
      { ...KEYS, SECRET_STORE: "ssm" },
      /SECRET_STORE_REGION: .* such as ap-guangzhou$/,
    ],
    [
      "ConfigurationInvalid",
      "a missing file",
      { ...GOOD, REDIS_CA_BUNDLE: "/no/ca" },
      /REDIS_CA_BUNDLE: \/no\/ca /,
    ],
    ["CredentialsMissing", "no credentials", REGION, /no Tencent Cloud credentials/],
    [
      "SecretNotFound",
      "a missing secret of credentials",
      { ...REGION, TENCENTCLOUD_CREDENTIALS_SECRET_ID: "ops/none" },
      /ops\/none/,
    ],
  ])("throws %s for %s", async (code, _, environment, message) => {
    const failure = expect(composed(environment)).rejects;
    await failure.toMatchObject({ name: "RotationError", code, effect: "none" });
    await expect(composed(environment)).rejects.toThrow(message);
  });
});
