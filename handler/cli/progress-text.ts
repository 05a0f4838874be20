import { styleText } from "node:util";
import type { Going, Progress } from "./progress.ts";

const BAR = 24;
const SPINNER = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const TURN_MS = 100;

export interface Screen {
  readonly columns: number;
  readonly rows: number;
}

/** What a terminal shows while a command works: a line for each secret under way, and below them how far all are. */
export function progressText(progress: Progress, nowMs: number, screen: Screen): string {
  const { going } = progress;
  // One for the bar, one for what did not find room, one for the cursor.
  const room = Math.max(1, screen.rows - 3);
  const width = Math.max(0, ...going.slice(0, room).map(({ secretId }) => secretId.length));
  const lines = going.slice(0, room).map((secret) => goingLine(secret, nowMs, width, screen.columns));
  const hidden = going.length - lines.length;
  if (hidden > 0) lines.push(styleText("dim", `  and ${hidden} more under way`));
  return [...lines, barLine(progress, nowMs)].join("\n");
}

function goingLine(
  { secretId, sinceMs, doing }: Going,
  nowMs: number,
  width: number,
  columns: number,
): string {
  const seconds = `${((nowMs - sinceMs) / 1_000).toFixed(1)} s`.padStart(7);
  const room = Math.max(8, columns - seconds.length - doing.length - 7);
  const name =
    secretId.length > room ? `${secretId.slice(0, room - 1)}…` : secretId.padEnd(Math.min(width, room));
  return `${styleText("cyan", spinner(nowMs))} ${name}  ${styleText("dim", seconds)}  ${doing}`;
}

function barLine({ total, ended, counts, leftMs }: Progress, nowMs: number): string {
  const filled = total === 0 ? 0 : Math.floor((BAR * ended) / total);
  const bar = styleText("green", "━".repeat(filled)) + styleText("dim", "─".repeat(BAR - filled));
  const facts = [...counts].map(([status, count]) => `${count} ${status}`);
  if (leftMs !== undefined && leftMs > 0 && ended < total) facts.push(`about ${inWords(leftMs)} left`);
  return `${styleText("cyan", spinner(nowMs))} ${bar} ${ended}/${total}  ${facts.join(", ")}`;
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
