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

/** One JSON line an event. */
export function createLog({ level, bindings, fd = 1 }: LogOptions): Log {
  const options = { level, base: bindings, timestamp: pino.stdTimeFunctions.isoTime };
  // A platform may freeze the function as soon as it has answered: each line must be out by then.
  const logger = pino(options, pino.destination({ dest: fd, sync: true }));
  return {
    observe: (event) => {
      const { type, ...fields } = event;
      if (event.type === "refused") logger.warn({ ...fields, error: describe(event.error) }, type);
      else logger.info(fields, type);
    },
    error: (error) => logger.error({ error: describe(error) }, "failed"),
    result: (action, result) => {
      const level = result.status === "failed" || result.status === "drift" ? "error" : "info";
      logger[level]({ action, ...result }, "result");
    },
  };
}

// The cause stays out: an SDK's error may hold the request, and with it whatever was sent.
function describe({ code, message, effect, requestId, next }: RotationError) {
  return { code, message, effect, requestId, next };
}
