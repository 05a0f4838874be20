import type { ErrorCode } from "../../lib/errors.ts";
import type { RotationEvent, SecretResult, Step, Task } from "../../lib/ports.ts";

/** An event, and when it was told of, in milliseconds since the epoch. */
export interface TimedEvent {
  readonly at: number;
  readonly event: RotationEvent;
}

/** One secret's rotation as this run saw it. All times are in milliseconds since the run began. */
export interface Timeline {
  readonly fromMs: number;
  readonly toMs: number;
  readonly steps: readonly StepBar[];
  readonly tasks: readonly TaskBar[];
  readonly moments: readonly Moment[];
  readonly exposure?: Exposure;
}

export interface StepBar {
  readonly step: Step;
  readonly fromMs: number;
  readonly toMs: number;
  readonly failed?: ErrorCode;
}

/** A password task: from when it was sent, or first seen, until a look saw its end. */
export interface TaskBar {
  readonly taskId: number;
  readonly fromMs: number;
  /** Absent where this run did not see its end. */
  readonly toMs?: number;
  readonly state: Task["state"];
  /** Whether this run started it. */
  readonly sent: boolean;
}

/** What took no time: a refusal of the API, or the end of a pending version that was given up. */
export interface Moment {
  readonly atMs: number;
  readonly type: "refused" | "released";
  readonly code?: ErrorCode;
  readonly message?: string;
}

/** The time in which a client that read the secret got a password that Redis no longer took, or may have. */
export interface Exposure {
  /** The last look at which Redis did not take the new password. Absent where there was none. */
  readonly fromMs?: number;
  /** From then on the run knew that Redis takes the new password. */
  readonly knownMs: number;
  /** The secret names the new password. Absent where it did not, as far as this run got. */
  readonly toMs?: number;
}

/** The timelines of those secrets of which there are events. */
export function timelines(
  startedAt: number,
  results: readonly SecretResult[],
  events: readonly TimedEvent[],
): ReadonlyMap<string, Timeline> {
  const ofSecret = new Map<string, TimedEvent[]>();
  for (const timed of events) {
    const { secretId } = timed.event;
    const own = ofSecret.get(secretId) ?? [];
    ofSecret.set(secretId, own);
    own.push(timed);
  }
  return new Map(
    results.flatMap((result) => {
      const own = ofSecret.get(result.secretId);
      return own === undefined ? [] : [[result.secretId, timelineOf(startedAt, result, own)]];
    }),
  );
}

function timelineOf(startedAt: number, result: SecretResult, events: readonly TimedEvent[]): Timeline {
  const steps: StepBar[] = [];
  const tasks = new Map<number, TaskBar>();
  const moments: Moment[] = [];
  for (const { at, event } of events) {
    const atMs = Math.round(at - startedAt);
    switch (event.type) {
      case "step": {
        const { step, durationMs, error } = event;
        const fromMs = Math.round(at - startedAt - durationMs);
        steps.push({ step, fromMs, toMs: atMs, ...(error && { failed: error.code }) });
        break;
      }
      case "sent":
        tasks.set(event.taskId, { taskId: event.taskId, fromMs: atMs, state: "running", sent: true });
        break;
      case "task": {
        const { taskId, state } = event;
        const seen = tasks.get(taskId) ?? { taskId, fromMs: atMs, sent: false };
        tasks.set(taskId, { ...seen, state, ...(state !== "running" && { toMs: atMs }) });
        break;
      }
      case "refused":
        moments.push({ atMs, type: "refused", code: event.error.code, message: event.error.message });
        break;
      case "released":
        moments.push({ atMs, type: "released" });
    }
  }
  const exposure = exposureOf(result, steps);
  const times = events.map(({ at }) => Math.round(at - startedAt));
  return {
    fromMs: Math.min(...times, ...steps.map(({ fromMs }) => fromMs)),
    toMs: Math.max(...times),
    steps,
    tasks: [...tasks.values()],
    moments,
    ...(exposure && { exposure }),
  };
}

/**
 * The run tells how long the window was at most when the promotion is done. setSecret ends as soon as the new password is
 * seen to open Redis: where a run only finds that it does, the next step begins then.
 */
function exposureOf({ exposureMs, status }: SecretResult, steps: readonly StepBar[]): Exposure | undefined {
  const done = steps.filter(({ failed }) => failed === undefined);
  const knownMs =
    done.findLast(({ step }) => step === "setSecret")?.toMs ??
    steps.find(({ step }) => step === "testSecret" || step === "finishSecret")?.fromMs;
  const toMs = done.findLast(({ step }) => step === "finishSecret")?.toMs;
  if (knownMs === undefined || exposureMs === 0) return undefined;
  if (toMs === undefined) return status === "rotated" ? undefined : { knownMs };
  if (exposureMs === undefined) return { knownMs, toMs };
  const fromMs = toMs - exposureMs;
  return { fromMs, knownMs: Math.max(fromMs, knownMs), toMs };
}
