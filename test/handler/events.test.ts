import { describe, expect, it } from "vitest";
import { parseLambdaEvent, parseScfEvent } from "../../handler/events.ts";
import { RotationError } from "../../lib/errors.ts";

const STEP_EVENT = {
  Step: "setSecret",
  SecretId: "arn:aws:secretsmanager:eu-west-1:123456789012:secret:redis/orders-AbCdEf",
  ClientRequestToken: "e1c4a9a6-0d2b-4a63-9a26-0c1b5f1f6f0a",
};
const SCHEDULED = { kind: "driven", action: "rotate", secretIds: undefined, force: false, scheduled: true };
const manual = (fields: object) => ({
  kind: "driven",
  action: "rotate",
  secretIds: undefined,
  force: false,
  scheduled: false,
  ...fields,
});
const MANUAL: [object, object][] = [
  [{ action: "rotate" }, {}],
  [
    { action: "plan", secrets: ["a", "b"] },
    { action: "plan", secretIds: ["a", "b"] },
  ],
  [{ action: "status", force: false }, { action: "status" }],
  [{ action: "verify" }, { action: "verify" }],
  [
    { action: "rollback", secrets: ["a"] },
    { action: "rollback", secretIds: ["a"] },
  ],
  [
    { action: "abandon", force: true },
    { action: "abandon", force: true },
  ],
];

function problemsOf(parse: () => unknown): string[] {
  try {
    parse();
  } catch (error) {
    expect(error).toMatchObject({ name: "RotationError", code: "EventInvalid", effect: "none" });
    const { message } = error as RotationError;
    expect(message).toMatch(/^Event: \S/);
    return message
      .replace("Event: ", "")
      .split("; ")
      .map((problem) => problem.split(":")[0] ?? "");
  }
  throw new Error("It was accepted");
}

describe("on Lambda", () => {
  it.each(["createSecret", "setSecret", "testSecret", "finishSecret"])("%s is a step", (Step) => {
    expect(parseLambdaEvent({ ...STEP_EVENT, Step })).toEqual({
      kind: "step",
      step: Step,
      secretId: STEP_EVENT.SecretId,
      token: STEP_EVENT.ClientRequestToken,
    });
  });

  it("a step may bring a rotation token, and fields that are not known", () => {
    const event = { ...STEP_EVENT, RotationToken: "r-1", Version: 2 };
    expect(parseLambdaEvent(event)).toMatchObject({ kind: "step", rotationToken: "r-1" });
  });

  it.each([
    [
      {
        version: "0",
        id: "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa",
        "detail-type": "Scheduled Event",
        source: "aws.events",
        account: "123456789012",
        time: "2026-10-08T16:53:06Z",
        region: "us-east-1",
        resources: ["arn:aws:events:us-east-1:123456789012:rule/monthly"],
        detail: {},
      },
    ],
    [{ source: "aws.scheduler", "detail-type": "Scheduled Event", detail: "{}" }],
  ])("a schedule of EventBridge rotates the fleet: %j", (event) => {
    expect(parseLambdaEvent(event)).toEqual(SCHEDULED);
  });

  it.each(MANUAL)("%j is done by hand", (payload, request) => {
    expect(parseLambdaEvent(payload)).toEqual(manual(request));
  });

  it.each([
    [
      { Step: "deleteSecret", SecretId: "", ClientRequestToken: 7 },
      ["Step", "SecretId", "ClientRequestToken"],
    ],
    [{ Step: "createSecret" }, ["SecretId", "ClientRequestToken"]],
    [{ ...STEP_EVENT, RotationToken: "" }, ["RotationToken"]],
    [{ source: "aws.s3", "detail-type": "Object Created" }, ["action", "(whole)"]],
    [{}, ["action"]],
    [null, ["(whole)"]],
    [undefined, ["(whole)"]],
    ["rotate", ["(whole)"]],
    [[], ["(whole)"]],
  ])("%j is refused, with each bad field named", (event, fields) => {
    expect(problemsOf(() => parseLambdaEvent(event))).toEqual(fields);
  });
});

describe("messages of an SQS queue", () => {
  const record = (messageId: string, body: string) => ({
    messageId,
    receiptHandle: "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a",
    body,
    attributes: { ApproximateReceiveCount: "1", SentTimestamp: "1545082649183" },
    messageAttributes: {},
    md5OfBody: "e4e68fb7bd0e697a0ae8f1bb342846b3",
    eventSource: "aws:sqs",
    eventSourceARN: "arn:aws:sqs:eu-west-1:123456789012:fleet",
    awsRegion: "eu-west-1",
  });
  const requestsOf = (...bodies: string[]) => {
    const Records = bodies.map((body, index) => record(`m-${index}`, body));
    const request = parseLambdaEvent({ Records });
    if (request.kind !== "queue") throw new Error(`It is ${request.kind}`);
    expect(request.messages.map(({ messageId }) => messageId)).toEqual(Records.map((each) => each.messageId));
    return request.messages.map((message) => message.request);
  };

  it.each(MANUAL.filter(([, request]) => !("action" in request && request.action === "rollback")))(
    "may be the payload %j",
    (payload, fields) => {
      const { kind: _, ...request } = manual({ ...fields, scheduled: true });
      expect(requestsOf(JSON.stringify(payload))).toEqual([request]);
    },
  );

  it.each([
    ["", /^Event: message m-1: body: it is not JSON$/],
    ['{"action":"rotate"', /^Event: message m-1: body: it is not JSON$/],
    ['{"action":"rotat","secrets":[]}', /^Event: message m-1: action: .*; secrets: /],
    ['{"action":"rotate","password":"tOp-Secret!2026"}', /^Event: message m-1: \(whole\): ((?!tOp).)*$/],
    ['{"action":"rollback","secrets":["a"]}', /^Event: message m-1: body: action: rollback is for manual/],
  ])("with the bad body %s stop no other one", (body, message) => {
    const good = '{"action":"rotate","secrets":["a"]}';
    const [first, bad, last] = requestsOf(good, body, good);
    expect([first, last]).toMatchObject([{ secretIds: ["a"] }, { secretIds: ["a"] }]);
    expect(bad).toMatchObject({ code: "EventInvalid", effect: "none" });
    expect((bad as RotationError).message).toMatch(message);
  });

  it.each([
    [{ Records: [] }, ["Records"]],
    [{ Records: "none" }, ["Records"]],
    [{ Records: [{ ...record("m", "{}"), eventSource: "aws:s3" }] }, ["Records.0.eventSource"]],
    [{ Records: [{ ...record("", "{}"), body: 7 }] }, ["Records.0.messageId", "Records.0.body"]],
  ])("are refused as a whole where they are none: %j", (event, fields) => {
    expect(problemsOf(() => parseLambdaEvent(event))).toEqual(fields);
  });
});

describe("on SCF", () => {
  const timer = { Type: "Timer", TriggerName: "monthly", Time: "2019-02-21T11:49:00Z" };

  it.each([
    { ...timer, Message: "" },
    { ...timer, Message: " \n" },
    { ...timer, Type: "timer", Message: "" },
    timer,
  ])("a timer rotates the fleet: %j", (event) => {
    expect(parseScfEvent(event)).toEqual(SCHEDULED);
  });

  it.each(MANUAL.filter(([, request]) => !("action" in request && request.action === "rollback")))(
    "a timer's message may be the payload %j, whose failures are thrown",
    (payload, request) => {
      const Message = JSON.stringify(payload);
      for (const Type of ["Timer", "timer"]) {
        expect(parseScfEvent({ ...timer, Type, Message })).toEqual(manual({ ...request, scheduled: true }));
      }
    },
  );

  it("a timer does not roll back: it would again, each time it is repeated", () => {
    const Message = JSON.stringify({ action: "rollback", secrets: ["a"] });
    expect(() => parseScfEvent({ ...timer, Message })).toThrow(/rollback is for manual invocations only/);
  });

  it.each(MANUAL)("%j is done by hand", (payload, request) => {
    expect(parseScfEvent(payload)).toEqual(manual(request));
  });

  it.each(["rotate", '{"action":', '{"action":"rotate"}}'])(
    "a timer's message must be JSON, not %s",
    (Message) => {
      expect(problemsOf(() => parseScfEvent({ ...timer, Message }))).toEqual(["Message"]);
    },
  );

  it.each([
    [{ ...timer, Message: '{"action":"rotat"}' }, ["action"]],
    [{ ...timer, Message: '["rotate"]' }, ["(whole)"]],
    [{ ...timer, Message: 7 }, ["action", "(whole)"]],
    [{ Type: "Ckafka" }, ["action", "(whole)"]],
    [{}, ["action"]],
    [undefined, ["(whole)"]],
  ])("%j is refused, with each bad field named", (event, fields) => {
    expect(problemsOf(() => parseScfEvent(event))).toEqual(fields);
  });
});

describe("a payload", () => {
  const payload = { action: "rotat", secrets: [""], force: "yes", password: "tOp-Secret!2026" };

  it.each([
    ["on Lambda", () => parseLambdaEvent(payload)],
    ["on SCF", () => parseScfEvent(payload)],
    ["in a timer's message", () => parseScfEvent({ Type: "Timer", Message: JSON.stringify(payload) })],
  ])("%s has every bad field named at once, and no value", (_, parse) => {
    expect(problemsOf(parse)).toEqual(["action", "secrets.0", "force", "(whole)"]);
    expect(parse).toThrow(RotationError);
    expect(parse).not.toThrow(/tOp-Secret|"yes"|rotat\b/);
  });

  it.each(["tOp-Secret!2026", "Gu5t9xGARNpq86cd98joQYCN3Cozk1qA"])(
    "has an unknown field counted and not named where its name may be a password: %s",
    (name) => {
      const parse = () => parseLambdaEvent({ action: "plan", [name]: 1, secretIds: ["a"] });
      expect(parse).toThrow("(whole): has unknown fields: (not shown), secretIds");
    },
  );
});
