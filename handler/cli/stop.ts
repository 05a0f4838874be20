import type { Clock } from "../../lib/ports.ts";

/** Less than a rotation needs to send its password, and more than one needs whose task is running. */
const FINISH_MS = 29_000;
const SIGNALS = ["SIGINT", "SIGTERM"] as const;
/** 128 and the number of SIGINT. */
const KILLED = 130;

export interface Stop {
  /** Whether the operator has asked for it. */
  readonly isAsked: boolean;
  readonly deadline: () => number;
  /** From then on the operator is told in this way what a signal has done. */
  tellBy(tell: (text: string) => void): void;
  /** From then on the signals end the process, as they do by themselves. */
  release(): void;
}

/**
 * Ctrl-C stops a run in three degrees. Once: nothing more is begun or sent, and passwords that have been sent are seen through.
 * Twice: the run ends as soon as the calls that are under way have their answers. Three times: at once.
 */
export function stopOnSignals(clock: Clock): Stop {
  let tell: (text: string) => void = () => {};
  let asked = 0;
  let deadlineAt = Number.POSITIVE_INFINITY;
  const onSignal = () => {
    asked += 1;
    if (asked === 1) {
      deadlineAt = clock.now() + FINISH_MS;
      tell(
        `Stopping. What has been sent to Redis is seen through, for ${FINISH_MS / 1000} s at most. ` +
          "Ctrl-C again: stop without waiting for it.",
      );
    } else if (asked === 2) {
      deadlineAt = clock.now();
      tell("Stopping now. Ctrl-C again: end the process in the middle of whatever it does.");
    } else process.exit(KILLED);
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  return {
    get isAsked() {
      return asked > 0;
    },
    deadline: () => deadlineAt,
    tellBy(by) {
      tell = by;
    },
    release() {
      for (const signal of SIGNALS) process.off(signal, onSignal);
    },
  };
}
