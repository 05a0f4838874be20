import { randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";
import { createVirtualClock } from "../../fakes/clock.ts";
import { createEventSource, type EventSourceOptions } from "./event-source.ts";
import { createSqs, type Sqs } from "./model.ts";

const VISIBILITY_MS = 60_000;

function fleet() {
  const clock = createVirtualClock();
  const sqs = createSqs({
    clock,
    newId: randomUUID,
    region: "eu-west-1",
    queues: [
      {
        name: "fleet",
        visibilityTimeoutMs: VISIBILITY_MS,
        redrive: { deadLetterQueue: "dead", maxReceiveCount: 2 },
      },
      { name: "dead" },
    ],
  });
  const send = (...bodies: string[]) =>
    sqs.sendMessageBatch({
      QueueUrl: sqs.url("fleet"),
      Entries: bodies.map((MessageBody, index) => ({ Id: `${index}`, MessageBody })),
    });
  return { clock, sqs, send };
}

const entries = (count: number, MessageBody = "x") =>
  Array.from({ length: count }, (_, index) => ({ Id: `${index}`, MessageBody }));

describe("the local SQS", () => {
  it.each<[string, unknown, string]>([
    ["no entry", [], "EmptyBatchRequest"],
    ["eleven entries", entries(11), "TooManyEntriesInBatchRequest"],
    ["an Id twice", [...entries(1), ...entries(1)], "BatchEntryIdsNotDistinct"],
    ["an Id with a blank", [{ Id: "a b", MessageBody: "x" }], "InvalidBatchEntryId"],
    ["more than 1 MiB in all", entries(2, "x".repeat(524_289)), "BatchRequestTooLong"],
  ])("refuses %s", (_, Entries, name) => {
    const { sqs } = fleet();
    const send = () => sqs.sendMessageBatch({ QueueUrl: sqs.url("fleet"), Entries });
    expect(send).toThrow(expect.objectContaining({ name: `com.amazonaws.sqs#${name}` }));
    expect(sqs.bodies("fleet")).toEqual([]);
  });

  it("refuses a queue that it does not have", () => {
    const { sqs } = fleet();
    const QueueUrl = "https://sqs.eu-west-1.amazonaws.com/123456789012/other";
    expect(() => sqs.sendMessageBatch({ QueueUrl, Entries: entries(1) })).toThrow(/does not exist/);
  });

  it("takes the good messages of a batch, and says which ones it has not taken", () => {
    const { sqs, send } = fleet();
    sqs.failEntries("second", { code: "InternalError", senderFault: false });
    const answer = send("first", "second", "a character that XML has not: \u0000");
    expect(answer.Successful.map(({ Id }) => Id)).toEqual(["0"]);
    expect(answer.Failed).toMatchObject([
      { Id: "1", Code: "InternalError", SenderFault: false },
      { Id: "2", Code: "InvalidMessageContents", SenderFault: true },
    ]);
    expect(sqs.bodies("fleet")).toEqual(["first"]);
  });

  it("delivers again after the visibility timeout, at last into the dead-letter queue", async () => {
    const { clock, sqs, send } = fleet();
    send("a");
    for (const receiveCount of [1, 2]) {
      expect(sqs.receive("fleet", 10)).toMatchObject([{ body: "a", receiveCount }]);
      await clock.advance(VISIBILITY_MS - 1);
      expect([sqs.receive("fleet", 10), sqs.inFlight("fleet")]).toEqual([[], 1]);
      await clock.advance(1);
    }
    expect(sqs.receive("fleet", 10)).toEqual([]);
    expect([sqs.bodies("fleet"), sqs.bodies("dead")]).toEqual([[], ["a"]]);
  });

  it("deletes by the newest receipt alone", async () => {
    const { clock, sqs, send } = fleet();
    send("a");
    const [first] = sqs.receive("fleet", 1);
    await clock.advance(VISIBILITY_MS);
    const [second] = sqs.receive("fleet", 1);
    sqs.remove("fleet", first?.receiptHandle ?? "");
    expect(sqs.bodies("fleet")).toEqual(["a"]);
    sqs.remove("fleet", second?.receiptHandle ?? "");
    expect(sqs.bodies("fleet")).toEqual([]);
  });
});

describe("the local event source mapping", () => {
  function mapped(options: Partial<EventSourceOptions> & Pick<EventSourceOptions, "invoke">) {
    const given = fleet();
    const { clock, sqs } = given;
    const source = createEventSource({ sqs, queue: "fleet", clock, ...options });
    return { ...given, source };
  }
  const idOf = (sqs: Sqs, event: { Records: readonly object[] }, body: string) => {
    expect(sqs.bodies("fleet")).toContain(body);
    return event.Records.map((record) => record as Record<string, string>).find(
      (record) => record.body === body,
    )?.messageId;
  };

  it("delivers what a queue of AWS delivers", async () => {
    const events: unknown[] = [];
    const { send, source, sqs } = mapped({ invoke: async (event) => void events.push(event) });
    send("{}");
    await source.idle();
    expect(events).toEqual([
      {
        Records: [
          {
            messageId: expect.stringMatching(/^[\w-]{36}$/),
            receiptHandle: expect.any(String),
            body: "{}",
            attributes: {
              ApproximateReceiveCount: "1",
              SentTimestamp: "1767225600000",
              SenderId: expect.any(String),
              ApproximateFirstReceiveTimestamp: "1767225600000",
            },
            messageAttributes: {},
            md5OfBody: "99914b932bd37a50b983c5e7c90ae93b",
            eventSource: "aws:sqs",
            eventSourceARN: "arn:aws:sqs:eu-west-1:123456789012:fleet",
            awsRegion: "eu-west-1",
          },
        ],
      },
    ]);
    expect(sqs.bodies("fleet")).toEqual([]);
  });

  const failure = (itemIdentifier: unknown) => ({ batchItemFailures: [{ itemIdentifier }] });

  it.each<[string, boolean, (id: string | undefined) => unknown, readonly string[]]>([
    ["nothing", true, () => undefined, []],
    ["null", true, () => null, []],
    ["an empty object", true, () => ({}), []],
    ["an empty list", true, () => ({ batchItemFailures: [] }), []],
    ["a list that is null", true, () => ({ batchItemFailures: null }), []],
    ["one message", true, failure, ["b"]],
    ["one message, where the mapping does not look", false, failure, []],
    ["an unknown id", true, () => failure("unknown"), ["a", "b", "c"]],
    ["an empty id", true, () => failure(""), ["a", "b", "c"]],
    ["no id", true, () => failure(null), ["a", "b", "c"]],
    ["another key", true, (id) => ({ batchItemFailures: [{ messageId: id }] }), ["a", "b", "c"]],
    ["no object", true, () => "b", ["a", "b", "c"]],
  ])("where the function answers with %s (reports: %s), what failed stays", async (...row) => {
    const [, reportBatchItemFailures, answer, left] = row;
    const { send, source, sqs } = mapped({
      reportBatchItemFailures,
      invoke: async (event) => answer(idOf(sqs, event, "b")),
    });
    send("a", "b", "c");
    await source.idle();
    expect(sqs.bodies("fleet")).toEqual(left);
    expect(sqs.inFlight("fleet")).toBe(left.length);
  });

  it("brings a batch back whose function has thrown, until it is dead", async () => {
    const { clock, send, source, sqs } = mapped({ invoke: () => Promise.reject(new Error("thrown")) });
    send("a", "b");
    for (const deliveries of [1, 2, 2]) {
      await source.idle();
      expect(source.deliveries).toHaveLength(deliveries);
      await clock.advance(VISIBILITY_MS);
    }
    await source.idle();
    expect([sqs.bodies("fleet"), sqs.bodies("dead")]).toEqual([[], ["a", "b"]]);
  });

  it("keeps to the batch size and to the concurrency", async () => {
    const clock = createVirtualClock({ autoAdvance: true });
    const sizes: number[] = [];
    const { send, source } = mapped({
      batchSize: 2,
      maximumConcurrency: 3,
      invoke: async ({ Records }) => {
        sizes.push(Records.length);
        await clock.sleep(10);
      },
    });
    send(..."abcdefghij");
    send("k");
    await source.idle();
    expect([sizes, source.mostAtOnce]).toEqual([[2, 2, 2, 2, 2, 1], 3]);
  });

  it.each([{ batchSize: 11 }, { batchSize: 0 }, { maximumConcurrency: 1 }, { maximumConcurrency: 1_001 }])(
    "is not made with %j",
    (options) => {
      expect(() => mapped({ invoke: async () => {}, ...options })).toThrow(/ to /);
    },
  );
});
