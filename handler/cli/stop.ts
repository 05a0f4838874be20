import { constants } from "node:os";
import type { Clock } from "../../lib/ports.ts";

/** Less than a rotation needs to send its password, and more than one needs whose task is running. */
const FINISH_MS = 29_000;
/** Ctrl-C, a polite kill, and the end of the terminal. */
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** What a signal meets. */
export interface Stoppable {
  /** Whether there may be something that has to be seen through. */
  readonly changes: boolean;
  readonly tell: (text: string) => void;
}

export interface Stop {
  /** Whether the operator has asked for it. */
  readonly isAsked: boolean;
  /** Aborted when the operator asks. */
  readonly signal: AbortSignal;
  readonly deadline: () => number;
  /** Says what is under way from then on. */
  meets(work: Stoppable): void;
  /** From then on the signals end the process, as they do by themselves. */
  release(): void;
}

/** While somebody is asked: the question itself is taken back. */
export const QUESTION: Stoppable = { changes: false, tell: () => {} };

/**
 * Ctrl-C stops a run in three degrees. Once: nothing more is begun or sent, and passwords that have been sent are seen through.
 * Twice: the run ends as soon as the calls that are under way have their answers. Three times: at once. Where nothing is changed, the
 * first is like the second.
 */
export function stopOnSignals(clock: Clock): Stop {
  const aborter = new AbortController();
  let work: Stoppable = QUESTION;
  let asked = 0;
  let deadlineAt = Number.POSITIVE_INFINITY;
  const onSignal = (name: (typeof SIGNALS)[number]) => {
    asked += 1;
    aborter.abort();
    if (asked === 1 && work.changes) {
      deadlineAt = clock.now() + FINISH_MS;
      work.tell(
        `Stopping. What has been sent to Redis is seen through, for ${FINISH_MS / 1000} s at most. ` +
          "Ctrl-C again: stop without waiting for it.",
      );
    } else if (asked <= 2) {
      deadlineAt = clock.now();
      work.tell("Stopping now. Ctrl-C again: end the process in the middle of whatever it does.");
    } else process.exit(128 + constants.signals[name]);
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  return {
    get isAsked() {
      return asked > 0;
    },
    signal: aborter.signal,
    deadline: () => deadlineAt,
    meets(next) {
      work = next;
    },
    release() {
      for (const signal of SIGNALS) process.off(signal, onSignal);
    },
  };
}
