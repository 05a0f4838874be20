import { asRotationError, RotationError } from "../lib/errors.ts";
import type { Answer } from "../lib/ports.ts";
import type { DrivenRequest, QueueMessage } from "./events.ts";

/** The messages that are to come back, as Lambda wants to be told of them (`ReportBatchItemFailures`). */
export interface BatchAnswer {
  readonly batchItemFailures: readonly { readonly itemIdentifier: string }[];
}

/** What happens to one message of a batch. */
export interface MessageWork {
  readonly drive: (request: DrivenRequest) => Promise<Answer>;
  /** Told why a message could not be worked on. What became of its secrets is on the log by itself. */
  readonly onError: (error: RotationError) => void;
}

/**
 * Works on all messages of a batch at the same time. One that is bad, or has a secret that is not done, comes back; at last it
 * is in the dead-letter queue.
 */
export async function workOff(messages: readonly QueueMessage[], work: MessageWork): Promise<BatchAnswer> {
  const done = await Promise.all(messages.map(({ request }) => isDone(request, work)));
  const left = messages.filter((_, index) => done[index] === false);
  return { batchItemFailures: left.map(({ messageId }) => ({ itemIdentifier: messageId })) };
}

async function isDone(request: QueueMessage["request"], { drive, onError }: MessageWork): Promise<boolean> {
  try {
    if (request instanceof RotationError) throw request;
    const { summary } = await drive(request);
    // Nobody else carries on: what is not finished must come back, whatever its effect.
    return summary.failed + summary.drift + summary.inProgress === 0;
  } catch (error) {
    onError(asRotationError(error));
    return false;
  }
}
