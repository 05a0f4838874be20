/** What the clouds take: their documented limits, and how long a fleet takes within them. */
import type { Config, StoreKind } from "./config.ts";
import type { Answer, SecretResult } from "./ports.ts";

/** Calls a second, for each action in each region. What is not named has the limit of most actions of Tencent Cloud. */
const CALLS_PER_SECOND: Readonly<Record<string, number>> = {
  // SSM's API documents, "default request limit".
  DescribeSecret: 40,
  ListSecretVersionIds: 40,
  GetSecretValue: 300,
  // Secrets Manager User Guide, "Quotas": PutSecretValue and UpdateSecretVersionStage together.
  changes: 50,
};
const OTHER_CALLS_PER_SECOND = 20;

/** What limits are kept to: somewhat less than the cloud counts. */
const KEPT = 1 / 1.05;

/** A rotation makes four changes in Secrets Manager; in SSM it lists versions seven times. */
const STORE_ROTATIONS_PER_SECOND: Readonly<Record<StoreKind, number>> = { aws: 50 / 4, ssm: 40 / 7 };

/** If more rotations began in a second, their later calls would meet, and clients would wait for promotions. */
export function rotationsPerSecond(store: StoreKind, own = OTHER_CALLS_PER_SECOND): number {
  return (STORE_ROTATIONS_PER_SECOND[store] * KEPT * own) / OTHER_CALLS_PER_SECOND;
}

/**
 * The limit of a key `<region>/<action>`. `own`: what the operator has set in place of 20; all other limits are lowered, or raised, by
 * as much, since whatever shares one of them shares the others.
 */
export function callsPerSecond(own: number | undefined): (key: string) => number {
  return (key) => {
    const documented = CALLS_PER_SECOND[key.replace(/.*\//, "")] ?? OTHER_CALLS_PER_SECOND;
    return Math.max(1, Math.floor((documented * (own ?? OTHER_CALLS_PER_SECOND)) / OTHER_CALLS_PER_SECOND));
  };
}

/** A rotation by itself: nearly all of it is the task. 9 s in the one example that Tencent Cloud documents. */
const ROTATION_MS = 10_000;

/** How long the rotation of all that is due would take. It knows the limits, not who else uses them. */
export function forecast(
  results: readonly SecretResult[],
  {
    store,
    canary,
    callsPerSecond: own = OTHER_CALLS_PER_SECOND,
  }: Pick<Config, "store" | "canary" | "callsPerSecond">,
): NonNullable<Answer["forecast"]> {
  const due = results.filter(({ status }) => status === "planned" || status === "in-progress");
  const inRegion = new Map<string | undefined, number>();
  for (const { region } of due) inRegion.set(region, (inRegion.get(region) ?? 0) + 1);
  const most = Math.max(0, ...inRegion.values());
  const seconds = Math.max(most / own / KEPT, due.length / rotationsPerSecond(store, own));
  const turns = due.length === 0 ? 0 : due.length > canary && canary > 0 ? 2 : 1;
  return {
    rotations: due.length,
    perMinute: seconds === 0 ? 0 : Math.round((60 * due.length) / seconds),
    durationMs: Math.round(seconds * 1000) + turns * ROTATION_MS,
  };
}
