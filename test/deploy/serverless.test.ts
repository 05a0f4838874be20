import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { parse } from "yaml";

interface Statement {
  readonly Sid?: string;
  readonly Effect: string;
  readonly Action: string | readonly string[];
  readonly Resource: unknown;
  readonly Condition?: unknown;
}

// biome-ignore lint/suspicious/noExplicitAny: two documents, of which each test looks at one corner
type Document = any;

interface Package {
  readonly template: Document;
  readonly files: readonly string[];
}

const text = await readFile("serverless.yml", "utf8");
const service: Document = parse(text);
const statements: readonly Statement[] = service.provider.iam.role.statements;

/** Packages the file as it is, with the built bundles and a file beside them that must stay out. */
async function packageInto(directory: string, ...params: readonly string[]): Promise<Package> {
  await cp("serverless.yml", join(directory, "serverless.yml"));
  await cp(inject("bundles"), join(directory, "dist"), { recursive: true });
  await writeFile(join(directory, "package.json"), "{}");
  await promisify(execFile)(
    process.execPath,
    [resolve("node_modules/osls/bin/serverless.js"), "package", ...params.map((param) => `--param=${param}`)],
    {
      cwd: directory,
      // Nobody's account, and no way out: packaging must need neither.
      env: { PATH: process.env.PATH, HOME: directory, HTTPS_PROXY: "http://127.0.0.1:9" },
    },
  );
  const out = join(directory, ".serverless");
  const template = await readFile(join(out, "cloudformation-template-update-stack.json"), "utf8");
  const zip = (await readdir(out)).find((name) => name.endsWith(".zip")) ?? "";
  return { template: JSON.parse(template), files: namesIn(await readFile(join(out, zip))) };
}

/** From the zip's central directory: 46 bytes of header, the name's length at 28. */
function namesIn(zip: Buffer): string[] {
  const names: string[] = [];
  const signature = Buffer.from("PK\u0001\u0002", "latin1");
  for (let at = zip.indexOf(signature); at !== -1; at = zip.indexOf(signature, at + 46)) {
    names.push(zip.toString("utf8", at + 46, at + 46 + zip.readUInt16LE(at + 28)));
  }
  return names.sort();
}

const actionsOf = ({ Action }: Statement): readonly string[] => [Action].flat();

function roleOf(template: Document): { granted: readonly Statement[]; managed: unknown } {
  const { Policies, ManagedPolicyArns } = template.Resources.IamRoleLambdaExecution.Properties;
  return { granted: Policies[0].PolicyDocument.Statement, managed: ManagedPolicyArns };
}

async function actionsSent(): Promise<string[]> {
  const driver = await readFile("lib/drivers/aws-secrets-manager.ts", "utf8");
  const commands = [...driver.matchAll(/^ {2}(\w+)Command,$/gm)].map(([, name]) => name);
  return commands.map((name) => `secretsmanager:${name}`).sort();
}

describe("serverless.yml", () => {
  it("has a name of the product's for each variable that it sets", async () => {
    const config = await readFile("lib/config.ts", "utf8");
    for (const name of Object.keys(service.provider.environment)) expect(config).toContain(`${name}:`);
  });

  it("names the secret with Tencent Cloud's credentials, and sets no key itself", () => {
    const { environment } = service.provider;
    expect(environment.TENCENTCLOUD_CREDENTIALS_SECRET_ID).toBe("$" + "{param:credentialsSecret}");
    expect(Object.keys(environment).filter((name) => /KEY|TOKEN|SECRETID|SECRET_ID$/.test(name))).toEqual([
      "TENCENTCLOUD_CREDENTIALS_SECRET_ID",
    ]);
    expect(text).not.toMatch(/AKID|AKIA/);
  });

  it("has no parameter that nothing reads, and reads none that is not there", () => {
    const read = new Set([...text.matchAll(/\{param:(\w+)\}/g)].map(([, name]) => name));
    expect([...read].sort()).toEqual(Object.keys(service.params.default).sort());
  });

  it("keeps the log for a limited time", () => {
    expect(service.provider.logRetentionInDays).toBeGreaterThanOrEqual(30);
  });
});

describe("the function's role", () => {
  it("may do with a rotated secret exactly what the driver does", async () => {
    const rotated = statements.find(({ Sid }) => Sid === "RotatedSecrets");
    expect([...actionsOf(rotated as Statement)].sort()).toEqual(await actionsSent());
    expect(JSON.stringify(rotated?.Resource)).toMatch(/:secret:\$\{param:secretPrefix\}\*"\}$/);
  });

  it("may only read the credentials' secret", () => {
    const credentials = statements.find(({ Sid }) => Sid === "TencentCredentials");
    expect(actionsOf(credentials as Statement)).toEqual([
      "secretsmanager:DescribeSecret",
      "secretsmanager:GetSecretValue",
    ]);
    expect(JSON.stringify(credentials?.Resource)).toMatch(/:secret:\$\{param:credentialsSecret\}-\?{6}"\}$/);
  });

  it("does not cover the credentials' secret by the prefix of the rotated ones", () => {
    const { secretPrefix, credentialsSecret } = service.params.default;
    expect(credentialsSecret.startsWith(secretPrefix)).toBe(false);
  });

  it("may use a key only through Secrets Manager", () => {
    const { Condition, Properties } = service.resources.Resources.KmsPolicy;
    const [statement] = Properties.PolicyDocument.Statement;
    expect(Condition).toBe("HasKmsKey");
    expect(statement.Action).toEqual(["kms:Decrypt", "kms:GenerateDataKey"]);
    expect(Object.keys(statement.Condition.StringEquals)).toEqual(["kms:ViaService"]);
  });
});

describe("osls package, without an account or a network", () => {
  let directory: string;
  let plain: Package;
  let full: Package;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "osls-package-"));
    const [one, other] = [join(directory, "plain"), join(directory, "full")];
    await Promise.all([mkdir(one), mkdir(other)]);
    [plain, full] = await Promise.all([
      packageInto(one),
      packageInto(
        other,
        "vpc=true",
        "subnetIds=subnet-1,subnet-2",
        "securityGroupIds=sg-1",
        "schedule=false",
        "verify=task",
      ),
    ]);
  }, 120_000);

  afterAll(() => rm(directory, { recursive: true, force: true }));

  it("puts the bundle into the zip and nothing else", () => {
    expect(plain.files).toEqual(["dist/lambda/index.js", "dist/lambda/package.json"]);
  });

  it("points Lambda at the handler in the bundle", () => {
    const { Handler } = plain.template.Resources.RotateLambdaFunction.Properties;
    const [, file = "", exported = ""] = /^(.+)\.(\w+)$/.exec(Handler) ?? [];
    expect(plain.files).toContain(`${file}.js`);
    const bundle = createRequire(import.meta.url)(join(directory, "plain", file));
    expect(bundle[exported]).toBeTypeOf("function");
  });

  it("sets runtime, processor and the longest time-out", () => {
    expect(plain.template.Resources.RotateLambdaFunction.Properties).toMatchObject({
      Runtime: "nodejs22.x",
      Architectures: ["arm64"],
      Timeout: 900,
    });
  });

  it("grants nothing by a star: neither an action, nor every resource", () => {
    const { granted, managed } = roleOf(plain.template);
    expect(granted.length).toBeGreaterThan(0);
    for (const statement of granted) {
      expect(actionsOf(statement).filter((action) => action.includes("*"))).toEqual([]);
      expect([statement.Resource].flat()).not.toContain("*");
    }
    expect(managed ?? []).toEqual([]);
  });

  it("lets the function write its log and use the secrets, and nothing more", () => {
    const services = roleOf(plain.template)
      .granted.flatMap(actionsOf)
      .map((action) => action.split(":")[0]);
    expect([...new Set(services)].sort()).toEqual(["logs", "secretsmanager"]);
  });

  it("lets Secrets Manager call the function for this account alone", () => {
    expect(plain.template.Resources.SecretsManagerPermission.Properties).toMatchObject({
      Principal: "secretsmanager.amazonaws.com",
      Action: "lambda:InvokeFunction",
      SourceAccount: { Ref: "AWS::AccountId" },
    });
  });

  it("looks every hour, so that an interrupted rotation is carried on within the hour", () => {
    expect(plain.template.Resources.RotateEventsRuleSchedule1.Properties).toMatchObject({
      ScheduleExpression: "rate(1 hour)",
      State: "ENABLED",
    });
  });

  it("stays outside a VPC unless it is told to go in", () => {
    const { RotateLambdaFunction, IamRoleLambdaExecution } = full.template.Resources;
    expect(plain.template.Resources.RotateLambdaFunction.Properties.VpcConfig).toBeUndefined();
    expect(RotateLambdaFunction.Properties.VpcConfig).toEqual({
      SubnetIds: { "Fn::Split": [",", "subnet-1,subnet-2"] },
      SecurityGroupIds: { "Fn::Split": [",", "sg-1"] },
    });
    expect(JSON.stringify(IamRoleLambdaExecution.Properties.ManagedPolicyArns)).toContain(
      "AWSLambdaVPCAccessExecutionRole",
    );
  });

  it("takes its parameters from the command line", () => {
    const { RotateEventsRuleSchedule1, RotateLambdaFunction } = full.template.Resources;
    expect(RotateEventsRuleSchedule1.Properties.State).toBe("DISABLED");
    expect(RotateLambdaFunction.Properties.Environment.Variables.VERIFY).toBe("task");
  });
});
