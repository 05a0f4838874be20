import { styleText } from "node:util";
import { printable } from "./printable.ts";
import type { Going, Progress } from "./progress.ts";

const BAR = 24;
const SPINNER = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const TURN_MS = 100;

export interface Screen {
  readonly columns: number;
  readonly rows: number;
}

/** What a terminal shows while a command works: a line for each secret under way, and below them how far all are. */
export function progressText(progress: Progress, nowMs: number, { columns, rows }: Screen): string {
  const { going } = progress;
  // One for the bar, one for what did not find room, one for the cursor.
  const room = Math.max(1, rows - 3);
  // The last column stays empty: some terminals go on to the next line after it.
  const width = columns - 1;
  const names = Math.max(0, ...going.slice(0, room).map(({ secretId }) => secretId.length));
  const lines = going.slice(0, room).map((secret) => goingLine(secret, nowMs, names, width));
  const hidden = going.length - lines.length;
  if (hidden > 0) lines.push(styleText("dim", cut(`  and ${hidden} more under way`, width)));
  return [...lines, barLine(progress, nowMs, width)].join("\n");
}

function goingLine({ secretId, sinceMs, doing }: Going, nowMs: number, names: number, width: number): string {
  const seconds = `${((nowMs - sinceMs) / 1_000).toFixed(1)} s`.padStart(7);
  // Of what does not fit the name is shortened first.
  const nameRoom = Math.max(8, width - seconds.length - doing.length - 6);
  const name = cut(printable(secretId).padEnd(Math.min(names, nameRoom)), Math.min(nameRoom, width - 2));
  const doingRoom = width - 2 - name.length - 2 - seconds.length - 2;
  const facts = doingRoom > 0 ? `  ${styleText("dim", seconds)}  ${cut(printable(doing), doingRoom)}` : "";
  return `${styleText("cyan", spinner(nowMs))} ${name}${facts}`;
}

function barLine({ total, ended, counts, leftMs }: Progress, nowMs: number, width: number): string {
  const facts = [...counts].map(([status, count]) => `${count} ${status}`);
  if (leftMs !== undefined && leftMs > 0 && ended < total) facts.push(`about ${inWords(leftMs)} left`);
  const told = `${ended}/${total}  ${facts.join(", ")}`;
  const length = Math.max(0, Math.min(BAR, width - told.length - 3));
  const filled = total === 0 ? 0 : Math.floor((length * ended) / total);
  const bar = styleText("green", "━".repeat(filled)) + styleText("dim", "─".repeat(length - filled));
  return `${styleText("cyan", spinner(nowMs))} ${bar}${length > 0 ? " " : ""}${cut(told, width - 2)}`;
}

function cut(text: string, length: number): string {
  if (text.length <= length) return text;
  return length <= 1 ? "" : `${text.slice(0, length - 1)}…`;
}

function spinner(nowMs: number): string {
  return SPINNER[Math.floor(nowMs / TURN_MS) % SPINNER.length] ?? "";
}

/** A duration as one says it: rounded up, since nobody minds when it is over sooner. */
export function inWords(durationMs: number): string {
  const seconds = Math.ceil(durationMs / 1_000);
  if (seconds <= 90) return `${seconds} s`;
  const minutes = Math.ceil(seconds / 60);
  return minutes <= 90 ? `${minutes} min` : `${(minutes / 60).toFixed(1)} h`;
}
