import type { Action, Answer, SecretResult, Status } from "../../lib/ports.ts";

/** The worst first. */
export const STATUSES: readonly Status[] = [
  "failed",
  "drift",
  "in-progress",
  "planned",
  "rotated",
  "ok",
  "not-due",
];

/** What a headline does not leave out. */
const FLAWS: readonly (readonly [Status, string])[] = [
  ["failed", "failed"],
  ["drift", "drifted"],
  ["in-progress", "in progress"],
];

const TITLES: Record<Action, string> = {
  rotate: "Rotation",
  rollback: "Rollback",
  plan: "Plan of a rotation",
  status: "Status",
  verify: "Verification",
  abandon: "Abandonment",
};

/** Which results an action is about, and what is said of them. */
const AIMS: Record<Action, readonly [Status, string]> = {
  rotate: ["rotated", "rotated"],
  rollback: ["rotated", "rolled back"],
  plan: ["planned", "to be rotated"],
  status: ["planned", "due"],
  verify: ["ok", "verified"],
  abandon: ["ok", "without a pending version"],
};

export function titleOf({ action }: Answer): string {
  return TITLES[action];
}

/** The answer in one sentence. */
export function headlineOf({ action, results }: Answer): string {
  const [status, participle] = AIMS[action];
  const [first] = results;
  if (first === undefined) return "No secret was found";
  if (results.length === 1) {
    return `${first.secretId}: ${first.status === status ? participle : statusWords(first.status)}`;
  }
  const reached = countOf(results, status);
  const among =
    reached === results.length ? `All ${count(reached)}` : `${count(reached)} of ${count(results.length)}`;
  const flaws = FLAWS.flatMap(([flaw, word]) => {
    const found = countOf(results, flaw);
    return found > 0 ? [`${count(found)} ${word}`] : [];
  });
  return [`${among} secrets ${participle}`, ...flaws].join(", ");
}

export function statusWords(status: Status): string {
  return status.replace("-", " ");
}

export function countOf(results: readonly SecretResult[], status: Status): number {
  return results.filter((result) => result.status === status).length;
}

/** `12 345` with a thin space, as it is read the same everywhere. */
export function count(value: number): string {
  return value.toLocaleString("en").replaceAll(",", "\u202f");
}

/** A length of time for a reader: `312 ms`, `9.8 s`, `2 min 5 s`, `1 h 4 min`. */
export function duration(ms: number): string {
  if (Math.round(ms) < 1_000) return `${Math.round(ms)} ms`;
  if (Math.round(ms / 100) < 600) return `${(ms / 1_000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1_000);
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** In UTC, to the second. */
export function moment(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19).replace("T", " ")} UTC`;
}
