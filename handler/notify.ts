import { createLog } from "../lib/drivers/log.ts";
import { type ProxySettings, parseProxy } from "../lib/drivers/proxy-settings.ts";
import { abortAfter, systemClock as clock, digest } from "../lib/drivers/runtime.ts";
import { asRotationError, RotationError } from "../lib/errors.ts";
import { type Notification, notificationOf, type Outcome } from "../lib/notification.ts";
import { type NotifyConfig, parseNotifyConfig } from "../lib/notify-config.ts";
import type { Composition, Invocation } from "./compose.ts";
import type { Request } from "./events.ts";
import { receiversOf } from "./receivers.ts";

/** All receivers together may take so long. */
const NOTIFY_MS = 5_000;
/** Left to the platform's end, for the answer. */
const LAST_MS = 1_000;

/** What there is to tell of an invocation. */
export interface Ended {
  readonly request: Request;
  readonly outcomes: readonly Outcome[];
  /** When the platform ends the function, in milliseconds since the epoch. */
  readonly endsAtMs: number;
  /** Undefined where it could not be made. */
  readonly composition: Composition | undefined;
}

/**
 * Tells of what an invocation has come to that nobody waits for: once, all receivers side by side, for some seconds at most.
 * Never throws: that a receiver could not be told is on the log.
 */
export async function notify(invocation: Invocation, ended: Ended): Promise<void> {
  try {
    await tellAll(invocation, ended);
  } catch (thrown) {
    createLog({ level: "error", ...invocation.log }).error(asRotationError(thrown));
  }
}

async function tellAll(invocation: Invocation, ended: Ended): Promise<void> {
  const trigger = triggerOf(ended.request);
  const settings = trigger && readSettings(invocation);
  if (trigger === undefined || settings === undefined) return;
  const { function: functionName, requestId } = invocation.log.bindings;
  const notification = notificationOf(ended.outcomes, {
    nowMs: clock.now(),
    stuckMs: settings.config.stuckMs,
    functionName: String(functionName),
    requestId: String(requestId),
    trigger,
    digest,
  });
  if (notification === undefined) return;
  const signal = abortAfter(Math.min(NOTIFY_MS, ended.endsAtMs - LAST_MS - clock.now()));
  const { environment } = invocation;
  const store = ended.composition?.context.store;
  const log = ended.composition?.log ?? createLog({ level: "info", ...invocation.log });
  await Promise.all(
    receiversOf({ ...settings, environment, store, signal }).map(async ({ channel, tell }) => {
      const startedAtMs = clock.now();
      const error = await failureOf(tell(notification), signal);
      log.notification({
        channel,
        notificationId: notification.id,
        problems: notification.problems.length + notification.omitted,
        durationMs: clock.now() - startedAtMs,
        ...(error && { error }),
      });
    }),
  );
}

/** An operator who invokes the function by hand has its answer. */
function triggerOf(request: Request): Notification["trigger"] | undefined {
  if (request.kind === "step") return "managed";
  if (request.kind === "queue") return "queue";
  return request.scheduled ? "schedule" : undefined;
}

interface Settings {
  readonly config: NotifyConfig;
  readonly proxy: ProxySettings | undefined;
}

/** Undefined where they are wrong: then that is what the invocation has failed for. */
function readSettings({ environment, defaultStore }: Invocation): Settings | undefined {
  try {
    return { config: parseNotifyConfig(environment, defaultStore), proxy: parseProxy(environment) };
  } catch {
    return undefined;
  }
}

/** Whatever it goes on waiting for, nobody waits for it longer than for the signal. */
async function failureOf(told: Promise<void>, signal: AbortSignal): Promise<RotationError | undefined> {
  const isOver = new Promise<undefined>((resolve) => {
    signal.addEventListener("abort", () => resolve(undefined));
  });
  const error = await Promise.race([told.then(() => undefined, asRotationError), isOver]);
  return signal.aborted ? late() : error;
}

function late(): RotationError {
  return new RotationError("NoAnswer", "It did not answer in the time that was left", { effect: "none" });
}
