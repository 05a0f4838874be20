/** Amazon SQS of one region: standard queues as a state machine in memory that lives by the given clock and knows no transport. */
import { createHash } from "node:crypto";
import type { Clock } from "../../../lib/ports.ts";
import { AwsApiError } from "../secrets-manager/aws-api-error.ts";

export interface QueueOptions {
  readonly name: string;
  /** From a delivery to the next one, unless the message is deleted. Default 30 000. */
  readonly visibilityTimeoutMs?: number;
  /** Where a message goes in place of a further delivery. Default: it is delivered for ever. */
  readonly redrive?: { readonly deadLetterQueue: string; readonly maxReceiveCount: number };
}

export interface SqsOptions {
  readonly clock: Clock;
  readonly newId: () => string;
  readonly region: string;
  readonly queues: readonly QueueOptions[];
}

/** A message as a receiver gets it. */
export interface ReceivedMessage {
  readonly messageId: string;
  readonly receiptHandle: string;
  readonly body: string;
  readonly receiveCount: number;
  readonly sentAtMs: number;
  readonly firstReceivedAtMs: number;
}

interface Message extends Omit<ReceivedMessage, "receiptHandle" | "firstReceivedAtMs"> {
  receiveCount: number;
  receiptHandle?: string;
  firstReceivedAtMs?: number;
  visibleAtMs: number;
}

export interface EntryFault {
  readonly code: string;
  readonly senderFault: boolean;
}

interface BatchAnswer {
  readonly Successful: readonly {
    readonly Id: string;
    readonly MessageId: string;
    readonly MD5OfMessageBody: string;
  }[];
  readonly Failed?: readonly {
    readonly Id: string;
    readonly Code: string;
    readonly SenderFault: boolean;
    readonly Message: string;
  }[];
}

export interface Sqs {
  readonly region: string;
  url(queue: string): string;
  arn(queue: string): string;
  /** SendMessageBatch with the fields of its request. @throws AwsApiError */
  sendMessageBatch(request: Readonly<Record<string, unknown>>): BatchAnswer;
  receive(queue: string, most: number): ReceivedMessage[];
  /** Harmless where the message is gone or has been delivered again since. */
  remove(queue: string, receiptHandle: string): void;
  /** Bodies of what is in the queue, delivered or not. */
  bodies(queue: string): string[];
  /** How many messages are delivered and neither deleted nor visible again. */
  inFlight(queue: string): number;
  /** The next calls fail, in order. */
  failNext(error: AwsApiError): void;
  /** The next messages whose body contains the text are not taken, as often as `times`. */
  failEntries(text: string, fault: EntryFault, times?: number): void;
  /** How many entries each call has brought. */
  readonly batches: readonly number[];
}

const ACCOUNT = "123456789012";
const MAX_ENTRIES = 10;
const MAX_BYTES = 1_048_576;
/** Of the characters of XML 1.0, as documented. */
const ALLOWED = /^[\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]+$/u;

export const md5 = (text: string): string => createHash("md5").update(text).digest("hex");

export function createSqs({ clock, newId, region, queues }: SqsOptions): Sqs {
  const held = new Map(queues.map((options) => [options.name, { options, messages: [] as Message[] }]));
  const faults: AwsApiError[] = [];
  const entryFaults: { text: string; fault: EntryFault; left: number }[] = [];
  const batches: number[] = [];
  const url = (queue: string) => `https://sqs.${region}.amazonaws.com/${ACCOUNT}/${queue}`;

  function find(name: string) {
    const queue = held.get(name);
    if (queue === undefined) throw refusal("QueueDoesNotExist", "The specified queue does not exist.");
    return queue;
  }

  function takeFault(body: string): EntryFault | undefined {
    const found = entryFaults.find(({ text, left }) => left > 0 && body.includes(text));
    if (found !== undefined) found.left -= 1;
    return found?.fault;
  }

  return {
    region,
    url,
    batches,
    arn: (queue) => `arn:aws:sqs:${region}:${ACCOUNT}:${queue}`,
    failNext: (error) => void faults.push(error),
    failEntries: (text, fault, times = 1) => void entryFaults.push({ text, fault, left: times }),
    bodies: (queue) => find(queue).messages.map(({ body }) => body),
    inFlight: (queue) => find(queue).messages.filter(({ visibleAtMs }) => visibleAtMs > clock.now()).length,
    sendMessageBatch({ QueueUrl, Entries }) {
      const fault = faults.shift();
      if (fault !== undefined) throw fault;
      const [name = ""] = queues.map((queue) => queue.name).filter((queue) => url(queue) === QueueUrl);
      const queue = find(name);
      const entries = readEntries(Entries);
      batches.push(entries.length);
      const successful = [];
      const failed = [];
      for (const { Id, MessageBody: body } of entries) {
        const refused = ALLOWED.test(body) ? takeFault(body) : INVALID;
        if (refused !== undefined) {
          const { code: Code, senderFault: SenderFault } = refused;
          failed.push({ Id, Code, SenderFault, Message: "Made to fail." });
          continue;
        }
        const messageId = newId();
        const now = clock.now();
        queue.messages.push({ messageId, body, receiveCount: 0, sentAtMs: now, visibleAtMs: now });
        successful.push({ Id, MessageId: messageId, MD5OfMessageBody: md5(body) });
      }
      return { Successful: successful, ...(failed.length > 0 && { Failed: failed }) };
    },
    receive(name, most) {
      const { options, messages } = find(name);
      const { visibilityTimeoutMs = 30_000, redrive } = options;
      const now = clock.now();
      const received: ReceivedMessage[] = [];
      for (const message of messages.filter(({ visibleAtMs }) => visibleAtMs <= now)) {
        if (received.length === most) break;
        if (redrive !== undefined && message.receiveCount >= redrive.maxReceiveCount) {
          messages.splice(messages.indexOf(message), 1);
          find(redrive.deadLetterQueue).messages.push({ ...message, receiveCount: 0 });
          continue;
        }
        message.receiveCount += 1;
        message.visibleAtMs = now + visibilityTimeoutMs;
        message.receiptHandle = newId();
        message.firstReceivedAtMs ??= now;
        const { receiptHandle, firstReceivedAtMs } = message;
        received.push({ ...message, receiptHandle, firstReceivedAtMs });
      }
      return received;
    },
    remove(name, receiptHandle) {
      const { messages } = find(name);
      const index = messages.findIndex((message) => message.receiptHandle === receiptHandle);
      if (index >= 0) messages.splice(index, 1);
    },
  };
}

const INVALID: EntryFault = { code: "InvalidMessageContents", senderFault: true };

function readEntries(given: unknown): { readonly Id: string; readonly MessageBody: string }[] {
  const entries = Array.isArray(given) ? given : [];
  if (entries.length === 0) throw refusal("EmptyBatchRequest", "There is no entry.");
  if (entries.length > MAX_ENTRIES) {
    throw refusal(
      "TooManyEntriesInBatchRequest",
      `Maximum number of entries per request are ${MAX_ENTRIES}.`,
    );
  }
  const ids = entries.map(({ Id }) => Id);
  if (ids.some((id) => typeof id !== "string" || !/^[\w-]{1,80}$/.test(id))) {
    throw refusal("InvalidBatchEntryId", "An Id is not 1 to 80 letters, digits, hyphens and underscores.");
  }
  if (new Set(ids).size < ids.length) throw refusal("BatchEntryIdsNotDistinct", "Id repeated.");
  if (entries.some(({ MessageBody }) => typeof MessageBody !== "string")) {
    throw new AwsApiError("MissingParameter", "The request must contain the parameter MessageBody.");
  }
  const bytes = entries.reduce((sum, { MessageBody }) => sum + Buffer.byteLength(MessageBody), 0);
  if (bytes > MAX_BYTES)
    throw refusal("BatchRequestTooLong", `Batch requests cannot be longer than ${MAX_BYTES} bytes.`);
  return entries;
}

function refusal(name: string, message: string): AwsApiError {
  return new AwsApiError(`com.amazonaws.sqs#${name}`, message);
}
