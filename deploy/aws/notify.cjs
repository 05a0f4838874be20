// What the parameters say of who is told of failures, drift and stuck rotations.

const { reader } = require("./fleet.cjs");

/** Must be the one that the function gives its events. */
const SOURCE = "redis-rotation";

/** What does not fit together. */
const notifyProblems = async (param) => {
  const problems = [];
  const topic = await param("notifyTopic");
  if (topic === "alarms" && (await param("alarms")) !== "true")
    problems.push("notifyTopic=alarms needs alarms=true");
  if (topic !== undefined && topic !== "alarms" && !topic.startsWith("arn:")) {
    problems.push("notifyTopic must be alarms or the ARN of a topic");
  }
  const secret = await param("notifyWebhookSecret");
  const secretPrefix = await param("secretPrefix");
  if (secret?.startsWith(secretPrefix)) {
    problems.push(
      `notifyWebhookSecret must not begin with secretPrefix, which is ${secretPrefix}: the function may write there`,
    );
  }
  if (secret === undefined && (await param("notifyWebhookFormat")) !== undefined) {
    problems.push("notifyWebhookFormat needs notifyWebhookSecret");
  }
  return problems;
};

/** The alarms' own topic, or the one that is named. */
const topicArn = async (variables) => {
  const topic = await reader(variables)("notifyTopic");
  return topic === "alarms" ? { Ref: "AlarmTopic" } : (topic ?? null);
};

/** The rights that it takes, as statements of the function's role. */
const notifyStatements = async (variables) => {
  const param = reader(variables);
  const statements = [];
  const topic = await topicArn(variables);
  if (topic !== null) {
    statements.push({ Sid: "NotifyTopic", Effect: "Allow", Action: ["sns:Publish"], Resource: topic });
  }
  const bus = await param("notifyEventBus");
  if (bus !== undefined) {
    const arn = `arn:\${AWS::Partition}:events:\${AWS::Region}:\${AWS::AccountId}:event-bus/${bus}`;
    statements.push({
      Sid: "NotifyEventBus",
      Effect: "Allow",
      Action: ["events:PutEvents"],
      Resource: bus.startsWith("arn:") ? bus : { "Fn::Sub": arn },
      Condition: { StringEquals: { "events:source": SOURCE } },
    });
  }
  const secret = await param("notifyWebhookSecret");
  if (secret !== undefined) {
    const secretArns = await variables.resolveVariable("self:custom.secretArns");
    statements.push({
      Sid: "NotifyWebhook",
      Effect: "Allow",
      Action: ["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"],
      // Secrets Manager adds a hyphen and six characters to a secret's name.
      Resource: { "Fn::Sub": `${secretArns}:${secret}-??????` },
    });
  }
  return statements;
};

module.exports = { notifyProblems, notifyStatements, topicArn };
