import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type LocalCloud, startCloud } from "../cloud/cloud.ts";
import type { FunctionProcess } from "../cloud/function-process.ts";
import { answersOf, ask, onlyResult, passwordAt, startBuilt, without } from "./world.ts";

const INSTANCE = "crs-5a4py64p";

let cloud: LocalCloud;
/** Without a key of Tencent Cloud. */
let environment: Record<string, string>;
const functions: FunctionProcess[] = [];
/** All that the functions logged, answered and threw. */
let heard = "";

beforeAll(async () => {
  const instances = [{ instanceId: INSTANCE, region: "ap-guangzhou" }];
  cloud = await startCloud({ instances, taskDurationMs: 300, taskTailMs: 50 });
  environment = {
    ...without(cloud.environment, "TENCENTCLOUD_SECRET_ID", "TENCENTCLOUD_SECRET_KEY"),
    ...cloud.federation.environment,
    LOG_LEVEL: "trace",
  };
});
afterAll(async () => {
  await Promise.all(functions.map((each) => each.close()));
  await cloud?.close();
});

async function lambda(variables: Record<string, string> = {}): Promise<FunctionProcess> {
  const started = await startBuilt(
    "lambda",
    { ...environment, ...variables },
    {
      onLog: (line) => {
        heard += JSON.stringify(line);
      },
    },
  );
  functions.push(started);
  return started;
}

/** How a fresh function fails. */
async function failureOf(variables: Record<string, string> = {}): Promise<{ name: string; message: string }> {
  const failed = await ask(await lambda(variables), "verify", INSTANCE).then(
    () => ({ name: "none", message: "" }),
    (error: Error) => error,
  );
  heard += failed.message;
  return failed;
}

describe("the function on Lambda, with a role of Tencent Cloud", () => {
  it("rotates with no key of Tencent Cloud in its environment, and keeps the session while it is warm", async () => {
    const { TENCENTCLOUD_SECRET_ID: id = "", TENCENTCLOUD_SECRET_KEY: key = "" } = cloud.environment;
    expect(id.length * key.length).toBeGreaterThan(0);
    expect(JSON.stringify(environment)).not.toContain(id);
    expect(JSON.stringify(environment)).not.toContain(key);

    const old = passwordAt(cloud, INSTANCE, "AWSCURRENT");
    const warm = await lambda();
    const rotated = await ask(warm, "rotate", INSTANCE);
    expect(onlyResult(rotated).status).toBe("rotated");
    expect(await answersOf(cloud, INSTANCE, old)).toEqual(["rejected", "accepted"]);
    const verified = await ask(warm, "verify", INSTANCE);
    expect(onlyResult(verified).status).toBe("ok");
    heard += JSON.stringify([rotated, verified]);

    const { aws, tencent } = cloud.federation;
    expect([aws.issued.length, tencent.granted.length]).toEqual([1, 1]);
  });

  it.each([
    ["IdentityTokenRefused", { TENCENTCLOUD_TOKEN_AUDIENCE: "someone.else" }, "AccessDenied"],
    ["RoleRefused", { TENCENTCLOUD_PROVIDER_ID: "unknown" }, "InvalidParameter.ParamError"],
    [
      "RoleRefused",
      { TENCENTCLOUD_ROLE_ARN: "qcs::cam::uin/100000000001:roleName/other" },
      "UnauthorizedOperation",
    ],
    ["StoreCredentialsMissing", { AWS_ACCESS_KEY_ID: "" }, "GetWebIdentityToken"],
  ])("fails with %s for %j, and says what the cloud says", async (code, variables, told) => {
    const { name, message } = await failureOf(variables);
    expect([name, message]).toEqual([code, expect.stringContaining(told)]);
  });

  it("says where the AWS account does not issue tokens", async () => {
    cloud.federation.aws.federation = "off";
    const { name, message } = await failureOf();
    expect([name, message]).toEqual(["IdentityTokenRefused", expect.stringContaining("is not enabled")]);
    expect(message).toContain("Enable outbound identity federation in the AWS account");
  });

  it("tells no token and no key", () => {
    const { aws, tencent } = cloud.federation;
    const secrets = [
      ...aws.issued.flatMap((token) => token.split(".").slice(1)),
      ...tencent.granted.flatMap(({ secretKey, token = "" }) => [secretKey, token]),
      cloud.environment.AWS_SECRET_ACCESS_KEY ?? "",
    ];
    expect(secrets.length).toBeGreaterThan(6);
    expect(heard).toContain("rotated");
    expect(heard).toContain("RoleRefused");
    // Counted, so that a failure does not show them.
    expect(secrets.filter((secret) => heard.includes(secret)).length).toBe(0);
  });
});
