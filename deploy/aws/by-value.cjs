// What is there only where a parameter has a value, or once for each name in a list: YAML cannot say so.

const { createHash } = require("node:crypto");

const { fleetProblems, fleetWays, isDriven, listed, queueProblems, reader } = require("./fleet.cjs");
const { notifyProblems, notifyStatements, topicArn } = require("./notify.cjs");

const SWITCHES = [
  "schedule",
  "onlyManaged",
  "alarms",
  "dailyVerify",
  "deadLetters",
  "queue",
  "vpc",
  "secretsManagerEndpoint",
];

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
  problems.push(
    ...(await fleetProblems(param)),
    ...(await queueProblems(param)),
    ...(await notifyProblems(param)),
  );
  if (problems.length > 0) throw new Error(`Parameters: ${problems.join("; ")}`);
  return {};
};

/** Whether there is a fleet for the hourly schedule. */
exports.driven = (variables) => isDriven(reader(variables));

/** As a number, which is what the template wants. */
exports.queueConcurrency = async (variables) => Number(await reader(variables)("queueConcurrency"));

/** The right to list secrets, where the fleet has to be found. */
exports.listing = async (variables) => {
  const ways = await fleetWays(reader(variables));
  if (!ways.includes("rotationTag") && !ways.includes("rotationPrefix")) return {};
  // The action knows no resources. It shows names and tags of all secrets of the account and region, and no values.
  const Statement = {
    Sid: "ListOfSecrets",
    Effect: "Allow",
    Action: ["secretsmanager:ListSecrets"],
    Resource: "*",
  };
  return { Resources: { ListPolicy: policyOf("secrets-list", Statement) } };
};

/** The topic of notifications, and the rights that all of them take. */
exports.notifyTopic = topicArn;
exports.notifications = async (variables) => {
  const statements = await notifyStatements(variables);
  if (statements.length === 0) return {};
  return { Resources: { NotifyPolicy: policyOf("notifications", ...statements) } };
};

/** More statements of the function's role. */
const policyOf = (PolicyName, ...Statement) => ({
  Type: "AWS::IAM::Policy",
  Properties: {
    PolicyName,
    Roles: [{ Ref: "IamRoleLambdaExecution" }],
    PolicyDocument: { Version: "2012-10-17", Statement },
  },
});

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
  const others = [(await param("credentials")) === "secret" ? await param("credentialsSecret") : undefined];
  others.push(await param("notifyWebhookSecret"));
  for (const name of others) if (name !== undefined) names.push(`${name}-??????`);
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
  return { Resources: { [KEY_POLICY]: policyOf("secrets-key", Statement) } };
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
  const letters = (row, queue, AlarmDescription) => ({
    Type: "AWS::CloudWatch::Alarm",
    Properties: {
      AlarmName: `${name}-${row}`,
      AlarmDescription: `${AlarmDescription}. See docs/operations.md#${row}`,
      Namespace: "AWS/SQS",
      MetricName: "ApproximateNumberOfMessagesVisible",
      Dimensions: [{ Name: "QueueName", Value: { "Fn::GetAtt": [queue, "QueueName"] } }],
      Statistic: "Maximum",
      Period: 300,
      EvaluationPeriods: 1,
      Threshold: 1,
      ComparisonOperator: "GreaterThanOrEqualToThreshold",
      TreatMissingData: "notBreaching",
      AlarmActions,
      OKActions: AlarmActions,
    },
  });
  if ((await param("deadLetters")) === "true") {
    Resources.DeadLettersAlarm = letters(
      "dead-letters",
      "DeadLetters",
      "A scheduled run has failed three times",
    );
  }
  if ((await param("queue")) === "true") {
    Resources.RotationDeadLettersAlarm = letters(
      "rotation-dead-letters",
      "RotationDeadLetters",
      "A secret of the queue was not rotated in five tries",
    );
    const waiting = letters(
      "rotation-backlog",
      "RotationQueue",
      "A secret has waited in the queue for three hours: nothing may be taking its messages",
    );
    Object.assign(waiting.Properties, { MetricName: "ApproximateAgeOfOldestMessage", Threshold: 10800 });
    Resources.RotationBacklogAlarm = waiting;
  }
  return { Resources };
};
