import type { Clock } from "../../../lib/ports.ts";
import { md5, type ReceivedMessage, type Sqs } from "./model.ts";

export interface EventSourceOptions {
  readonly sqs: Sqs;
  readonly queue: string;
  readonly clock: Clock;
  /** Calls the function. Rejects with what it throws. */
  readonly invoke: (event: SqsEvent) => Promise<unknown>;
  /** Messages of one event, at most. Default 10. */
  readonly batchSize?: number;
  /** Invocations at the same time, at most: 2 to 1 000. Default 1 000. */
  readonly maximumConcurrency?: number;
  /** Whether the function's answer names what has failed (`ReportBatchItemFailures`). Default false. */
  readonly reportBatchItemFailures?: boolean;
}

interface SqsEvent {
  readonly Records: readonly Readonly<Record<string, unknown>>[];
}

/** What became of one event. */
export interface Delivered {
  readonly messageIds: readonly string[];
  /** Of those that come back. */
  readonly failed: readonly string[];
}

export interface EventSource {
  /** Resolves when no invocation is under way and nothing is visible in the queue. */
  idle(): Promise<void>;
  readonly deliveries: readonly Delivered[];
  /** The most invocations that were under way at once. */
  readonly mostAtOnce: number;
  close(): Promise<void>;
}

const POLL_MS = 20;

/**
 * Lambda's event source mapping for a queue (Lambda Developer Guide, "Using Lambda with Amazon SQS" and "Handling errors for an
 * SQS event source"): what succeeded is deleted, what failed comes back after the queue's visibility timeout.
 */
export function createEventSource(options: EventSourceOptions): EventSource {
  const { sqs, queue, clock, invoke, batchSize = 10, maximumConcurrency = 1_000 } = options;
  if (batchSize < 1 || batchSize > 10)
    throw new Error("Without a batching window a batch has 1 to 10 messages");
  if (maximumConcurrency < 2 || maximumConcurrency > 1_000)
    throw new Error("MaximumConcurrency is 2 to 1000");
  const deliveries: Delivered[] = [];
  const underWay = new Set<Promise<void>>();
  let mostAtOnce = 0;
  let open = true;

  async function deliver(messages: readonly ReceivedMessage[]): Promise<void> {
    const messageIds = messages.map(({ messageId }) => messageId);
    const event = { Records: messages.map((message) => recordOf(message, sqs, queue)) };
    const failed = await invoke(event).then(
      (answer) => (options.reportBatchItemFailures === true ? failedOf(answer, messageIds) : []),
      () => messageIds,
    );
    for (const { messageId, receiptHandle } of messages) {
      if (!failed.includes(messageId)) sqs.remove(queue, receiptHandle);
    }
    deliveries.push({ messageIds, failed });
  }

  /** Whether there was anything to deliver. */
  function pump(): boolean {
    let found = false;
    while (underWay.size < maximumConcurrency) {
      const messages = sqs.receive(queue, batchSize);
      if (messages.length === 0) break;
      found = true;
      const delivery: Promise<void> = deliver(messages).finally(() => underWay.delete(delivery));
      underWay.add(delivery);
      mostAtOnce = Math.max(mostAtOnce, underWay.size);
    }
    return found;
  }

  const polling = (async () => {
    while (open) {
      pump();
      await clock.sleep(POLL_MS);
    }
  })();

  return {
    deliveries,
    get mostAtOnce() {
      return mostAtOnce;
    },
    async idle() {
      while (pump() || underWay.size > 0) await Promise.race(underWay);
    },
    async close() {
      open = false;
      await Promise.all([polling, ...underWay]);
    },
  };
}

function recordOf(message: ReceivedMessage, sqs: Sqs, queue: string) {
  return {
    messageId: message.messageId,
    receiptHandle: message.receiptHandle,
    body: message.body,
    attributes: {
      ApproximateReceiveCount: String(message.receiveCount),
      SentTimestamp: String(message.sentAtMs),
      SenderId: "AROAEXAMPLE:redis-rotation",
      ApproximateFirstReceiveTimestamp: String(message.firstReceivedAtMs),
    },
    messageAttributes: {},
    md5OfBody: md5(message.body),
    eventSource: "aws:sqs",
    eventSourceARN: sqs.arn(queue),
    awsRegion: sqs.region,
  };
}

/** Which messages a function's answer says have failed; all of them where it says so in a way that Lambda does not understand. */
function failedOf(answer: unknown, messageIds: readonly string[]): readonly string[] {
  if (answer === null || answer === undefined) return [];
  if (typeof answer !== "object") return messageIds;
  const { batchItemFailures } = answer as { readonly batchItemFailures?: unknown };
  if (batchItemFailures === null || batchItemFailures === undefined) return [];
  if (!Array.isArray(batchItemFailures)) return messageIds;
  const failed = batchItemFailures.map((failure: unknown) =>
    typeof failure === "object" && failure !== null ? Reflect.get(failure, "itemIdentifier") : undefined,
  );
  return failed.every((id) => messageIds.includes(id)) ? failed : messageIds;
}
