import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import {
  actionsOf,
  type Document,
  type Package,
  packageInto,
  resourcesOf,
  statement,
  statementsOf,
} from "./osls.ts";

const text = await readFile("serverless.yml", "utf8");
const service: Document = parse(text, { merge: true });
const parts = await Promise.all(
  [
    "alarms.yml",
    "dead-letters.yml",
    "network.yml",
    "endpoint.yml",
    "queue.yml",
    "by-value.cjs",
    "fleet.cjs",
    "notify.cjs",
  ].map((name) => readFile(join("deploy/aws", name), "utf8")),
);

describe("serverless.yml", () => {
  it("has a name of the product's, or of the AWS SDK's, for each variable that it sets", async () => {
    const sources = [
      "lib/config.ts",
      "lib/fleet-config.ts",
      "lib/notify-config.ts",
      "lib/drivers/proxy-settings.ts",
    ];
    const files = sources.map((file) => readFile(file, "utf8"));
    const config = (await Promise.all(files)).join();
    const names = Object.keys(service.provider.environment);
    for (const name of names.filter((each) => !each.startsWith("AWS_")))
      expect(config).toMatch(new RegExp(`\\b${name}\\b`));
    expect(names.filter((each) => each.startsWith("AWS_"))).toEqual(["AWS_ENDPOINT_URL_SECRETS_MANAGER"]);
  });

  it("sets no key itself", () => {
    const names = Object.keys(service.provider.environment);
    expect(names.filter((name) => /KEY|TOKEN$|SECRETID|SECRET_ID$/.test(name))).toEqual([
      "TENCENTCLOUD_CREDENTIALS_SECRET_ID",
      "NOTIFY_WEBHOOK_SECRET_ID",
    ]);
    expect([text, ...parts].join()).not.toMatch(/AKID|AKIA/);
  });

  it("has no parameter that nothing reads, and reads none that is not there", () => {
    const all = [text, ...parts].join();
    const read = [...all.matchAll(/param(?::|\(")(\w+)/g)].map(([, name]) => name);
    expect([...new Set(read)].sort()).toEqual(Object.keys(service.params.default).sort());
  });

  it("changes for a stage only what there is to change", () => {
    const { default: defaults, ...stages } = service.params;
    expect(Object.keys(stages)).toContain("dev");
    for (const stage of Object.values<object>(stages)) {
      expect(Object.keys(defaults)).toEqual(expect.arrayContaining(Object.keys(stage)));
    }
  });

  it("does not cover the credentials' secret by the prefix of the rotated ones", () => {
    const { secretPrefix, credentialsSecret } = service.params.default;
    expect(credentialsSecret.startsWith(secretPrefix)).toBe(false);
  });
});

describe("osls package with nothing asked for, without an account or a network", () => {
  let directory: string;
  let plain: Package;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "osls-plain-"));
    plain = await packageInto(
      join(directory, "plain"),
      "--param=rotationSecrets=redis/orders,redis/sessions",
    );
  }, 60_000);
  afterAll(() => rm(directory, { recursive: true, force: true }));

  it("puts the bundle into the zip and nothing else", () => {
    expect(plain.files).toEqual(["dist/lambda/index.js", "dist/lambda/package.json"]);
  });

  it("points Lambda at the handler in the bundle", () => {
    const { Handler } = plain.template.Resources.RotateLambdaFunction.Properties;
    const [, file = "", exported = ""] = /^(.+)\.(\w+)$/.exec(Handler) ?? [];
    expect(plain.files).toContain(`${file}.js`);
    const bundle = createRequire(import.meta.url)(join(plain.directory, file));
    expect(bundle[exported]).toBeTypeOf("function");
  });

  it("sets runtime, processor, memory and the longest time-out", () => {
    expect(plain.template.Resources.RotateLambdaFunction.Properties).toMatchObject({
      Runtime: "nodejs22.x",
      Architectures: ["arm64"],
      MemorySize: 512,
      Timeout: 900,
    });
  });

  it("gives the function the fleet and the name of the credentials' secret", () => {
    expect(plain.template.Resources.RotateLambdaFunction.Properties.Environment.Variables).toEqual({
      SECRET_STORE: "aws",
      ROTATION_SECRETS: "redis/orders,redis/sessions",
      ROTATION_INTERVAL_DAYS: "30",
      ROTATION_STAGGER_DAYS: "3",
      VERIFY: "auth",
      TENCENTCLOUD_CREDENTIALS_SECRET_ID: "tencentcloud/redis-rotation",
      LOG_LEVEL: "info",
    });
  });

  it("makes the function, its log, its role and its schedules, and nothing that was not asked for", () => {
    const types = Object.values<Document>(plain.template.Resources).map(({ Type }) => Type);
    expect([...new Set(types)].sort()).toEqual([
      "AWS::Events::Rule",
      "AWS::IAM::Role",
      "AWS::Lambda::EventInvokeConfig",
      "AWS::Lambda::Function",
      "AWS::Lambda::Permission",
      "AWS::Logs::LogGroup",
      "AWS::S3::Bucket",
      "AWS::S3::BucketPolicy",
    ]);
    const { Properties } = plain.template.Resources.RotateLambdaFunction;
    for (const optional of ["VpcConfig", "DeadLetterConfig", "ReservedConcurrentExecutions"]) {
      expect(Properties[optional]).toBeUndefined();
    }
    expect(plain.template.Conditions).toBeUndefined();
  });

  it("keeps the log for a limited time", () => {
    expect(plain.template.Resources.RotateLogGroup.Properties.RetentionInDays).toBe(90);
  });

  it("grants nothing by a star: neither an action, nor every resource", () => {
    const granted = statementsOf(plain.template);
    expect(granted.length).toBeGreaterThan(0);
    for (const each of granted) {
      expect(each.Effect).toBe("Allow");
      expect(actionsOf(each).filter((action) => action.includes("*"))).toEqual([]);
      expect([each.Resource].flat()).not.toContain("*");
    }
    expect(plain.template.Resources.IamRoleLambdaExecution.Properties.ManagedPolicyArns ?? []).toEqual([]);
  });

  it("lets the function write its log and use the secrets, and nothing more", () => {
    const services = statementsOf(plain.template)
      .flatMap(actionsOf)
      .map((action) => action.split(":")[0]);
    expect([...new Set(services)].sort()).toEqual(["logs", "secretsmanager"]);
  });

  it("lets it change the secrets of one prefix in its own account and region", () => {
    const { Resource, Condition } = statement(plain.template, "RotatedSecrets");
    expect(JSON.stringify(Resource)).toMatch(/\$\{AWS::Region\}:\$\{AWS::AccountId\}:secret:redis\/\*"\}$/);
    expect(Condition).toBeUndefined();
  });

  it("lets it only read the credentials' secret", () => {
    const credentials = statement(plain.template, "TencentCredentials");
    expect(actionsOf(credentials)).toEqual([
      "secretsmanager:DescribeSecret",
      "secretsmanager:GetSecretValue",
    ]);
    expect(JSON.stringify(credentials.Resource)).toMatch(/:secret:tencentcloud\/redis-rotation-\?{6}"\}$/);
  });

  it("lets Secrets Manager call the function for this account alone", () => {
    expect(plain.template.Resources.SecretsManagerPermission.Properties).toEqual({
      FunctionName: { "Fn::GetAtt": ["RotateLambdaFunction", "Arn"] },
      Principal: "secretsmanager.amazonaws.com",
      Action: "lambda:InvokeFunction",
      SourceAccount: { Ref: "AWS::AccountId" },
    });
    for (const { Properties } of resourcesOf(plain.template, "AWS::Lambda::Permission")) {
      expect(Properties.SourceAccount ?? Properties.SourceArn).toBeDefined();
    }
  });

  it("looks every hour, so that an interrupted rotation is carried on within the hour", () => {
    const { RotateEventsRuleSchedule1, RotateLambdaEvConf } = plain.template.Resources;
    expect(RotateEventsRuleSchedule1.Properties).toMatchObject({
      ScheduleExpression: "rate(1 hour)",
      State: "ENABLED",
    });
    expect(RotateLambdaEvConf.Properties).toMatchObject({
      MaximumEventAgeInSeconds: 3600,
      MaximumRetryAttempts: 2,
    });
  });

  it("does not verify by itself", () => {
    expect(plain.template.Resources.RotateEventsRuleSchedule2.Properties.State).toBe("DISABLED");
  });
});
