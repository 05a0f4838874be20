/**
 * What the versions of an SSM secret mean. SSM has no labels: a version is an id with a text, and consumers read the
 * one whose id is `SSM_Current`. So the ids say what was decided about a version, and the text of `SSM_Current`, which
 * one call replaces, says which one is current.
 *
 *     staged.<id>            the value, as it was staged
 *     released.<id>          the same value: the label pending was taken off it
 *     promoted.<turn>.<id>   the same value: it became the current one, as the turn-th
 */
import type { Stage } from "../ports.ts";

export const CURRENT_ID = "SSM_Current";

/** SSM's own limit for one secret. */
export const MAX_VERSIONS = 10;

/** What one rotation may still have to store: the value, that it was promoted, and a value that was set by hand. */
const RESERVED_VERSIONS = 3;

/** Versions whose time is over are kept a while: a run that looked away finds its id taken, not free. */
const MAX_RETIRED = 3;

/** One version as SSM lists it. */
export interface ListedVersion {
  readonly storedId: string;
  readonly createdAtMs: number;
}

/** One version of the rotation: one or more entries of SSM's list, all with the same text. */
export interface SsmVersion {
  readonly versionId: string;
  /** The entry that has its value. */
  readonly storedId: string;
  /** Entries of it that nothing depends on any more. */
  readonly leftovers: readonly string[];
  /** Of the first entry that is left. */
  readonly createdAtMs: number;
  /** Of the entry that decides what it is. */
  readonly decidedAtMs: number;
  /** 0: never seen as the current one. */
  readonly turn: number;
  /** Neither released nor promoted. */
  readonly isOpen: boolean;
}

export interface SsmHistory {
  readonly listed: readonly ListedVersion[];
  /** In the order in which they are compared with `SSM_Current`. */
  readonly versions: readonly SsmVersion[];
  readonly newestTurn: number;
  /** When SSM says that `SSM_Current` was made. Whether an update renews that is not documented. */
  readonly currentListedAtMs: number;
}

/** A history, and what `SSM_Current` holds. */
export interface SsmState extends SsmHistory {
  readonly current: {
    readonly versionId: string;
    readonly text: string;
    /** Whether it is the newest in `promoted`, so that it will be found as the previous one. */
    readonly isRecorded: boolean;
  };
}

const ENTRY = /^(?:(staged|released)|promoted\.([1-9]\d{0,8}))\.([A-Za-z0-9_-]+)$/;
const BY_HAND = "by-hand-";
const PLAIN_ID = /^(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|by-hand-[1-9]\d*)$/;

export const stagedId = (versionId: string): string | undefined => entryId("staged", versionId);
export const releasedId = (versionId: string): string | undefined => entryId("released", versionId);
export const promotedId = (turn: number, versionId: string): string | undefined =>
  entryId(`promoted.${turn}`, versionId);

/** An id has 64 places: 64 hexadecimal digits are written as 43 characters, a UUID as it is. */
function entryId(kind: string, versionId: string): string | undefined {
  if (PLAIN_ID.test(versionId)) return `${kind}.${versionId}`;
  if (!/^[0-9a-f]{64}$/.test(versionId)) return undefined;
  return `${kind}.${Buffer.from(versionId, "hex").toString("base64url")}`;
}

function versionIdOf(written: string): string | undefined {
  if (PLAIN_ID.test(written)) return written;
  const bytes = Buffer.from(written, "base64url");
  return bytes.length === 32 && bytes.toString("base64url") === written ? bytes.toString("hex") : undefined;
}

/** Reads SSM's list. Versions that are not the rotation's are counted and otherwise left alone. */
export function readHistory(listed: readonly ListedVersion[]): SsmHistory | undefined {
  const current = listed.find(({ storedId }) => storedId === CURRENT_ID);
  if (current === undefined) return undefined;
  const groups = new Map<string, { storedId: string; createdAtMs: number; rank: number }[]>();
  for (const { storedId, createdAtMs } of listed) {
    const [, kind, turn = "0", written = ""] = ENTRY.exec(storedId) ?? [];
    const versionId = versionIdOf(written);
    if (versionId === undefined) continue;
    const rank = kind === "staged" ? -1 : Number(turn);
    groups.set(versionId, [...(groups.get(versionId) ?? []), { storedId, createdAtMs, rank }]);
  }
  const versions = [...groups].map(([versionId, entries]): SsmVersion => {
    const [decisive, ...others] = entries.toSorted((a, b) => b.rank - a.rank);
    if (decisive === undefined) throw new Error("A group has an entry");
    return {
      versionId,
      storedId: decisive.storedId,
      leftovers: others.map(({ storedId }) => storedId),
      createdAtMs: Math.min(...entries.map(({ createdAtMs }) => createdAtMs)),
      decidedAtMs: decisive.createdAtMs,
      turn: Math.max(0, decisive.rank),
      isOpen: decisive.rank < 0,
    };
  });
  return {
    listed,
    // A promotion under way comes first, then the latest one: a rollback has the text of an older version.
    versions: versions.toSorted(
      (a, b) => Number(b.isOpen) - Number(a.isOpen) || b.turn - a.turn || byAge(a, b),
    ),
    newestTurn: Math.max(0, ...versions.map(({ turn }) => turn)),
    currentListedAtMs: current.createdAtMs,
  };
}

/** `match`: the first version whose text is that of `SSM_Current`. Without one, the text was put there by hand. */
export function withCurrent(history: SsmHistory, text: string, match: SsmVersion | undefined): SsmState {
  const versionId = match?.versionId ?? `${BY_HAND}${history.newestTurn + 1}`;
  const isRecorded = match !== undefined && match.turn > 0 && match.turn === history.newestTurn;
  return { ...history, current: { versionId, text, isRecorded } };
}

/** The version that is pending: of several the oldest, so that whoever came first goes on. */
export function pendingOf({ versions, current }: SsmState): SsmVersion | undefined {
  return versions.filter(({ isOpen, versionId }) => isOpen && versionId !== current.versionId).sort(byAge)[0];
}

export function stagesOf(state: SsmState, versionId: string): readonly Stage[] {
  const { versions, current } = state;
  const pending = pendingOf(state) ?? versions.find(({ isOpen }) => isOpen);
  const previous = versions.find((version) => version.turn > 0 && version.versionId !== current.versionId);
  const stages: Stage[] = [];
  if (versionId === current.versionId) stages.push("current");
  if (versionId === previous?.versionId) stages.push("previous");
  if (versionId === pending?.versionId) stages.push("pending");
  return stages;
}

/** What was set by hand is as old as SSM says, not as the record that a rotation has made of it. */
export function createdAt({ versions, current, currentListedAtMs }: SsmState, versionId: string): Date {
  const recordedAtMs = versions.find((version) => version.versionId === versionId)?.createdAtMs;
  const isByHand = versionId === current.versionId && versionId.startsWith(BY_HAND);
  return new Date(Math.min(recordedAtMs ?? currentListedAtMs, isByHand ? currentListedAtMs : Infinity));
}

/** When the current version became the current one; undefined where it was set by hand, or a promotion is under way. */
export function promotedAt({ versions, current }: SsmState): Date | undefined {
  const found = versions.find(({ versionId }) => versionId === current.versionId);
  return found && found.turn > 0 ? new Date(found.decidedAtMs) : undefined;
}

/**
 * What may be deleted before a version is staged: leftovers, and of the versions without a stage all but the newest few.
 * `missing`: how many places are wanting even then, all taken by versions that are not the rotation's.
 */
export function collect(state: SsmState): { readonly garbage: readonly string[]; readonly missing: number } {
  const leftovers = state.versions.flatMap((version) => version.leftovers);
  const retired = state.versions
    .filter(({ isOpen, versionId }) => !isOpen && stagesOf(state, versionId).length === 0)
    .sort(byAge);
  const needed = state.listed.length - leftovers.length - retired.length + (state.current.isRecorded ? 0 : 1);
  const places = MAX_VERSIONS - RESERVED_VERSIONS - needed;
  const kept = Math.max(0, Math.min(MAX_RETIRED, places));
  const ended = retired.slice(0, Math.max(0, retired.length - kept));
  return {
    garbage: [...leftovers, ...ended.map(({ storedId }) => storedId)],
    missing: Math.max(0, -places),
  };
}

function byAge(a: SsmVersion, b: SsmVersion): number {
  return a.createdAtMs - b.createdAtMs || (a.versionId < b.versionId ? -1 : 1);
}
