import { randomUUID } from "node:crypto";
import { createServer, type Server } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Report } from "../../handler/cli/doctor/checks.ts";
import { type LocalCloud, startCloud } from "../cloud/cloud.ts";
import { secretName } from "../cloud/secrets.ts";
import { runCommand } from "./command.ts";
import { built, valueAt, without } from "./world.ts";

const region = "ap-guangzhou";
const GOOD = "crs-goodone1";
const PENDING = "crs-pending1";
const ACCOUNT = "crs-account1";
const LEGACY = "crs-legacy20";
const CREDENTIALS = "tencentcloud/redis-rotation";
const NOTHING_CHANGES = /^(Describe|List|Get)/;

let cloud: LocalCloud;
let silent: Server;
beforeAll(async () => {
  cloud = await startCloud({
    instances: [
      { instanceId: GOOD, region },
      { instanceId: PENDING, region },
      { instanceId: ACCOUNT, region, accounts: [{ name: "app" }], secretFields: { username: "app" } },
      { instanceId: LEGACY, region, secretFields: { api: "ModfiyRedisPassword" } },
    ],
    taskDurationMs: 100,
    taskTailMs: 50,
  });
  // Somebody there who never says a word.
  silent = createServer();
  await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
});
afterAll(async () => {
  silent?.close();
  await cloud?.close();
});

interface Doctored extends Report {
  readonly exit: unknown;
}

async function doctor(names: readonly string[], changed: Record<string, string> = {}): Promise<Doctored> {
  const environment = { ...cloud.environment, ...changed };
  const args = ["doctor", "--json", ...names];
  const { exit, stdout, stderr } = await runCommand(args, { file: built("cli.js"), environment });
  expect(stderr).toBe("");
  return { exit, ...JSON.parse(stdout) };
}

const of = ({ checks }: Report, name: string) => checks.filter((each) => each.name === name);

function make(name: string, text: string): string {
  cloud.secretsManager.call("CreateSecret", {
    Name: name,
    ClientRequestToken: randomUUID(),
    SecretString: text,
  });
  return name;
}

/** A further secret for an instance, with other fields. */
function secretLike(name: string, instanceId: string, fields: object): string {
  return make(name, JSON.stringify({ ...valueAt(cloud, instanceId, "AWSCURRENT"), ...fields }));
}

describe("redis-rotation doctor", () => {
  it("finds nothing bad where a rotation would succeed, whatever its api, and changes nothing", async () => {
    const report = await doctor([]);
    expect([report.exit, report.summary]).toMatchObject([0, { bad: 0, skipped: 0 }]);
    expect(of(report, "password").map(({ status }) => status)).toEqual(["good", "good", "good", "good"]);
    expect(of(report, "account").map(({ found }) => found)).toContain("account app exists");
    expect(of(report, "endpoint").map(({ subject }) => subject)).toContain("redis.api.qcloud.com");
    const subjects = of(report, "permission").map(({ subject }) => subject);
    expect(subjects).toContain("redis:DescribeInstanceAccount");
    expect(subjects).toContain("redis:ResetPassword, redis:ModifyInstanceAccount, redis:ModfiyRedisPassword");
    const called = [...cloud.tencentDb.calls, ...cloud.secretsManager.calls].map(({ action }) => action);
    const changes = called.filter((action) => action !== "" && !NOTHING_CHANGES.test(action));
    expect(changes.filter((action) => action !== "CreateSecret")).toEqual([]);
  });

  it("knows DescribeTaskInfo once there has been a password task", async () => {
    const { exit } = await runCommand(["rotate", "--force", secretName(GOOD)], {
      file: built("cli.js"),
      environment: cloud.environment,
    });
    expect(exit).toBe(0);
    const subject = "redis:DescribeTaskInfo";
    expect(of(await doctor([secretName(GOOD)]), "permission")).toContainEqual({
      name: "permission",
      subject,
      status: "good",
      found: "granted",
      durationMs: 0,
    });
  });

  it("says which version opens Redis where the current one does not", async () => {
    const pending = "pending-password-1";
    cloud.secretsManager.call("PutSecretValue", {
      SecretId: secretName(PENDING),
      ClientRequestToken: randomUUID(),
      SecretString: JSON.stringify({ ...valueAt(cloud, PENDING, "AWSCURRENT"), password: pending }),
      VersionStages: ["AWSPENDING"],
    });
    await cloud.redis.get(PENDING)?.setPassword(pending);
    const report = await doctor([secretName(PENDING)]);
    expect([report.exit, of(report, "password")]).toMatchObject([
      1,
      [{ status: "bad", code: "Drift", found: expect.stringContaining("the pending one does") }],
    ]);
  });

  it("names what is wrong with each of several secrets in one run", async () => {
    const { port } = silent.address() as { port: number };
    const broken: [string, object, string, object][] = [
      ["silent", { port }, "redis", { fix: /Set ssl/ }],
      ["no-tls", { ssl: true }, "redis", { found: /with TLS: .*: no connection in time/ }],
      ["no-host", { host: "redis.invalid" }, "redis", { fix: /a resolver that knows it/ }],
      ["no-account", { username: "app_z" }, "account", { code: /AccountNotFound/ }],
      ["no-instance", { instanceId: "crs-nowhere1" }, "instance", { code: /InstanceNotFound/ }],
      ["old", { api: "ModifyInstancePassword", password: "wrong-1" }, "password", { code: /OldPassword/ }],
      ["no-such-redis", { port: 1 }, "redis", { fix: /nothing listens there/ }],
    ];
    const report = await doctor(broken.map(([name, fields]) => secretLike(`broken/${name}`, GOOD, fields)));
    expect(report.exit).toBe(1);
    for (const [name, , check, says] of broken) {
      const found = of(report, check).find(({ subject }) => subject === `broken/${name}`);
      expect(found?.status, name).toBe("bad");
      for (const [field, words] of Object.entries(says)) {
        expect(Reflect.get(found ?? {}, field), name).toMatch(words);
      }
    }
  });

  it("takes no path for none that is needed with VERIFY=task", async () => {
    const report = await doctor([secretLike("redis/task", GOOD, { port: 1 })], { VERIFY: "task" });
    expect([report.exit, of(report, "redis"), of(report, "password")]).toMatchObject([
      0,
      [{ status: "unknown", found: expect.stringContaining("VERIFY=task goes without it") }],
      [{ status: "skipped" }],
    ]);
  });

  it("names secrets that are for the same account", async () => {
    const report = await doctor([secretName(GOOD), secretLike("redis/rival", GOOD, {})]);
    expect(of(report, "secret")).toMatchObject([{ code: "SecretInvalid" }, { code: "SecretInvalid" }]);
  });

  it("reads what can be read where one secret may not be", async () => {
    const refusal = { kind: "error", name: "AccessDeniedException", status: 400 } as const;
    cloud.secretsManager.failNext("GetSecretValue", refusal, { secretId: secretName(LEGACY) });
    const report = await doctor([secretName(GOOD), secretName(LEGACY)]);
    const fix = expect.stringMatching(/^Grant secretsmanager:GetSecretValue/);
    expect([report.exit, of(report, "secret")]).toMatchObject([
      1,
      [{ status: "good" }, { code: "StoreDenied", fix }],
    ]);
    expect(of(report, "permission").filter(({ status }) => status === "bad")).toMatchObject([
      { subject: "secretsmanager:GetSecretValue", found: expect.stringContaining("refused for 1 of ") },
    ]);
    expect(of(report, "password").map(({ status }) => status)).toEqual(["good", "skipped"]);
  });
});

describe("redis-rotation doctor says where the credentials come from, and", () => {
  const keys = ["TENCENTCLOUD_SECRET_ID", "TENCENTCLOUD_SECRET_KEY"];
  const credentials = (report: Report) =>
    of(report, "credentials").map(({ subject, status, found }) => `${subject} ${status}: ${found}`);

  it("that a secret's are accepted", async () => {
    const { TENCENTCLOUD_SECRET_ID: secretId, TENCENTCLOUD_SECRET_KEY: secretKey } = cloud.environment;
    make(CREDENTIALS, JSON.stringify({ secretId, secretKey }));
    const empty = Object.fromEntries(keys.map((key) => [key, ""]));
    const report = await doctor([secretName(GOOD)], {
      ...empty,
      TENCENTCLOUD_CREDENTIALS_SECRET_ID: CREDENTIALS,
    });
    expect([report.exit, credentials(report)]).toEqual([
      0,
      [
        "AWS good: from the environment (AWS_ACCESS_KEY_ID): accepted",
        expect.stringMatching(
          /^Tencent Cloud good: from the secret tencentcloud\/redis-rotation .* accepted as qcs:/,
        ),
      ],
    ]);
  });

  it("that a role's are accepted", async () => {
    const empty = Object.fromEntries(keys.map((key) => [key, ""]));
    const report = await doctor([secretName(GOOD)], { ...empty, ...cloud.federation.environment });
    expect([report.exit, credentials(report)[1]]).toEqual([
      0,
      expect.stringMatching(/^Tencent Cloud good: from an identity token of AWS for qcs::cam::/),
    ]);
  });

  it("that AWS does not accept its own: then no secret is asked for", async () => {
    const report = await doctor([secretName(GOOD)], { AWS_SECRET_ACCESS_KEY: "somebody-elses" });
    expect([report.exit, credentials(report)]).toEqual([
      1,
      [
        expect.stringMatching(/^AWS bad: from the environment .*InvalidSignatureException/),
        expect.stringMatching(/^Tencent Cloud good: /),
      ],
    ]);
    expect(of(report, "secret")).toMatchObject([{ status: "skipped" }]);
  });
});

describe("redis-rotation doctor behind a proxy", () => {
  const LOGIN = "me:Pr0xy-secret";

  it("names it without its login, and asks nothing that it has no way to", async () => {
    const report = await doctor([secretName(GOOD)], { HTTPS_PROXY: `http://${LOGIN}@127.0.0.1:1` });
    expect(report.exit).toBe(1);
    expect(JSON.stringify(report)).not.toContain("Pr0xy-secret");
    const [redis] = of(report, "endpoint").filter(({ subject }) => subject === "redis.tencentcloudapi.com");
    expect(redis).toMatchObject({
      status: "bad",
      found: expect.stringMatching(/through the proxy 127\.0\.0\.1:1, .* the proxy cannot be reached/),
      fix: expect.stringContaining("NO_PROXY"),
    });
    expect(of(report, "credentials")).toMatchObject([{ status: "good" }, { status: "unknown" }]);
    expect(of(report, "clock")).toMatchObject([{ status: "good" }, { status: "unknown" }]);
    expect(of(report, "instance")).toMatchObject([
      { status: "skipped", found: "redis.tencentcloudapi.com does not answer" },
    ]);
    expect(of(report, "password")).toMatchObject([{ status: "good" }]);
  });

  it("reads no secret where the secret manager does not answer", async () => {
    const report = await doctor([secretName(GOOD)], {
      AWS_ENDPOINT_URL_SECRETS_MANAGER: "http://127.0.0.1:1",
    });
    const [store] = of(report, "endpoint");
    expect([report.exit, store?.found]).toEqual([1, expect.stringContaining("refused (ECONNREFUSED)")]);
    expect(of(report, "secret")).toMatchObject([{ status: "skipped", found: "127.0.0.1:1 does not answer" }]);
  });
});

describe("redis-rotation doctor ends with 2 where", () => {
  it.each<[string, Record<string, string>, string, RegExp]>([
    [
      "no credentials are set",
      { TENCENTCLOUD_SECRET_KEY: "" },
      "environment",
      /no Tencent Cloud credentials/,
    ],
    ["no region is set", { AWS_REGION: "" }, "endpoint", /set AWS_REGION/],
    ["no secret is named", { ROTATION_SECRETS: "" }, "fleet", /set ROTATION_SECRETS/],
  ])("%s", async (_, changed, name, says) => {
    const report = await doctor([], changed);
    expect(report.exit).toBe(2);
    expect(of(report, name)).toContainEqual(
      expect.objectContaining({ status: "bad", found: expect.stringMatching(says) }),
    );
  });

  it("the call is wrong", async () => {
    const { exit, stdout } = await runCommand(["doctor", "--all"], {
      file: built("cli.js"),
      environment: without(cloud.environment),
    });
    expect([exit, stdout]).toEqual([2, ""]);
  });
});
