import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseConfig } from "../../lib/config.ts";
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

const QUEUE = { "Fn::GetAtt": ["RotationQueue", "Arn"] };
const ROLE = { "Fn::GetAtt": ["IamRoleLambdaExecution", "Arn"] };
const PARAMETERS = {
  rotationTag: "rotate=yes",
  rotationWindow: "* 1-4 * * *",
  rotationWindowTimezone: "Asia/Shanghai",
  rotationCanary: "3",
  rotationBreaker: "10",
  rotationConcurrency: "100",
  apiCallsPerSecond: "10",
  queue: "true",
  queueConcurrency: "4",
  alarms: "true",
  vpc: "true",
  vpcId: "vpc-0123456789abcdef0",
  subnetIds: "subnet-0123456789abcdef0",
  secretsManagerEndpoint: "true",
};

let directory: string;
let fleet: Package;
let resources: Document;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "osls-fleet-"));
  const options = Object.entries(PARAMETERS).map(([name, value]) => `--param=${name}=${value}`);
  fleet = await packageInto(join(directory, "fleet"), ...options);
  resources = fleet.template.Resources;
}, 60_000);
afterAll(() => rm(directory, { recursive: true, force: true }));

describe("osls package with a fleet that is found and handed over", () => {
  it("gives the function what it reads of a fleet, in words that it understands", () => {
    const { Variables } = resources.RotateLambdaFunction.Properties.Environment;
    expect(Variables.ROTATION_QUEUE_URL).toEqual({ Ref: "RotationQueue" });
    const ROTATION_QUEUE_URL = "https://sqs.eu-west-1.amazonaws.com/123456789012/fleet";
    const AWS_ENDPOINT_URL_SECRETS_MANAGER = undefined;
    const read = parseConfig({ ...Variables, ROTATION_QUEUE_URL, AWS_ENDPOINT_URL_SECRETS_MANAGER }, "aws");
    expect(read).toMatchObject({
      secretIds: [],
      selection: { tag: { key: "rotate", value: "yes" } },
      staggerDays: 3,
      canary: 3,
      breaker: 10,
      concurrency: 100,
      callsPerSecond: 10,
    });
    expect([read.window?.(Date.UTC(2026, 0, 1, 17)), read.window?.(Date.UTC(2026, 0, 1, 1))]).toEqual([
      true,
      false,
    ]);
  });

  it("looks every hour, and rings where it does not", () => {
    expect(resources.RotateEventsRuleSchedule1.Properties.State).toBe("ENABLED");
    expect(resources.SilenceAlarm).toBeDefined();
  });

  it("grants every resource only to the action that knows none", () => {
    const wide = statementsOf(fleet.template).filter(
      ({ Effect, Resource }) => Effect === "Allow" && [Resource].flat().includes("*"),
    );
    expect(wide.map(actionsOf)).toEqual([["secretsmanager:ListSecrets"]]);
    expect(statementsOf(fleet.template).flatMap(actionsOf).join()).not.toContain("*");
  });

  it("lets the list of secrets through the endpoint, for this function alone", () => {
    const { Statement } = resources.SecretsManagerEndpoint.Properties.PolicyDocument;
    const lists = Statement.filter(({ Action }: Document) => Action.includes("secretsmanager:ListSecrets"));
    expect(lists).toMatchObject([{ Resource: "*", Condition: { ArnEquals: { "aws:PrincipalArn": ROLE } } }]);
  });
});

describe("the queue", () => {
  const queues = () => [resources.RotationQueue, resources.RotationDeadLetters];

  it("hides a message for six times as long as the function may run, and gives it up after five tries", () => {
    const { VisibilityTimeout, RedrivePolicy } = resources.RotationQueue.Properties;
    expect(VisibilityTimeout).toBe(6 * resources.RotateLambdaFunction.Properties.Timeout);
    expect(RedrivePolicy).toEqual({
      deadLetterTargetArn: { "Fn::GetAtt": ["RotationDeadLetters", "Arn"] },
      maxReceiveCount: 5,
    });
  });

  it("keeps what is given up for longer than what is waiting, and waits longer than all tries take", () => {
    const [waiting, given] = queues().map(({ Properties }) => Properties.MessageRetentionPeriod);
    expect(given).toBeGreaterThan(waiting);
    const { VisibilityTimeout, RedrivePolicy } = resources.RotationQueue.Properties;
    expect(waiting).toBeGreaterThan(VisibilityTimeout * RedrivePolicy.maxReceiveCount);
  });

  it("is encrypted, and spoken to over TLS only", () => {
    for (const { Properties } of queues()) expect(Properties.SqsManagedSseEnabled).toBe(true);
    const policies = resourcesOf(fleet.template, "AWS::SQS::QueuePolicy").map(({ Properties }) => Properties);
    expect(policies.flatMap(({ Queues }) => Queues)).toEqual([
      { Ref: "RotationQueue" },
      { Ref: "RotationDeadLetters" },
    ]);
    for (const { PolicyDocument } of policies) {
      expect(PolicyDocument.Statement).toContainEqual(
        expect.objectContaining({
          Effect: "Deny",
          Action: "sqs:*",
          Condition: { Bool: { "aws:SecureTransport": "false" } },
        }),
      );
    }
  });

  it("takes messages from the function alone, whatever others have been granted", () => {
    const { Statement } = resources.RotationQueuePolicy.Properties.PolicyDocument;
    expect(Statement).toContainEqual({
      Sid: "FromTheFunctionOnly",
      Effect: "Deny",
      Principal: "*",
      Action: "sqs:SendMessage",
      Resource: QUEUE,
      Condition: { ArnNotEquals: { "aws:PrincipalArn": ROLE } },
    });
  });

  it("lets the function send to it and Lambda read it, and nothing else of SQS", () => {
    const granted = statementsOf(fleet.template).filter((each) => actionsOf(each).join().includes("sqs:"));
    expect(granted).toMatchObject([
      { Effect: "Allow", Action: ["sqs:SendMessage"], Resource: QUEUE },
      {
        Effect: "Allow",
        Action: ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"],
        Resource: QUEUE,
      },
    ]);
    expect(statement(fleet.template, "HandOver")).toBe(granted[0]);
  });

  it("has the function work on ten messages at a time, in so many invocations, and get back what was not done", () => {
    const { Properties, DependsOn } = resources.FleetQueueSource;
    expect(Properties).toEqual({
      EventSourceArn: QUEUE,
      FunctionName: { "Fn::GetAtt": ["RotateLambdaFunction", "Arn"] },
      BatchSize: 10,
      FunctionResponseTypes: ["ReportBatchItemFailures"],
      ScalingConfig: { MaximumConcurrency: 4 },
    });
    expect(DependsOn).toEqual(["FleetQueuePolicy"]);
  });

  it("has an alarm on what it has given up, and on what nobody takes", () => {
    expect(resources.RotationDeadLettersAlarm.Properties).toMatchObject({
      AlarmName: "redis-rotation-prod-rotation-dead-letters",
      Dimensions: [{ Name: "QueueName", Value: { "Fn::GetAtt": ["RotationDeadLetters", "QueueName"] } }],
      Threshold: 1,
      AlarmActions: [{ Ref: "AlarmTopic" }],
    });
    expect(resources.DeadLettersAlarm).toBeUndefined();
    expect(resources.RotationBacklogAlarm.Properties).toMatchObject({
      MetricName: "ApproximateAgeOfOldestMessage",
      Dimensions: [{ Name: "QueueName", Value: { "Fn::GetAtt": ["RotationQueue", "QueueName"] } }],
      Threshold: 10_800,
    });
  });
});

it.runIf(hasCfnLint)(
  "passes cfn-lint",
  async () => {
    expect(await cfnLint(fleet)).toBe("");
  },
  60_000,
);
