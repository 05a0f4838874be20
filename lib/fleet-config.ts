/** The part of the settings that says which secrets are rotated, when, and at what pace. */
import * as z from "zod/mini";
import type { Selection } from "./ports.ts";
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

export const number = z.pipe(
  z.string().check(z.regex(/^\d+(\.\d+)?$/, "must be a number")),
  z.transform(Number),
);
const days = z.pipe(number, z.number().check(z.maximum(3_650)));
const count = (least: number, most: number) =>
  z.pipe(number, z.int().check(z.minimum(least), z.maximum(most)));
const names = z.pipe(
  z.string(),
  z.transform((text) =>
    text
      .split(",")
      .map((name) => name.trim())
      .filter(Boolean),
  ),
);
const tag = z.pipe(
  z.string().check(z.regex(/^\s*[^=\s][^=]*=\s*\S/, "must be key=value")),
  z.transform((text) => {
    const [key = "", ...value] = text.split("=");
    return { key: key.trim(), value: value.join("=").trim() };
  }),
);

export const fleetVariables = {
  ROTATION_SECRETS: z._default(names, []),
  ROTATION_TAG: z.optional(tag),
  ROTATION_PREFIX: z.optional(z.string().check(z.trim(), z.minLength(1, "must not be blank"))),
  ROTATION_INTERVAL_DAYS: z._default(days, 30),
  ROTATION_STAGGER_DAYS: z._default(days, 0),
  ROTATION_WINDOW: z.optional(z.string()),
  ROTATION_WINDOW_TIMEZONE: z._default(z.string(), "UTC"),
  ROTATION_CANARY: z._default(count(0, 100), 1),
  ROTATION_BREAKER: z._default(count(0, 1_000), 5),
  ROTATION_CONCURRENCY: z._default(count(1, 1_000), 300),
  API_CALLS_PER_SECOND: z.optional(count(1, 1_000)),
  ROTATION_QUEUE_URL: z.optional(z.url({ protocol: /^https?$/ })),
  ROTATION_FAN_OUT_SIZE: z.optional(count(1, 500)),
};

const schema = z.object(fleetVariables);

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

export function fleetConfig(variables: z.infer<typeof schema>): FleetConfig {
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
