import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseLambdaEvent } from "../../handler/events.ts";
import { parseNotifyConfig } from "../../lib/notify-config.ts";
import {
  actionsOf,
  cfnLint,
  type Document,
  hasCfnLint,
  type Package,
  packageInto,
  resourcesOf,
  statement,
  statementsOf,
} from "./osls.ts";

const FUNCTION = { "Fn::GetAtt": ["RotateLambdaFunction", "Arn"] };
const KEY = "arn:aws:kms:eu-west-1:123456789012:key/0f0f0f0f-0000-4000-8000-0f0f0f0f0f0f";
const SUBNETS = "subnet-0123456789abcdef0,subnet-0123456789abcdef1";

let directory: string;
let full: Package;
let resources: Document;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "osls-full-"));
  const parameters = {
    managedSecrets: "redis/orders,redis/sessions",
    onlyManaged: "true",
    credentials: "webIdentity",
    tencentRoleArn: "qcs::cam::uin/100000000001:roleName/redis-rotation",
    tencentProviderId: "aws",
    verify: "task",
    httpsProxy: "http://proxy.example:3128",
    noProxy: ".amazonaws.com",
    reservedConcurrency: "5",
    kmsKeyArn: KEY,
    alarms: "true",
    alarmEmail: "sre@example.com",
    dailyVerify: "true",
    deadLetters: "true",
    vpc: "true",
    vpcId: "vpc-0123456789abcdef0",
    subnetIds: SUBNETS,
    redisCidr: "10.20.0.0/16",
    secretsManagerEndpoint: "true",
    notifyTopic: "alarms",
    notifyEventBus: "ops",
    notifyWebhookSecret: "ops/webhook",
    notifyWebhookFormat: "dingtalk",
    notifyStuckHours: "6",
  };
  const options = Object.entries(parameters).map(([name, value]) => `--param=${name}=${value}`);
  full = await packageInto(join(directory, "full"), "--stage", "dev", ...options);
  resources = full.template.Resources;
}, 60_000);
afterAll(() => rm(directory, { recursive: true, force: true }));

describe("osls package with everything asked for", () => {
  it("takes parameters from the command line before the stage's, and the stage's before the defaults", () => {
    const { Environment, FunctionName } = resources.RotateLambdaFunction.Properties;
    expect(FunctionName).toBe("redis-rotation-dev");
    expect(Environment.Variables).toMatchObject({ VERIFY: "task", LOG_LEVEL: "debug", SECRET_STORE: "aws" });
    expect(resources.RotateLogGroup.Properties.RetentionInDays).toBe(14);
  });

  it("reaches the clouds through a proxy", () => {
    expect(resources.RotateLambdaFunction.Properties.Environment.Variables).toMatchObject({
      HTTPS_PROXY: "http://proxy.example:3128",
      NO_PROXY: ".amazonaws.com",
    });
  });

  it("reserves concurrency", () => {
    expect(resources.RotateLambdaFunction.Properties.ReservedConcurrentExecutions).toBe(5);
  });

  it("has each managed secret rotated by Secrets Manager, and none of them by the deployment", () => {
    const schedules = resourcesOf(full.template, "AWS::SecretsManager::RotationSchedule");
    expect(schedules.map(({ Properties }) => Properties)).toEqual(
      ["redis/orders", "redis/sessions"].map((SecretId) => ({
        SecretId,
        RotationLambdaARN: FUNCTION,
        RotationRules: { AutomaticallyAfterDays: 30 },
        RotateImmediatelyOnUpdate: false,
      })),
    );
    // It tests the secret at once.
    for (const { DependsOn } of schedules)
      expect(DependsOn).toEqual(["SecretsManagerPermission", "KeyPolicy"]);
  });

  it("does not look every hour where there is no fleet", () => {
    expect(resources.RotateEventsRuleSchedule1.Properties.State).toBe("DISABLED");
    expect(resources.SilenceAlarm).toBeUndefined();
  });

  it("verifies every secret once a day, by a payload that the function knows", () => {
    const { ScheduleExpression, State, Targets } = resources.RotateEventsRuleSchedule2.Properties;
    expect([ScheduleExpression, State]).toEqual(["rate(1 day)", "ENABLED"]);
    expect(parseLambdaEvent(JSON.parse(Targets[0].Input))).toMatchObject({
      action: "verify",
      secretIds: ["redis/orders", "redis/sessions"],
    });
  });

  it("gives the role a secret only while this function rotates it", () => {
    expect(statement(full.template, "RotatedSecrets").Condition).toEqual({
      ArnEquals: {
        "secretsmanager:resource/AllowRotationLambdaArn": {
          "Fn::Sub":
            // biome-ignore lint/suspicious/noTemplateCurlyInString: CloudFormation's
            "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:redis-rotation-dev",
        },
      },
    });
  });

  it("takes a web identity instead of the credentials' secret, for Tencent Cloud's ears alone", () => {
    const { Variables } = resources.RotateLambdaFunction.Properties.Environment;
    expect(Variables).toMatchObject({
      TENCENTCLOUD_ROLE_ARN: "qcs::cam::uin/100000000001:roleName/redis-rotation",
      TENCENTCLOUD_PROVIDER_ID: "aws",
      TENCENTCLOUD_TOKEN_AUDIENCE: "sts.tencentcloudapi.com",
    });
    expect(Variables.TENCENTCLOUD_CREDENTIALS_SECRET_ID).toBeUndefined();
    expect(JSON.stringify(full.template)).not.toContain("tencentcloud/redis-rotation");
    const identity = statement(full.template, "TencentWebIdentity");
    expect(actionsOf(identity)).toEqual(["sts:GetWebIdentityToken"]);
    expect(identity.Condition).toEqual({
      "ForAllValues:StringEquals": { "sts:IdentityTokenAudience": "sts.tencentcloudapi.com" },
      Null: { "sts:IdentityTokenAudience": "false" },
      StringEquals: { "sts:SigningAlgorithm": "RS256" },
      NumericLessThanEquals: { "sts:DurationSeconds": "300" },
    });
  });

  it("lets the role use the key for the rotated secrets only, and only through Secrets Manager", () => {
    const key = statement(full.template, "KeyOfTheSecrets");
    expect(actionsOf(key)).toEqual(["kms:Decrypt", "kms:GenerateDataKey"]);
    expect(key.Resource).toBe(KEY);
    expect(Object.keys(key.Condition?.StringEquals ?? {})).toEqual(["kms:ViaService"]);
    expect(JSON.stringify(key.Condition?.StringLike)).toMatch(
      /SecretARN":\[\{"Fn::Sub":"[^"]+:secret:redis\/\*"\},\{"Fn::Sub":"[^"]+:secret:ops\/webhook-\?{6}"\}\]/,
    );
  });

  it("grants no action by a star, and every resource only to an action that knows none", () => {
    for (const each of statementsOf(full.template)) {
      expect(actionsOf(each).filter((action) => action.includes("*"))).toEqual([]);
      const isWide = [each.Resource].flat().includes("*");
      expect(isWide && each.Effect === "Allow").toBe(each.Sid === "TencentWebIdentity");
    }
  });
});

describe("the VPC", () => {
  it("has the function in the subnets, in a security group of its own", () => {
    expect(resources.RotateLambdaFunction.Properties.VpcConfig).toEqual({
      SubnetIds: { "Fn::Split": [",", SUBNETS] },
      SecurityGroupIds: [{ "Fn::GetAtt": ["FunctionSecurityGroup", "GroupId"] }],
    });
  });

  it("lets TLS and Redis out, and nothing in", () => {
    const { SecurityGroupEgress, SecurityGroupIngress } = resources.FunctionSecurityGroup.Properties;
    expect(SecurityGroupIngress).toBeUndefined();
    expect(SecurityGroupEgress).toMatchObject([
      { IpProtocol: "tcp", FromPort: 443, ToPort: 443 },
      { IpProtocol: "tcp", FromPort: "6379", ToPort: "6379", CidrIp: "10.20.0.0/16" },
    ]);
  });

  it("denies the function's own code what Lambda needs to put it there", () => {
    const { ManagedPolicyArns } = resources.IamRoleLambdaExecution.Properties;
    expect(JSON.stringify(ManagedPolicyArns)).toContain("AWSLambdaVPCAccessExecutionRole");
    const denied = statement(full.template, "NotByTheFunctionItself");
    expect(denied.Effect).toBe("Deny");
    expect(actionsOf(denied)).toContain("ec2:CreateNetworkInterface");
    expect(Object.keys(denied.Condition?.ArnEquals ?? {})).toEqual(["lambda:SourceFunctionArn"]);
  });

  it("has an endpoint of Secrets Manager that only this function reaches and uses", () => {
    const { Properties } = resources.SecretsManagerEndpoint;
    expect(Properties).toMatchObject({
      VpcEndpointType: "Interface",
      VpcId: "vpc-0123456789abcdef0",
      // With it, all of the VPC would have to use this one.
      PrivateDnsEnabled: false,
      SecurityGroupIds: [{ "Fn::GetAtt": ["EndpointSecurityGroup", "GroupId"] }],
    });
    expect(resources.EndpointSecurityGroup.Properties.SecurityGroupIngress).toMatchObject([
      {
        FromPort: 443,
        ToPort: 443,
        SourceSecurityGroupId: { "Fn::GetAtt": ["FunctionSecurityGroup", "GroupId"] },
      },
    ]);
    const [allowed] = Properties.PolicyDocument.Statement;
    expect(allowed.Action).toEqual(actionsOf(statement(full.template, "RotatedSecrets")));
    expect(allowed.Condition.ArnEquals["aws:PrincipalArn"]).toEqual({
      "Fn::GetAtt": ["IamRoleLambdaExecution", "Arn"],
    });
    const { Variables } = resources.RotateLambdaFunction.Properties.Environment;
    expect(JSON.stringify(Variables.AWS_ENDPOINT_URL_SECRETS_MANAGER)).toMatch(/"https:\/\/".*DnsEntries/);
  });
});

describe("what tells of trouble", () => {
  it("leaves the event of a run that fails for good in an encrypted queue", () => {
    const { DeadLetterConfig } = resources.RotateLambdaFunction.Properties;
    expect(DeadLetterConfig.TargetArn).toEqual({ "Fn::GetAtt": ["DeadLetters", "Arn"] });
    expect(resources.DeadLetters.Properties.SqsManagedSseEnabled).toBe(true);
    expect(statement(full.template, "DeadLetters")).toMatchObject({
      Action: ["sqs:SendMessage"],
      Resource: { "Fn::GetAtt": ["DeadLetters", "Arn"] },
    });
    expect(resources.RotateLambdaFunction.DependsOn).toContain("DeadLetterPolicy");
  });

  it("has alarms that tell the topic of their beginning and their end", () => {
    const alarms = resourcesOf(full.template, "AWS::CloudWatch::Alarm").map(({ Properties }) => Properties);
    expect(alarms.map(({ AlarmName }) => AlarmName).sort()).toEqual(
      ["dead-letters", "drift", "failures", "in-progress"].map((name) => `redis-rotation-dev-${name}`),
    );
    for (const { AlarmActions, OKActions, AlarmDescription, AlarmName } of alarms) {
      expect([AlarmActions, OKActions]).toEqual([[{ Ref: "AlarmTopic" }], [{ Ref: "AlarmTopic" }]]);
      const row = AlarmName.replace("redis-rotation-dev-", "");
      expect(AlarmDescription).toContain(`docs/operations.md#${row}`);
    }
  });

  it("lets CloudWatch write to the topic for this account alone, and one address read it", () => {
    const [allowed, ...others] = resources.AlarmTopicPolicy.Properties.PolicyDocument.Statement;
    expect(others).toEqual([]);
    expect(allowed).toMatchObject({
      Principal: { Service: "cloudwatch.amazonaws.com" },
      Action: "sns:Publish",
      Condition: { StringEquals: { "aws:SourceAccount": { Ref: "AWS::AccountId" } } },
    });
    expect(resources.AlarmEmail.Properties).toMatchObject({ Protocol: "email", Endpoint: "sre@example.com" });
  });

  it("tells of failures through the alarms' topic, a bus and a webhook, in words that the function understands", () => {
    const { Variables } = resources.RotateLambdaFunction.Properties.Environment;
    const told = Object.entries(Variables).filter(([name]) => name.startsWith("NOTIFY_"));
    expect(Object.fromEntries(told)).toEqual({
      NOTIFY_SNS_TOPIC_ARN: { Ref: "AlarmTopic" },
      NOTIFY_EVENT_BUS: "ops",
      NOTIFY_WEBHOOK_SECRET_ID: "ops/webhook",
      NOTIFY_WEBHOOK_FORMAT: "dingtalk",
      NOTIFY_STUCK_HOURS: "6",
    });
    const NOTIFY_SNS_TOPIC_ARN = "arn:aws:sns:eu-west-1:123456789012:redis-rotation-dev";
    expect(parseNotifyConfig({ ...Variables, NOTIFY_SNS_TOPIC_ARN }, "aws")).toMatchObject({
      webhook: { format: "dingtalk", secretId: "ops/webhook" },
      stuckMs: 21_600_000,
    });
    const rights = ["NotifyTopic", "NotifyEventBus", "NotifyWebhook"].map((sid) =>
      statement(full.template, sid),
    );
    expect(rights.flatMap(actionsOf)).toEqual([
      "sns:Publish",
      "events:PutEvents",
      "secretsmanager:DescribeSecret",
      "secretsmanager:GetSecretValue",
    ]);
    expect(rights[0]?.Resource).toEqual({ Ref: "AlarmTopic" });
    expect(JSON.stringify(rights[2]?.Resource)).toMatch(/:secret:ops\/webhook-\?{6}"\}$/);
  });

  it("counts in the function's own log, in a namespace of the stage", () => {
    const filters = resourcesOf(full.template, "AWS::Logs::MetricFilter");
    const { LogGroupName } = resources.RotateLogGroup.Properties;
    expect(filters).toHaveLength(7);
    for (const { Properties, DependsOn } of filters) {
      expect([DependsOn].flat()).toEqual(["RotateLogGroup"]);
      expect(Properties.LogGroupName).toBe(LogGroupName);
      expect(Properties.MetricTransformations).toMatchObject([{ MetricNamespace: "redis-rotation-dev" }]);
    }
  });

  it("has no alarm on a metric that nothing fills", () => {
    const filled = resourcesOf(full.template, "AWS::Logs::MetricFilter").map(
      ({ Properties }) => Properties.MetricTransformations[0].MetricName,
    );
    const watched = resourcesOf(full.template, "AWS::CloudWatch::Alarm").flatMap(({ Properties }) =>
      [Properties, ...(Properties.Metrics ?? []).map(({ MetricStat }: Document) => MetricStat?.Metric ?? {})]
        .filter(({ Namespace }) => Namespace === "redis-rotation-dev")
        .map(({ MetricName }) => MetricName),
    );
    expect(watched.sort()).toEqual(["Drift", "Failures", "InProgress"]);
    expect(filled).toEqual(expect.arrayContaining(watched));
  });
});

it.runIf(hasCfnLint)(
  "passes cfn-lint",
  async () => {
    expect(await cfnLint(full)).toBe("");
  },
  60_000,
);
