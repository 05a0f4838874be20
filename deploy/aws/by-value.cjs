// What is there only where a parameter has a value, or once for each name in a list: YAML cannot say so.

const { createHash } = require("node:crypto");

const listed = (text) =>
  (text ?? "")
    .split(",")
    .map((name) => name.trim())
    .filter(Boolean);

/** The value of a parameter, or undefined. */
const reader =
  ({ resolveVariable }) =>
  async (name) => {
    const value = await resolveVariable(`param:${name}, null`);
    return value === null ? undefined : String(value);
  };

const SWITCHES = [
  "schedule",
  "onlyManaged",
  "alarms",
  "dailyVerify",
  "deadLetters",
  "vpc",
  "secretsManagerEndpoint",
];

const isDriven = async (param) =>
  (await param("schedule")) === "true" && listed(await param("rotationSecrets")).length > 0;

/** Parameters that do not fit together would be found out at the deployment at best: nothing is packaged. */
exports.checked = async (variables) => {
  const param = reader(variables);
  const managed = listed(await param("managedSecrets"));
  const driven = listed(await param("rotationSecrets"));
  const problems = driven
    .filter((name) => managed.includes(name))
    .map((name) => `${name} is in rotationSecrets and in managedSecrets`);
  for (const name of SWITCHES) {
    if (!["true", "false"].includes(await param(name))) problems.push(`${name} must be true or false`);
  }
  if (!["secret", "webIdentity"].includes(await param("credentials"))) {
    problems.push("credentials must be secret or webIdentity");
  }
  if ((await param("onlyManaged")) === "true" && driven.length > 0) {
    problems.push("onlyManaged takes from the role what rotationSecrets needs");
  }
  const needs = [
    ["credentials", "webIdentity", ["tencentRoleArn", "tencentProviderId"]],
    ["vpc", "true", ["vpcId", "subnetIds"]],
  ];
  for (const [option, value, others] of needs) {
    if ((await param(option)) !== value) continue;
    for (const other of others) {
      if ((await param(other)) === undefined) problems.push(`${option}=${value} needs ${other}`);
    }
  }
  if ((await param("secretsManagerEndpoint")) === "true" && (await param("vpc")) !== "true") {
    problems.push("secretsManagerEndpoint needs vpc=true");
  }
  if (problems.length > 0) throw new Error(`Parameters: ${problems.join("; ")}`);
  return {};
};

/** Whether there is a fleet for the hourly schedule. */
exports.driven = (variables) => isDriven(reader(variables));

const KEY_POLICY = "KeyPolicy";
const viaSecretsManager = {
  "Fn::Join": [".", ["secretsmanager", { Ref: "AWS::Region" }, "amazonaws.com"]],
};

/** The right to use the secrets' own key, for these secrets and through Secrets Manager only. */
exports.key = async (variables) => {
  const param = reader(variables);
  const kmsKeyArn = await param("kmsKeyArn");
  if (kmsKeyArn === undefined) return {};
  const secretArns = await variables.resolveVariable("self:custom.secretArns");
  const names = [`${await param("secretPrefix")}*`];
  if ((await param("credentials")) === "secret") names.push(`${await param("credentialsSecret")}-??????`);
  const Statement = {
    Sid: "KeyOfTheSecrets",
    Effect: "Allow",
    Action: ["kms:Decrypt", "kms:GenerateDataKey"],
    Resource: kmsKeyArn,
    Condition: {
      StringEquals: { "kms:ViaService": viaSecretsManager },
      StringLike: {
        "kms:EncryptionContext:SecretARN": names.map((name) => ({ "Fn::Sub": `${secretArns}:${name}` })),
      },
    },
  };
  return {
    Resources: {
      [KEY_POLICY]: {
        Type: "AWS::IAM::Policy",
        Properties: {
          PolicyName: "secrets-key",
          Roles: [{ Ref: "IamRoleLambdaExecution" }],
          PolicyDocument: { Version: "2012-10-17", Statement: [Statement] },
        },
      },
    },
  };
};

/** Secrets Manager's schedule for each managed secret. */
exports.rotationSchedules = async (variables) => {
  const param = reader(variables);
  const AutomaticallyAfterDays = Number(await param("rotationIntervalDays"));
  // To be told of its schedule, Secrets Manager has the function test the secret, with all its rights.
  const DependsOn = ["SecretsManagerPermission", ...((await param("kmsKeyArn")) ? [KEY_POLICY] : [])];
  const schedules = listed(await param("managedSecrets")).map((SecretId) => [
    `RotationOf${createHash("sha256").update(SecretId).digest("hex").slice(0, 16)}`,
    {
      Type: "AWS::SecretsManager::RotationSchedule",
      DependsOn,
      Properties: {
        SecretId,
        RotationLambdaARN: { "Fn::GetAtt": ["RotateLambdaFunction", "Arn"] },
        RotationRules: { AutomaticallyAfterDays },
        // A deployment changes no password.
        RotateImmediatelyOnUpdate: false,
      },
    },
  ]);
  return { Resources: Object.fromEntries(schedules) };
};

/** The payload that looks at every secret of both lists. */
exports.verification = async (variables) => {
  const param = reader(variables);
  const secrets = [...listed(await param("rotationSecrets")), ...listed(await param("managedSecrets"))];
  return { action: "verify", ...(secrets.length > 0 && { secrets }) };
};

/** Alarms, and somebody who hears them, where what they are about is there. */
exports.moreAlarms = async (variables) => {
  const param = reader(variables);
  if ((await param("alarms")) !== "true") return {};
  const name = `${await variables.resolveVariable("self:service")}-${await variables.resolveVariable("sls:stage")}`;
  const AlarmActions = [{ Ref: "AlarmTopic" }];
  const Resources = {};

  const email = await param("alarmEmail");
  if (email !== undefined) {
    Resources.AlarmEmail = {
      Type: "AWS::SNS::Subscription",
      Properties: { TopicArn: { Ref: "AlarmTopic" }, Protocol: "email", Endpoint: email },
    };
  }
  if (await isDriven(param)) {
    Resources.SilenceAlarm = {
      Type: "AWS::CloudWatch::Alarm",
      Properties: {
        AlarmName: `${name}-silence`,
        AlarmDescription:
          "The schedule has looked at no secret for three hours. See docs/operations.md#silence",
        Namespace: name,
        MetricName: "Results",
        Statistic: "Sum",
        Period: 3600,
        EvaluationPeriods: 3,
        Threshold: 1,
        ComparisonOperator: "LessThanThreshold",
        TreatMissingData: "breaching",
        AlarmActions,
        OKActions: AlarmActions,
      },
    };
  }
  if ((await param("deadLetters")) === "true") {
    Resources.DeadLettersAlarm = {
      Type: "AWS::CloudWatch::Alarm",
      Properties: {
        AlarmName: `${name}-dead-letters`,
        AlarmDescription: "A scheduled run has failed three times. See docs/operations.md#dead-letters",
        Namespace: "AWS/SQS",
        MetricName: "ApproximateNumberOfMessagesVisible",
        Dimensions: [{ Name: "QueueName", Value: { "Fn::GetAtt": ["DeadLetters", "QueueName"] } }],
        Statistic: "Maximum",
        Period: 300,
        EvaluationPeriods: 1,
        Threshold: 1,
        ComparisonOperator: "GreaterThanOrEqualToThreshold",
        TreatMissingData: "notBreaching",
        AlarmActions,
        OKActions: AlarmActions,
      },
    };
  }
  return { Resources };
};
