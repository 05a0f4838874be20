import { AsyncLocalStorage } from "node:async_hooks";
import { pino } from "pino";
import type { RotationError } from "../errors.ts";
import type { Observer, SecretResult } from "../ports.ts";

export interface LogOptions {
  /** One of pino's levels, or `silent`. */
  readonly level: string;
  /** On every line: the platform's request id, and whatever else tells runs apart. */
  readonly bindings: Readonly<Record<string, unknown>>;
  /** The file descriptor to write to. Default 1: standard output, where both platforms collect it. */
  readonly fd?: number;
}

export interface Log {
  readonly observe: Observer;
  readonly error: (error: RotationError) => void;
  readonly result: (action: string, result: SecretResult) => void;
  /** Whether a receiver has taken a notification. */
  readonly notification: (told: ToldReceiver) => void;
  /** For the requests that a cloud has carried out: the next line has their ids. */
  readonly answeredBy: (cloud: Cloud) => (requestId: string) => void;
  /** What is answered while `act` runs belongs to its lines alone, whatever runs beside it. */
  readonly apart: <T>(act: () => Promise<T>) => Promise<T>;
}

type Cloud = "aws" | "tencent";

export interface ToldReceiver {
  readonly channel: "sns" | "eventbridge" | "webhook";
  readonly notificationId: string;
  /** How many it tells of. */
  readonly problems: number;
  readonly durationMs: number;
  /** Present where it has not. */
  readonly error?: RotationError;
}

/** The newest ones: a line about a long wait would have hundreds. */
const MAX_REQUEST_IDS = 10;
/** Nothing else of what a cloud answers is told without being masked. */
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/**
 * One JSON line an event. Its fields are texts and numbers on one level: Tencent Cloud's log service leaves out all that is
 * nested (SCF documentation, "Custom log fields").
 */
export function createLog({ level, bindings, fd = 1 }: LogOptions): Log {
  const options = { level, base: bindings, timestamp: pino.stdTimeFunctions.isoTime };
  // A platform may freeze the function as soon as it has answered: each line must be out by then.
  const logger = pino(options, pino.destination({ dest: fd, sync: true }));
  const answers = new AsyncLocalStorage<Record<Cloud, string[]>>();
  const others = { aws: [], tencent: [] };
  const answered = () => answers.getStore() ?? others;
  const requestIds = () => {
    const { aws, tencent } = answered();
    return {
      ...(aws.length > 0 && { awsRequestIds: aws.splice(0).join() }),
      ...(tencent.length > 0 && { tencentRequestIds: tencent.splice(0).join() }),
    };
  };
  return {
    observe: ({ type, ...event }) => {
      const { error, ...fields } = { error: undefined, ...event };
      if (error === undefined) return logger.info({ ...fields, ...requestIds() }, type);
      logger.warn({ ...fields, ...describe(error), next: error.next, ...requestIds() }, type);
    },
    error: (error) => logger.error({ ...describe(error), next: error.next }, "failed"),
    result: (action, { error, ...result }) => {
      const level = result.status === "failed" || result.status === "drift" ? "error" : "info";
      logger[level]({ action, ...result, ...(error && describe(error)), ...requestIds() }, "result");
    },
    notification: ({ error, ...told }) => {
      if (error === undefined) return logger.info(told, "notification");
      logger.warn({ ...told, code: error.code, message: error.message }, "notification");
    },
    answeredBy: (cloud) => (requestId) => {
      if (!UUID.test(requestId)) return;
      const ids = answered()[cloud];
      ids.push(requestId);
      if (ids.length > MAX_REQUEST_IDS) ids.shift();
    },
    apart: (act) => answers.run({ aws: [], tencent: [] }, act),
  };
}

// The cause stays out: an SDK's error may hold the request, and with it whatever was sent.
function describe({ code, message, effect, requestId }: NonNullable<SecretResult["error"]>) {
  return { code, message, effect, ...(requestId !== undefined && { cloudRequestId: requestId }) };
}
