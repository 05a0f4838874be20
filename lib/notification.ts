/** What is told of failures, drift and rotations that are stuck: which of a run's results are, and in which words. */
import type { Effect, ErrorCode } from "./errors.ts";
import type { Digest, SecretResult } from "./ports.ts";

/** One thing that needs somebody's attention. */
export interface Problem {
  /** `stuck`: the rotation is in progress, and its version has been pending for too long. */
  readonly event: "failed" | "drift" | "stuck";
  /** The same for the same event, secret and code all day (UTC): whoever was told need not be told again. */
  readonly key: string;
  /** Undefined where it is no single secret that failed. */
  readonly secretId: string | undefined;
  readonly instanceId: string | undefined;
  readonly region: string | undefined;
  readonly versionId: string | undefined;
  readonly taskId: number | undefined;
  readonly pendingSince: string | undefined;
  readonly code: ErrorCode | undefined;
  readonly effect: Effect | undefined;
  /** What happened, and what the operator does next. */
  readonly message: string | undefined;
}

/** All that one invocation has to tell. */
export interface Notification {
  /** The same for the same problems of a function all day (UTC). */
  readonly id: string;
  /** ISO 8601. */
  readonly at: string;
  readonly function: string;
  readonly requestId: string;
  /** What the invocation came from. */
  readonly trigger: "schedule" | "queue" | "managed";
  readonly summary: {
    /** Whose result is known. */
    readonly secrets: number;
    readonly failed: number;
    readonly drift: number;
    readonly stuck: number;
    /** Not begun because of those that failed. */
    readonly stopped: number;
  };
  readonly problems: readonly Problem[];
  /** Problems that are counted and not listed. */
  readonly omitted: number;
}

/** Tells one receiver, once. Resolves when it has taken the notification. */
export type Notify = (notification: Notification) => Promise<void>;

/** What an invocation has come to: results of its secrets, and failures that no secret has a result for. */
export type Outcome = Omit<SecretResult, "secretId" | "durationMs"> & { readonly secretId?: string };

export interface Circumstances {
  readonly nowMs: number;
  /** How long a version may be pending. */
  readonly stuckMs: number;
  readonly functionName: string;
  /** The platform's id of the invocation. */
  readonly requestId: string;
  readonly trigger: Notification["trigger"];
  readonly digest: Digest;
}

/** So many with the longest texts stay below the 256 kB that SNS and EventBridge take. */
const MAX_PROBLEMS = 50;
const MAX_MESSAGE_LENGTH = 500;
const STOPPED: ErrorCode = "FleetStopped";

/** What there is to tell of all that an invocation has come to. Undefined: nothing. */
export function notificationOf(
  outcomes: readonly Outcome[],
  circumstances: Circumstances,
): Notification | undefined {
  const { nowMs, functionName, requestId, trigger, digest } = circumstances;
  const short = (...parts: readonly string[]) => digest(parts.join("\n")).slice(0, 32);
  const day = new Date(nowMs).toISOString().slice(0, 10);
  const found = outcomes.flatMap((outcome): Problem[] => {
    const event = eventOf(outcome, circumstances);
    if (event === undefined) return [];
    const { secretId, instanceId, region, versionId, taskId, pendingSince, error } = outcome;
    const key = short(functionName, secretId ?? "", event, error?.code ?? "", day);
    const { code, effect } = error ?? {};
    const message = error?.message.slice(0, MAX_MESSAGE_LENGTH);
    const seen = { secretId, instanceId, region, versionId, taskId, pendingSince };
    return [{ event, key, ...seen, code, effect, message }];
  });
  if (found.length === 0) return undefined;
  const count = (wanted: Problem["event"]) => found.filter(({ event }) => event === wanted).length;
  return {
    id: short(functionName, ...found.map(({ key }) => key).sort()),
    at: new Date(nowMs).toISOString(),
    function: functionName,
    requestId,
    trigger,
    summary: {
      secrets: outcomes.filter(({ secretId }) => secretId !== undefined).length,
      failed: count("failed"),
      drift: count("drift"),
      stuck: count("stuck"),
      stopped: outcomes.filter(({ error }) => error?.code === STOPPED).length,
    },
    problems: found.slice(0, MAX_PROBLEMS),
    omitted: Math.max(0, found.length - MAX_PROBLEMS),
  };
}

function eventOf(
  { status, pendingSince }: Outcome,
  { nowMs, stuckMs }: Circumstances,
): Problem["event"] | undefined {
  if (status === "failed" || status === "drift") return status;
  if (status !== "in-progress" || pendingSince === undefined) return undefined;
  return nowMs - Date.parse(pendingSince) >= stuckMs ? "stuck" : undefined;
}

/** One line, without what could hide or reorder a text: control characters, and those that set its direction. */
function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, " ").trim();
}

export interface TextOptions {
  /** UTF-8, after the escape. */
  readonly maxBytes: number;
  /** Takes from a text what the receiver would not show as it is. Default: nothing. */
  readonly withEscapes?: (text: string) => string;
}

/** What happened, in one line of ASCII. */
export function headlineOf({ summary, function: name }: Notification): string {
  const { secrets, failed, drift, stuck } = summary;
  const counts = Object.entries({ failed, drift, stuck }).filter(([, count]) => count > 0);
  const of = secrets > 1 ? ` of ${secrets} secrets` : "";
  const ascii = oneLine(name).replace(/[^ -~]/g, "?");
  return `Redis rotation: ${counts.map(([event, count]) => `${count} ${event}`).join(", ")}${of} (${ascii})`;
}

/**
 * A notification as text, for people. Where it would be longer than allowed, problems are told without their messages, and
 * then counted only.
 */
export function textOf(
  notification: Notification,
  { maxBytes, withEscapes = (text) => text }: TextOptions,
): string {
  const { problems, omitted, requestId, summary } = notification;
  const shown = (text: string) => withEscapes(oneLine(text));
  const lines = [shown(headlineOf(notification))];
  if (summary.stopped > 0)
    lines.push(`${summary.stopped} were not begun: the run has stopped (FleetStopped)`);
  const last = shown(`Request ${requestId}`);
  const more = (left: number) => (left > 0 ? [`and ${left} more, see the log`] : []);
  const fits = (added: readonly string[], left: number) =>
    Buffer.byteLength([...lines, ...added, ...more(left), last].join("\n")) <= maxBytes;
  let left = problems.length + omitted;
  for (const problem of problems) {
    const brief = shown(briefly(problem));
    const full = problem.message === undefined ? [brief] : [brief, shown(problem.message)];
    const added = [full, [brief]].find((each) => fits(each, left - 1));
    if (added === undefined) break;
    lines.push(...added);
    left -= 1;
  }
  return [...lines, ...more(left), last].join("\n");
}

function briefly({ event, secretId, instanceId, region, code, pendingSince }: Problem): string {
  const place = instanceId === undefined ? "" : ` (${[instanceId, region].filter(Boolean).join(", ")})`;
  const since = event === "stuck" ? `pending since ${pendingSince}` : undefined;
  const why = [since, code].filter(Boolean).join(", ");
  return `${event}: ${secretId ?? "the whole run"}${place}${why && `: ${why}`}`;
}
