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
}

/**
 * One JSON line an event. Its fields are texts and numbers on one level: Tencent Cloud's log service leaves out all that is
 * nested (SCF documentation, "Custom log fields").
 */
export function createLog({ level, bindings, fd = 1 }: LogOptions): Log {
  const options = { level, base: bindings, timestamp: pino.stdTimeFunctions.isoTime };
  // A platform may freeze the function as soon as it has answered: each line must be out by then.
  const logger = pino(options, pino.destination({ dest: fd, sync: true }));
  return {
    observe: (event) => {
      if (event.type === "refused") {
        const { type, error, ...fields } = event;
        logger.warn({ ...fields, ...describe(error), next: error.next }, type);
        return;
      }
      const { type, ...fields } = event;
      logger.info(fields, type);
    },
    error: (error) => logger.error({ ...describe(error), next: error.next }, "failed"),
    result: (action, { error, ...result }) => {
      const level = result.status === "failed" || result.status === "drift" ? "error" : "info";
      logger[level]({ action, ...result, ...(error && describe(error)) }, "result");
    },
  };
}

// The cause stays out: an SDK's error may hold the request, and with it whatever was sent.
function describe({ code, message, effect, requestId }: NonNullable<SecretResult["error"]>) {
  return { code, message, effect, ...(requestId !== undefined && { cloudRequestId: requestId }) };
}
