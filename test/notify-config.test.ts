import { describe, expect, it } from "vitest";
import { RotationError } from "../lib/errors.ts";
import { parseNotifyConfig } from "../lib/notify-config.ts";

const TOPIC = "arn:aws:sns:eu-west-1:123456789012:redis-rotation";
const KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const URL_OF_SLACK = "https://hooks.slack.com/services/T01234567/B01234567/X0f1e2d3c4b5a69788796a5b";

function problemsOf(environment: Record<string, string>, store: "aws" | "ssm" = "aws"): string {
  try {
    parseNotifyConfig(environment, store);
    return "none";
  } catch (error) {
    if (!(error instanceof RotationError)) throw error;
    expect([error.code, error.effect]).toEqual(["ConfigurationInvalid", "none"]);
    return error.message;
  }
}

describe("parseNotifyConfig", () => {
  it("tells nobody where nothing is set, or set to nothing", () => {
    const nobody = { topicArn: undefined, eventBus: undefined, webhook: undefined, stuckMs: 10_800_000 };
    expect(parseNotifyConfig({}, "aws")).toEqual(nobody);
    const blank = { NOTIFY_SNS_TOPIC_ARN: "", NOTIFY_WEBHOOK_URL: "", NOTIFY_WEBHOOK_KEY: "" };
    expect(parseNotifyConfig(blank, "aws")).toEqual(nobody);
  });

  it("reads all of it", () => {
    const environment = {
      NOTIFY_SNS_TOPIC_ARN: TOPIC,
      NOTIFY_EVENT_BUS: "ops/alerts",
      NOTIFY_WEBHOOK_URL: "https://hooks.example.com/1?a=b",
      NOTIFY_WEBHOOK_KEY: KEY,
      NOTIFY_STUCK_HOURS: "0.5",
    };
    expect(parseNotifyConfig(environment, "aws")).toEqual({
      topicArn: TOPIC,
      eventBus: "ops/alerts",
      webhook: { format: "generic", url: "https://hooks.example.com/1?a=b", key: KEY, secretId: undefined },
      stuckMs: 1_800_000,
    });
  });

  it.each([
    [{ NOTIFY_EVENT_BUS: "default" }],
    [{ NOTIFY_EVENT_BUS: "arn:aws-cn:events:cn-north-1:123456789012:event-bus/ops" }],
    [{ NOTIFY_SNS_TOPIC_ARN: "arn:aws-cn:sns:cn-north-1:123456789012:ops_1-a" }],
    [{ NOTIFY_WEBHOOK_URL: URL_OF_SLACK, NOTIFY_WEBHOOK_FORMAT: "slack" }],
    [
      {
        NOTIFY_WEBHOOK_URL: "https://oapi.dingtalk.com/robot/send?access_token=1",
        NOTIFY_WEBHOOK_FORMAT: "dingtalk",
      },
    ],
    [
      {
        NOTIFY_WEBHOOK_URL: "http://127.0.0.1:8080/x",
        NOTIFY_WEBHOOK_FORMAT: "feishu",
        NOTIFY_WEBHOOK_KEY: "k",
      },
    ],
    [{ NOTIFY_WEBHOOK_URL: "http://[::1]/x", NOTIFY_WEBHOOK_FORMAT: "wecom" }],
    [{ NOTIFY_WEBHOOK_SECRET_ID: "ops/webhook", NOTIFY_WEBHOOK_FORMAT: "slack" }],
  ])("takes %j", (environment) => {
    expect(problemsOf(environment)).toBe("none");
  });

  it.each<[Record<string, string>, RegExp]>([
    [{ NOTIFY_SNS_TOPIC_ARN: "redis-rotation" }, /NOTIFY_SNS_TOPIC_ARN: must be a standard topic's ARN/],
    [{ NOTIFY_SNS_TOPIC_ARN: `${TOPIC}.fifo` }, /NOTIFY_SNS_TOPIC_ARN: must be a standard topic's ARN/],
    [{ NOTIFY_EVENT_BUS: "a bus" }, /NOTIFY_EVENT_BUS: must be an event bus's name or ARN/],
    [{ NOTIFY_STUCK_HOURS: "soon" }, /NOTIFY_STUCK_HOURS: must be a number/],
    [{ NOTIFY_WEBHOOK_FORMAT: "teams" }, /NOTIFY_WEBHOOK_FORMAT: /],
    [
      { NOTIFY_WEBHOOK_FORMAT: "slack" },
      /NOTIFY_WEBHOOK_FORMAT: needs a webhook: set NOTIFY_WEBHOOK_SECRET_ID/,
    ],
    [{ NOTIFY_WEBHOOK_KEY: KEY }, /NOTIFY_WEBHOOK_KEY: needs a webhook: set NOTIFY_WEBHOOK_SECRET_ID/],
    [
      { NOTIFY_WEBHOOK_SECRET_ID: "a", NOTIFY_WEBHOOK_URL: URL_OF_SLACK, NOTIFY_WEBHOOK_KEY: KEY },
      /URL: must not be set with NOTIFY_WEBHOOK_SECRET_ID; NOTIFY_WEBHOOK_KEY: must not be set with/,
    ],
    [{ NOTIFY_WEBHOOK_URL: URL_OF_SLACK }, /NOTIFY_WEBHOOK_KEY: must be whsec_ and 24 to 64/],
    [
      { NOTIFY_WEBHOOK_URL: URL_OF_SLACK, NOTIFY_WEBHOOK_KEY: "whsec_c2hvcnQ=" },
      /NOTIFY_WEBHOOK_KEY: must be whsec_/,
    ],
    [
      { NOTIFY_WEBHOOK_URL: URL_OF_SLACK, NOTIFY_WEBHOOK_KEY: `${KEY}!` },
      /NOTIFY_WEBHOOK_KEY: must be whsec_/,
    ],
    ...["slack", "wecom"].map((format): [Record<string, string>, RegExp] => [
      { NOTIFY_WEBHOOK_URL: URL_OF_SLACK, NOTIFY_WEBHOOK_FORMAT: format, NOTIFY_WEBHOOK_KEY: "some-key-01" },
      new RegExp(`NOTIFY_WEBHOOK_KEY: must not be set: ${format} has no signatures`),
    ]),
    ...[
      "http://hooks.example.com/x",
      "http://127.example.com/x",
      "http://localhost.example.com/x",
      "ftp://127.0.0.1/x",
      "hooks.example.com/x",
    ].map((url): [Record<string, string>, RegExp] => [
      { NOTIFY_WEBHOOK_URL: url, NOTIFY_WEBHOOK_KEY: KEY },
      /NOTIFY_WEBHOOK_URL: must be an https: URL/,
    ]),
    [
      { NOTIFY_WEBHOOK_URL: "https://user:pass-word-1@hooks.example.com/", NOTIFY_WEBHOOK_KEY: KEY },
      /NOTIFY_WEBHOOK_URL: must have no user and no password/,
    ],
  ])("refuses %j, and shows nothing of it", (environment, says) => {
    const problems = problemsOf(environment);
    expect(problems).toMatch(says);
    for (const [name, value] of Object.entries(environment)) {
      if (/_(URL|KEY)$/.test(name)) expect(problems).not.toContain(value);
    }
  });

  it("refuses on SCF what takes credentials of AWS", () => {
    const problems = problemsOf({ NOTIFY_SNS_TOPIC_ARN: TOPIC, NOTIFY_EVENT_BUS: "ops" }, "ssm");
    expect(problems).toBe(
      "Environment: NOTIFY_SNS_TOPIC_ARN: is for Lambda; on SCF set a webhook; " +
        "NOTIFY_EVENT_BUS: is for Lambda; on SCF set a webhook",
    );
  });

  it("names every bad variable at once", () => {
    const problems = problemsOf({
      NOTIFY_SNS_TOPIC_ARN: "x",
      NOTIFY_STUCK_HOURS: "x",
      NOTIFY_WEBHOOK_KEY: "x",
    });
    for (const name of ["NOTIFY_SNS_TOPIC_ARN", "NOTIFY_STUCK_HOURS", "NOTIFY_WEBHOOK_KEY"]) {
      expect(problems).toContain(`${name}: `);
    }
  });
});
