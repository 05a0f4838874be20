import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { StoreKind } from "../../lib/config.ts";
import type { Answer } from "../../lib/ports.ts";
import { type LocalCloud, startCloud } from "../cloud/cloud.ts";
import { proxyWith } from "../drivers/loopback-proxy.ts";
import { certificateFor, type Pem, tlsBefore } from "../drivers/loopback-tls.ts";
import { onlyResult, startBuilt, without } from "./world.ts";

const INSTANCE = "crs-5a4py64p";
const LEGACY = "crs-legacy01";
const LOGIN = "me:Pr0xy-secret";
/** Nothing listens there: whoever does not ask the proxy gets nowhere. */
const TENCENT = "127.77.0.1:9";
const AWS = "secretsmanager.test:443";
const TENCENT_KEYS = ["TENCENTCLOUD_SECRET_ID", "TENCENTCLOUD_SECRET_KEY"];

let directory: string;
let clouds: Readonly<Record<StoreKind, LocalCloud>>;
let tls: Pem;

async function cloudWith(store: StoreKind): Promise<LocalCloud> {
  const region = "ap-guangzhou";
  const legacy = { instanceId: LEGACY, region, secretFields: { api: "ModfiyRedisPassword" } };
  return startCloud({
    store,
    instances: [{ instanceId: INSTANCE, region }, legacy],
    taskDurationMs: 300,
    taskTailMs: 50,
  });
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "proxy-"));
  tls = await certificateFor("secretsmanager.test");
  await writeFile(join(directory, "ca.pem"), tls.cert);
  const [aws, ssm] = await Promise.all([cloudWith("aws"), cloudWith("ssm")]);
  clouds = { aws, ssm };
});
afterAll(async () => {
  await Promise.all(Object.values(clouds ?? {}).map((cloud) => cloud.close()));
  await rm(directory, { recursive: true, force: true });
});

/** A cloud that only its proxy has a way to. */
async function behindProxy(store: StoreKind, scheme: "http" | "https") {
  const { environment } = clouds[store];
  const ports: Readonly<Record<string, number>> = {
    [TENCENT]: Number(new URL(environment.TENCENTCLOUD_ENDPOINT_URL ?? "").port),
    [AWS]: (await tlsBefore(environment.AWS_ENDPOINT_URL_SECRETS_MANAGER, tls)).port,
  };
  const proxy = await proxyWith({
    login: LOGIN,
    portOf: (target) => ports[target] ?? 9,
    ...(scheme === "https" && { tls }),
  });
  const reached = {
    ...environment,
    TENCENTCLOUD_ENDPOINT_URL: `http://${TENCENT}`,
    AWS_ENDPOINT_URL_SECRETS_MANAGER: "https://secretsmanager.test",
    NODE_EXTRA_CA_CERTS: join(directory, "ca.pem"),
    LOG_LEVEL: "trace",
    HTTPS_PROXY: proxy.url,
  };
  return { proxy, environment: reached };
}

/** Everything that a function logged, answered and threw. */
async function heardOf(
  platform: "lambda" | "scf",
  environment: Readonly<Record<string, string>>,
  act: (bundle: Awaited<ReturnType<typeof startBuilt>>) => Promise<unknown>,
): Promise<string> {
  let heard = "";
  const bundle = await startBuilt(platform, environment, {
    onLog: (line) => {
      heard += JSON.stringify(line);
    },
  });
  try {
    heard += JSON.stringify(await act(bundle));
  } catch (error) {
    heard += String(error);
  } finally {
    await bundle.close();
  }
  return heard;
}

const rotateBoth = { action: "rotate", force: true };

describe("behind a proxy that asks for a password", () => {
  it("Lambda rotates by API 3.0, 2.0 and STS, with Secrets Manager and each cloud in one tunnel that is kept", async () => {
    const { proxy, environment } = await behindProxy("aws", "http");
    const federated = { ...without(environment, ...TENCENT_KEYS), ...clouds.aws.federation.environment };
    const given = { ...federated, TENCENTCLOUD_ENDPOINT_URL: `http://${TENCENT}` };
    const heard = await heardOf("lambda", given, (bundle) => bundle.invoke(rotateBoth));
    expect(heard).toContain('"rotated":2');
    expect(heard).not.toContain("Pr0xy-secret");
    expect(new Set(proxy.targets)).toEqual(new Set([TENCENT, AWS]));
    const calls = clouds.aws.tencentDb.calls.length + clouds.aws.secretsManager.calls.length;
    expect(proxy.targets.length).toBeLessThan(calls / 2);
  });

  it("SCF rotates by SSM, and speaks TLS with the proxy itself where that is an https: one", async () => {
    const { proxy, environment } = await behindProxy("ssm", "https");
    const heard = await heardOf("scf", environment, (bundle) => bundle.invoke(rotateBoth));
    expect(heard).toContain('"rotated":2');
    expect(heard).not.toContain("Pr0xy-secret");
    expect(new Set(proxy.targets)).toEqual(new Set([TENCENT]));
  });

  it("says what to do where the password is wrong, changes nothing, and shows no password", async () => {
    const { environment } = await behindProxy("ssm", "http");
    const wrong = { ...environment, HTTPS_PROXY: environment.HTTPS_PROXY.replace("secret", "secrex") };
    const before = clouds.ssm.tencentDb.calls.length;
    const heard = await heardOf("scf", wrong, async (bundle) => {
      const event = { action: "rotate", secrets: [clouds.ssm.secrets.name(INSTANCE)], force: true };
      const result = onlyResult((await bundle.invoke(event)) as Answer);
      expect(result.error).toMatchObject({ effect: "none" });
      expect(result.error?.message).toContain("the proxy answered 407: put the right user and password into");
      return result;
    });
    expect(heard).not.toContain("Pr0xy-secrex");
    expect(clouds.ssm.tencentDb.calls).toHaveLength(before);
  });

  it("names a proxy of another kind with everything else that is wrong", async () => {
    const heard = await heardOf(
      "scf",
      { ...clouds.ssm.environment, HTTPS_PROXY: `socks5://${LOGIN}@127.0.0.1`, VERIFY: "perhaps" },
      (bundle) => bundle.invoke(rotateBoth),
    );
    expect(heard).toContain("HTTPS_PROXY: the proxy must be an http: or https: one");
    expect(heard).toContain("VERIFY:");
    expect(heard).not.toContain("Pr0xy-secret");
  });
});
