import { describe, expect, it } from "vitest";
import { parseConfig } from "../lib/config.ts";
import type { RotationError } from "../lib/errors.ts";

const DEFAULTS = {
  site: "domestic",
  endpointUrl: undefined,
  credentialsSecretId: undefined,
  role: undefined,
  store: "aws",
  storeRegion: undefined,
  secretIds: [],
  selection: undefined,
  intervalDays: 30,
  staggerDays: 0,
  window: undefined,
  canary: 1,
  breaker: 5,
  concurrency: 300,
  callsPerSecond: undefined,
  queueUrl: undefined,
  fanOutSize: undefined,
  alternationIntervalMs: 3_600_000,
  passwordLength: undefined,
  verify: "auth",
  caBundlePath: undefined,
  logLevel: "info",
};

function problemsOf(environment: Record<string, string>): string {
  try {
    parseConfig(environment, "aws");
  } catch (error) {
    expect(error).toMatchObject({ name: "RotationError", code: "ConfigurationInvalid", effect: "none" });
    return (error as RotationError).message;
  }
  throw new Error("It was accepted");
}

describe("parseConfig", () => {
  it.each([
    ["nothing is set", {}],
    ["everything is set to nothing", { SECRET_STORE: "", ROTATION_SECRETS: "", VERIFY: "", LOG_LEVEL: "" }],
    ["variables of others are set", { PATH: "/usr/bin", AWS_REGION: "eu-west-1", NODE_OPTIONS: "--x" }],
  ])("has a default for everything where %s", (_, environment) => {
    expect(parseConfig(environment, "aws")).toEqual(DEFAULTS);
  });

  it.each([
    ["TENCENTCLOUD_SITE", "intl", { site: "intl" }],
    ["TENCENT_SITE", "intl", { site: "intl" }],
    ["TENCENT_ENDPOINT_URL", "http://127.0.0.1:4100", { endpointUrl: "http://127.0.0.1:4100" }],
    ["TENCENT_CREDENTIALS_SECRET_ID", "ops/tencent", { credentialsSecretId: "ops/tencent" }],
    ["TENCENTCLOUD_ENDPOINT_URL", "http://127.0.0.1:4100", { endpointUrl: "http://127.0.0.1:4100" }],
    ["TENCENTCLOUD_CREDENTIALS_SECRET_ID", "ops/tencent", { credentialsSecretId: "ops/tencent" }],
    ["SECRET_STORE", "ssm", { store: "ssm" }],
    ["SECRET_STORE_REGION", "eu-west-1", { storeRegion: "eu-west-1" }],
    ["ROTATION_SECRETS", "redis/orders", { secretIds: ["redis/orders"] }],
    ["ROTATION_SECRETS", " a, b ,,c,", { secretIds: ["a", "b", "c"] }],
    ["ROTATION_INTERVAL_DAYS", "0", { intervalDays: 0 }],
    ["ROTATION_INTERVAL_DAYS", "0.5", { intervalDays: 0.5 }],
    ["ROTATION_INTERVAL_DAYS", "3650", { intervalDays: 3650 }],
    ["ROTATION_TAG", "rotate=yes", { selection: { tag: { key: "rotate", value: "yes" } } }],
    ["ROTATION_TAG", "team=a=b", { selection: { tag: { key: "team", value: "a=b" } } }],
    ["ROTATION_PREFIX", "redis/", { selection: { prefix: "redis/" } }],
    ["ROTATION_STAGGER_DAYS", "3", { staggerDays: 3 }],
    ["ROTATION_WINDOW", "* 1-4 * * *", { window: expect.any(Function) }],
    ["ROTATION_WINDOW_TIMEZONE", "Asia/Shanghai", {}],
    ["ROTATION_CANARY", "0", { canary: 0 }],
    ["ROTATION_BREAKER", "0", { breaker: 0 }],
    ["ROTATION_CONCURRENCY", "1000", { concurrency: 1000 }],
    ["API_CALLS_PER_SECOND", "5", { callsPerSecond: 5 }],
    [
      "ROTATION_QUEUE_URL",
      "https://sqs.eu-west-1.amazonaws.com/1/q",
      { queueUrl: "https://sqs.eu-west-1.amazonaws.com/1/q" },
    ],
    ["ROTATION_FAN_OUT_SIZE", "25", { fanOutSize: 25 }],
    ["ALTERNATION_INTERVAL_MINUTES", "0", { alternationIntervalMs: 0 }],
    ["ALTERNATION_INTERVAL_MINUTES", "1.5", { alternationIntervalMs: 90_000 }],
    ["PASSWORD_LENGTH", "8", { passwordLength: 8 }],
    ["PASSWORD_LENGTH", "64", { passwordLength: 64 }],
    ["VERIFY", "task", { verify: "task" }],
    ["REDIS_CA_BUNDLE", "/opt/ca.pem", { caBundlePath: "/opt/ca.pem" }],
    ["LOG_LEVEL", "trace", { logLevel: "trace" }],
  ])("reads %s=%s", (name, value, setting) => {
    expect(parseConfig({ [name]: value }, "aws")).toEqual({ ...DEFAULTS, ...setting });
  });

  it.each(["aws", "ssm"] as const)("takes the platform's store, %s, where none is named", (store) => {
    expect(parseConfig({}, store).store).toBe(store);
  });

  it.each([
    ["TENCENTCLOUD_SITE", "china"],
    ["TENCENTCLOUD_ENDPOINT_URL", "127.0.0.1:4100"],
    ["TENCENTCLOUD_ENDPOINT_URL", "ftp://example.com"],
    ["SECRET_STORE", "vault"],
    ["SECRET_STORE_REGION", "eu-west-1.evil.example"],
    ["ROTATION_INTERVAL_DAYS", "monthly"],
    ["ROTATION_INTERVAL_DAYS", "-1"],
    ["ROTATION_INTERVAL_DAYS", "3651"],
    ["ROTATION_INTERVAL_DAYS", "1e3"],
    ["PASSWORD_LENGTH", "7"],
    ["PASSWORD_LENGTH", "65"],
    ["PASSWORD_LENGTH", "16.5"],
    ["PASSWORD_LENGTH", "0x20"],
    ["VERIFY", "none"],
    ["LOG_LEVEL", "verbose"],
    ["ROTATION_TAG", "rotate"],
    ["ROTATION_TAG", "=yes"],
    ["ROTATION_STAGGER_DAYS", "-1"],
    ["ROTATION_WINDOW", "nightly"],
    ["ROTATION_WINDOW_TIMEZONE", "Mars/Olympus"],
    ["ROTATION_CANARY", "101"],
    ["ROTATION_BREAKER", "1.5"],
    ["ROTATION_CONCURRENCY", "0"],
    ["API_CALLS_PER_SECOND", "0"],
    ["ROTATION_QUEUE_URL", "queue"],
    ["ROTATION_FAN_OUT_SIZE", "501"],
  ])("refuses %s=%s by name, without its value", (name, value) => {
    const problems = problemsOf({ [name]: value });
    expect(problems).toMatch(new RegExp(`^Environment: ${name}: \\S`));
    // A bound such as 1000 may hold the digits of the value.
    const quoted = new RegExp(`(?<!\\d)${value.replace(/\W/g, "\\$&")}(?!\\d)`);
    expect(problems.slice(`Environment: ${name}: `.length)).not.toMatch(quoted);
  });

  describe("of a role", () => {
    const ROLE = "qcs::cam::uin/100000000001:roleName/redis-rotation";
    const PAIR = { TENCENTCLOUD_ROLE_ARN: ROLE, TENCENTCLOUD_PROVIDER_ID: "aws-rotation" };
    const DEFAULT_ROLE = {
      roleArn: ROLE,
      providerId: "aws-rotation",
      sessionName: "redis-rotation",
      audience: "sts.tencentcloudapi.com",
      region: "ap-guangzhou",
    };

    it.each([
      ["the pair alone", {}, {}],
      ["the international site", { TENCENTCLOUD_SITE: "intl" }, { region: "ap-singapore" }],
      ["a finance region", { TENCENTCLOUD_STS_REGION: "ap-shanghai-fsi" }, { region: "ap-shanghai-fsi" }],
      ["a session's name", { TENCENTCLOUD_ROLE_SESSION_NAME: "lambda@eu" }, { sessionName: "lambda@eu" }],
      [
        "an audience",
        { TENCENTCLOUD_TOKEN_AUDIENCE: "https://x.example/a" },
        { audience: "https://x.example/a" },
      ],
    ])("takes %s", (_, variables, differs) => {
      const { role } = parseConfig({ ...PAIR, ...variables }, "aws");
      expect(role).toEqual({ ...DEFAULT_ROLE, ...differs });
    });

    it("takes every second name", () => {
      const first = {
        ...PAIR,
        TENCENTCLOUD_ROLE_SESSION_NAME: "on-scf",
        TENCENTCLOUD_TOKEN_AUDIENCE: "tencent",
        TENCENTCLOUD_STS_REGION: "ap-beijing",
      };
      const second = Object.entries(first).map(([name, value]) => [name.replace("CLOUD", ""), value]);
      expect(parseConfig(Object.fromEntries(second), "ssm").role).toEqual(parseConfig(first, "ssm").role);
    });

    it.each([
      ["TENCENTCLOUD_ROLE_ARN", "arn:aws:iam::123456789012:role/redis-rotation"],
      ["TENCENTCLOUD_ROLE_ARN", "qcs::cam::uin/me:roleName/x"],
      ["TENCENTCLOUD_PROVIDER_ID", "qcs::cam::uin/100000000001:oidc-provider/aws"],
      ["TENCENTCLOUD_ROLE_SESSION_NAME", "two words"],
      ["TENCENTCLOUD_TOKEN_AUDIENCE", "two words"],
      ["TENCENTCLOUD_STS_REGION", "evil.example/x"],
    ])("refuses %s=%s by name, without its value", (name, value) => {
      const problems = problemsOf({ ...PAIR, [name]: value });
      expect(problems).toMatch(new RegExp(`^Environment: ${name}: \\S`));
      expect(problems).not.toContain(value);
    });

    it("refuses half a pair, and two ways at once, with everything else", () => {
      const { TENCENTCLOUD_ROLE_ARN, TENCENTCLOUD_PROVIDER_ID } = PAIR;
      const named = (environment: Record<string, string>) =>
        problemsOf(environment)
          .replace("Environment: ", "")
          .split("; ")
          .map((problem) => problem.split(":")[0]);
      expect(named({ TENCENTCLOUD_ROLE_ARN })).toEqual(["TENCENTCLOUD_PROVIDER_ID"]);
      expect(named({ TENCENTCLOUD_PROVIDER_ID })).toEqual(["TENCENTCLOUD_ROLE_ARN"]);
      const secret = { TENCENTCLOUD_CREDENTIALS_SECRET_ID: "ops/tencent" };
      expect(named({ ...PAIR, ...secret })).toEqual(["TENCENTCLOUD_CREDENTIALS_SECRET_ID"]);
      expect(named({ TENCENTCLOUD_ROLE_ARN, ...secret, VERIFY: "none" })).toEqual([
        "VERIFY",
        "TENCENTCLOUD_PROVIDER_ID",
        "TENCENTCLOUD_CREDENTIALS_SECRET_ID",
      ]);
    });
  });

  it("refuses a second name that contradicts the first", () => {
    const both = { TENCENT_SITE: "intl", TENCENTCLOUD_SITE: "intl" };
    expect(parseConfig(both, "ssm").site).toBe("intl");
    expect(
      problemsOf({ TENCENT_ENDPOINT_URL: "http://a.example", TENCENTCLOUD_ENDPOINT_URL: "http://b.example" }),
    ).toBe("Environment: TENCENT_ENDPOINT_URL: TENCENTCLOUD_ENDPOINT_URL says something else");
  });

  it("names every bad variable at once", () => {
    const bad = {
      TENCENTCLOUD_SITE: "china",
      TENCENTCLOUD_ENDPOINT_URL: "nowhere",
      SECRET_STORE: "vault",
      SECRET_STORE_REGION: "Europe!",
      ROTATION_INTERVAL_DAYS: "monthly",
      PASSWORD_LENGTH: "7",
      VERIFY: "none",
      LOG_LEVEL: "verbose",
      ROTATION_TAG: "rotate=yes",
      ROTATION_PREFIX: "redis/",
    };
    const problems = problemsOf({ ...bad, ROTATION_SECRETS: "good" });
    const named = problems.replace("Environment: ", "").split("; ");
    expect(named.map((problem) => problem.split(":")[0])).toEqual(Object.keys(bad));
  });
});
