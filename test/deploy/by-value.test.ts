import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import {
  checked,
  driven,
  key,
  listing,
  moreAlarms,
  notifications,
  notifyTopic,
  queueConcurrency,
  rotationSchedules,
  type Variables,
  verification,
} from "../../deploy/aws/by-value.cjs";

const { params } = parse(await readFile("serverless.yml", "utf8"));

/** These parameters, over the file's own. */
function having(given: Readonly<Record<string, unknown>> = {}): Variables {
  const known: Record<string, unknown> = { ...params.default, ...given };
  const others: Record<string, string> = {
    "self:custom.secretArns": "arn",
    "self:service": "redis-rotation",
    "sls:stage": "prod",
  };
  return {
    async resolveVariable(address) {
      const [, param] = /^param:(\w+), null$/.exec(address) ?? [];
      return param === undefined ? others[address] : (known[param] ?? null);
    },
  };
}

const FLEET = { rotationSecrets: "redis/orders, redis/sessions" };

describe("parameters", () => {
  it("fit together as the file has them", async () => {
    expect(await checked(having())).toEqual({});
    expect(await checked(having({ ...FLEET, alarms: true, schedule: false }))).toEqual({});
    expect(await checked(having({ rotationTag: "team=pay=ments", managedSecrets: "redis/a" }))).toEqual({});
    const window = { rotationWindow: "* 1-4 * * *", rotationWindowTimezone: "Asia/Shanghai" };
    expect(await checked(having({ rotationPrefix: "redis/prod/", ...window, queue: true }))).toEqual({});
    expect(await checked(having({ ...FLEET, queue: "true", reservedConcurrency: "3" }))).toEqual({});
  });

  it.each([
    [
      { rotationSecrets: "redis/a,redis/b", managedSecrets: "redis/b" },
      "redis/b is in rotationSecrets and in",
    ],
    [{ rotationSecrets: "redis/a", onlyManaged: "true" }, "onlyManaged takes from the role what"],
    [
      { credentials: "webIdentity", tencentRoleArn: "arn" },
      "credentials=webIdentity needs tencentProviderId",
    ],
    [{ credentials: "key" }, "credentials must be secret or webIdentity"],
    [{ alarms: "yes" }, "alarms must be true or false"],
    [{ vpc: "true", subnetIds: "subnet-1" }, "vpc=true needs vpcId"],
    [{ secretsManagerEndpoint: "true" }, "secretsManagerEndpoint needs vpc=true"],
    [
      { ...FLEET, rotationTag: "a=b", rotationPrefix: "redis/" },
      "rotationSecrets and rotationTag and rotationPrefix are two ways",
    ],
    [{ rotationTag: "rotate" }, "rotationTag must be key=value"],
    [{ rotationTag: "a=b", onlyManaged: "true" }, "onlyManaged takes from the role what rotationTag needs"],
    [{ rotationPrefix: "orders/" }, "rotationPrefix must begin with secretPrefix, which is redis/"],
    [
      { rotationPrefix: "redis/", managedSecrets: "redis/a" },
      "redis/a is in managedSecrets and begins with rotationPrefix",
    ],
    [
      { rotationTag: "a=b", managedSecrets: "redis/a", dailyVerify: "true" },
      "dailyVerify cannot name managedSecrets beside a fleet",
    ],
    [{ ...FLEET, rotationWindowTimezone: "Asia/Shanghai" }, "rotationWindowTimezone needs rotationWindow"],
    [{ queue: "true" }, "queue=true needs schedule=true and rotationSecrets, rotationTag or rotationPrefix"],
    [{ ...FLEET, queue: "true", schedule: "false" }, "queue=true needs schedule=true"],
    [{ ...FLEET, queue: "true", queueConcurrency: "1" }, "queueConcurrency must be 2 to 1000"],
    [{ ...FLEET, queue: "true", queueConcurrency: "2.5" }, "queueConcurrency must be 2 to 1000"],
    [{ ...FLEET, queue: "true", reservedConcurrency: "2" }, "reservedConcurrency must be more than queue"],
    [{ notifyTopic: "alarms" }, "notifyTopic=alarms needs alarms=true"],
    [{ notifyTopic: "ops" }, "notifyTopic must be alarms or the ARN of a topic"],
    [
      { notifyWebhookSecret: "redis/hook" },
      "notifyWebhookSecret must not begin with secretPrefix, which is redis/",
    ],
    [{ notifyWebhookFormat: "slack" }, "notifyWebhookFormat needs notifyWebhookSecret"],
  ])("%j do not: %s", async (given, message) => {
    await expect(checked(having(given))).rejects.toThrow(message);
  });

  it("are all named that do not fit", async () => {
    await expect(checked(having({ alarms: "on", vpc: "true" }))).rejects.toThrow(
      "alarms must be true or false; vpc=true needs vpcId; vpc=true needs subnetIds",
    );
  });
});

describe("the hourly schedule", () => {
  it.each([
    [true, FLEET],
    [true, { rotationTag: "rotate=yes" }],
    [true, { rotationPrefix: "redis/" }],
    [false, { ...FLEET, schedule: "false" }],
    [false, { rotationSecrets: " , " }],
    [false, {}],
  ])("is %s for %j", async (is, given) => {
    expect(await driven(having(given))).toBe(is);
  });
});

it.each([
  [true, { rotationTag: "rotate=yes" }],
  [true, { rotationPrefix: "redis/" }],
  [false, FLEET],
  [false, {}],
])("the right to list secrets is granted: %s for %j", async (is, given) => {
  const { Resources } = await listing(having(given));
  const actions = JSON.stringify(Resources ?? {}).match(/"Action":\[[^\]]+\]/g) ?? [];
  expect(actions).toEqual(is ? ['"Action":["secretsmanager:ListSecrets"]'] : []);
});

it("the queue's concurrency is a number, which the command line does not give", async () => {
  expect(await queueConcurrency(having({ queueConcurrency: "7" }))).toBe(7);
});

describe("the alarm on silence", () => {
  it("rings where a schedule that should look at secrets has not, also where nothing at all is told", async () => {
    expect(await moreAlarms(having({ ...FLEET, alarms: "true" }))).toMatchObject({
      Resources: {
        SilenceAlarm: {
          Properties: {
            AlarmName: "redis-rotation-prod-silence",
            Namespace: "redis-rotation-prod",
            MetricName: "Results",
            TreatMissingData: "breaching",
          },
        },
      },
    });
  });

  it("is not there without a fleet, nor without alarms", async () => {
    expect(await moreAlarms(having({ alarms: "true" }))).toEqual({ Resources: {} });
    expect(await moreAlarms(having(FLEET))).toEqual({});
  });
});

it("one payload verifies the secrets of both lists, or the function's own fleet", async () => {
  expect(await verification(having({ ...FLEET, managedSecrets: "redis/cache" }))).toEqual({
    action: "verify",
    secrets: ["redis/orders", "redis/sessions", "redis/cache"],
  });
  expect(await verification(having())).toEqual({ action: "verify" });
});

describe("notifications", () => {
  const statementsFor = async (given: Readonly<Record<string, unknown>>) => {
    const { Resources } = await notifications(having(given));
    // biome-ignore lint/suspicious/noExplicitAny: a part of the template
    return (Resources?.NotifyPolicy as any)?.Properties.PolicyDocument.Statement;
  };

  it("take no right where nobody is to be told", async () => {
    expect(await notifications(having({ alarms: "true" }))).toEqual({});
    expect(await notifyTopic(having())).toBeNull();
  });

  it("go to the alarms' own topic, or to another", async () => {
    expect(await notifyTopic(having({ notifyTopic: "alarms" }))).toEqual({ Ref: "AlarmTopic" });
    const topic = "arn:aws:sns:eu-west-1:123456789012:ops";
    expect(await statementsFor({ notifyTopic: topic })).toEqual([
      { Sid: "NotifyTopic", Effect: "Allow", Action: ["sns:Publish"], Resource: topic },
    ]);
  });

  it.each([
    // biome-ignore lint/suspicious/noTemplateCurlyInString: CloudFormation's
    ["ops", { "Fn::Sub": "arn:${AWS::Partition}:events:${AWS::Region}:${AWS::AccountId}:event-bus/ops" }],
    [
      "arn:aws:events:eu-west-1:123456789012:event-bus/ops",
      "arn:aws:events:eu-west-1:123456789012:event-bus/ops",
    ],
  ])("go to the bus %s, as events of this source alone", async (notifyEventBus, Resource) => {
    expect(await statementsFor({ notifyEventBus })).toEqual([
      {
        Sid: "NotifyEventBus",
        Effect: "Allow",
        Action: ["events:PutEvents"],
        Resource,
        Condition: { StringEquals: { "events:source": "redis-rotation" } },
      },
    ]);
  });

  it("read the webhook's secret, and nothing else of it", async () => {
    expect(await statementsFor({ notifyWebhookSecret: "ops/hook" })).toEqual([
      {
        Sid: "NotifyWebhook",
        Effect: "Allow",
        Action: ["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"],
        Resource: { "Fn::Sub": "arn:ops/hook-??????" },
      },
    ]);
  });
});

describe("a key of the secrets' own", () => {
  const secretsOf = async (given: Readonly<Record<string, unknown>>) =>
    JSON.stringify(await key(having(given)));

  it("is not granted where none is named", async () => {
    expect(await key(having())).toEqual({});
  });

  it("also opens the credentials' secret, where there is one", async () => {
    expect(await secretsOf({ kmsKeyArn: "k" })).toContain(
      '[{"Fn::Sub":"arn:redis/*"},{"Fn::Sub":"arn:tencentcloud/redis-rotation-??????"}]',
    );
    expect(await secretsOf({ kmsKeyArn: "k", credentials: "webIdentity" })).toContain(
      '[{"Fn::Sub":"arn:redis/*"}]',
    );
    expect(
      await secretsOf({ kmsKeyArn: "k", credentials: "webIdentity", notifyWebhookSecret: "ops/hook" }),
    ).toContain('[{"Fn::Sub":"arn:redis/*"},{"Fn::Sub":"arn:ops/hook-??????"}]');
  });
});

describe("the schedules of managed secrets", () => {
  const namesOf = async (managedSecrets?: string) =>
    Object.keys((await rotationSchedules(having({ managedSecrets }))).Resources ?? {});

  it("keep their names in the template while others come and go", async () => {
    const [first, second, ...others] = await namesOf("redis/a-b,redis/a_b");
    expect([first === second, others]).toEqual([false, []]);
    expect(await namesOf("redis/a_b")).toEqual([second]);
    expect(await namesOf()).toEqual([]);
  });
});
