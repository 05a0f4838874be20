/** The part of the settings that says which secrets are rotated, when, and at what pace. */
import * as v from "valibot";
import type { Selection } from "./ports.ts";
import { wholeBetween } from "./schemas.ts";
import { type MaintenanceWindow, maintenanceWindow } from "./window.ts";

export interface FleetConfig {
  /** The secrets that a driven run works on where its payload names none. */
  readonly secretIds: readonly string[];
  /** Or how they are found. */
  readonly selection: Selection | undefined;
  readonly intervalDays: number;
  /** Over how many days after the interval the secrets of a fleet are spread, each by its name. */
  readonly staggerDays: number;
  /** When rotations may begin. Undefined: always. */
  readonly window: MaintenanceWindow | undefined;
  /** How many rotations of a run must succeed before the others begin. */
  readonly canary: number;
  /** After how many failures in a row for the same reason no more begin. 0: never. */
  readonly breaker: number;
  /** How many rotations may be under way at once. */
  readonly concurrency: number;
  /** Calls a second of each Tencent Cloud action in each region. Undefined: what is documented. */
  readonly callsPerSecond: number | undefined;
  /** The SQS queue that a scheduled run hands its secrets to. */
  readonly queueUrl: string | undefined;
  /** How many secrets a scheduled run on SCF hands to each further invocation of the function. */
  readonly fanOutSize: number | undefined;
}

export const httpUrl = v.pipe(v.string(), v.trim(), v.check(isHttpUrl, "must be an http: or https: URL"));
export const numeral = v.pipe(v.string(), v.regex(/^\d+(\.\d+)?$/, "must be a number"), v.transform(Number));
export const whole = (least: number, most: number) => v.pipe(numeral, wholeBetween(least, most));
const days = v.pipe(numeral, v.maxValue(3_650, "must be at most 3650"));
const names = v.pipe(
  v.string(),
  v.transform((text) =>
    text
      .split(",")
      .map((name) => name.trim())
      .filter(Boolean),
  ),
);
const tag = v.pipe(
  v.string(),
  v.regex(/^\s*[^=\s][^=]*=\s*\S/, "must be key=value"),
  v.transform((text) => {
    const [key = "", ...value] = text.split("=");
    return { key: key.trim(), value: value.join("=").trim() };
  }),
);

export const fleetVariables = {
  ROTATION_SECRETS: v.optional(names, ""),
  ROTATION_TAG: v.optional(tag),
  ROTATION_PREFIX: v.optional(v.pipe(v.string(), v.trim(), v.minLength(1, "must not be blank"))),
  ROTATION_INTERVAL_DAYS: v.optional(days, "30"),
  ROTATION_STAGGER_DAYS: v.optional(days, "0"),
  ROTATION_WINDOW: v.optional(v.string()),
  ROTATION_WINDOW_TIMEZONE: v.optional(v.string(), "UTC"),
  ROTATION_CANARY: v.optional(whole(0, 100), "1"),
  ROTATION_BREAKER: v.optional(whole(0, 1_000), "5"),
  ROTATION_CONCURRENCY: v.optional(whole(1, 1_000), "300"),
  API_CALLS_PER_SECOND: v.optional(whole(1, 1_000)),
  ROTATION_QUEUE_URL: v.optional(httpUrl),
  ROTATION_FAN_OUT_SIZE: v.optional(whole(1, 500)),
};

type FleetVariables = v.InferOutput<v.ObjectSchema<typeof fleetVariables, undefined>>;

const WAYS = ["ROTATION_SECRETS", "ROTATION_TAG", "ROTATION_PREFIX"] as const;

/** What does not fit together, whether or not each variable by itself is good. */
export function fleetProblems(set: Readonly<Record<string, string | undefined>>): string[] {
  const problems: string[] = [];
  const [way, ...others] = WAYS.filter((name) => set[name]);
  for (const name of others) problems.push(`${name}: must not be set with ${way}`);
  const { ROTATION_WINDOW: window, ROTATION_WINDOW_TIMEZONE: timeZone } = set;
  // Nothing is made where neither is set: a calendar costs each cold start some milliseconds.
  try {
    if (timeZone !== undefined) maintenanceWindow("* * * * *", timeZone);
  } catch {
    problems.push("ROTATION_WINDOW_TIMEZONE: must be a time zone such as Asia/Shanghai");
    return problems;
  }
  try {
    if (window !== undefined) maintenanceWindow(window, timeZone ?? "UTC");
  } catch {
    problems.push(
      "ROTATION_WINDOW: must be five fields of cron that begin with * and name a time that comes, such as * 1-4 * * *",
    );
  }
  return problems;
}

export function fleetConfig(variables: FleetVariables): FleetConfig {
  const { ROTATION_TAG, ROTATION_PREFIX, ROTATION_WINDOW } = variables;
  return {
    secretIds: variables.ROTATION_SECRETS,
    selection: ROTATION_TAG
      ? { tag: ROTATION_TAG }
      : ROTATION_PREFIX
        ? { prefix: ROTATION_PREFIX }
        : undefined,
    intervalDays: variables.ROTATION_INTERVAL_DAYS,
    staggerDays: variables.ROTATION_STAGGER_DAYS,
    window: ROTATION_WINDOW
      ? maintenanceWindow(ROTATION_WINDOW, variables.ROTATION_WINDOW_TIMEZONE)
      : undefined,
    canary: variables.ROTATION_CANARY,
    breaker: variables.ROTATION_BREAKER,
    concurrency: variables.ROTATION_CONCURRENCY,
    callsPerSecond: variables.API_CALLS_PER_SECOND,
    queueUrl: variables.ROTATION_QUEUE_URL,
    fanOutSize: variables.ROTATION_FAN_OUT_SIZE,
  };
}

function isHttpUrl(text: string): boolean {
  try {
    return /^https?:\/\//i.test(text) && new URL(text).host !== "";
  } catch {
    return false;
  }
}
