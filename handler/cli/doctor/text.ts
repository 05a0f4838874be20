import { styleText } from "node:util";
import { someNames } from "../names.ts";
import { CHECKS, type Check, type CheckName, type Finding, type Report } from "./checks.ts";

type Style = Parameters<typeof styleText>[0];

const MARKS: Readonly<Record<Finding["status"], readonly [mark: string, style: Style]>> = {
  good: ["✔", "green"],
  bad: ["✖", "red"],
  unknown: ["!", "yellow"],
  skipped: ["-", "dim"],
};
const WIDTH = Math.max(...CHECKS.map(({ length }) => length));

/** Those that there is one of for each secret: what they find alike is told once. */
const OF_SECRETS: ReadonlySet<CheckName> = new Set([
  "secret",
  "instance",
  "account",
  "password-rule",
  "redis",
  "password",
]);

/** A line for each check, and below it what to do. What is alike is told in one line. */
export function checkLines(checks: readonly Check[]): string {
  const groups = new Map<string, Check[]>();
  for (const check of checks) groups.set(keyOf(check), [...(groups.get(keyOf(check)) ?? []), check]);
  return [...groups.values()].map(groupLines).join("");
}

function keyOf({ name, subject, status, found, code, fix }: Check): string {
  if (subject === undefined) return JSON.stringify([status, found, code, fix, status === "skipped" || name]);
  if (name === "permission") return JSON.stringify([name, status, found, code, fix]);
  if (!OF_SECRETS.has(name)) return JSON.stringify([name, subject]);
  // What differs from secret to secret has digits in it: ids, addresses, ports. Of what is good nothing differs that matters.
  const isPlain = status === "good" || status === "skipped";
  const alike = isPlain ? found : found.replaceAll(subject, "").replace(/\S*\d\S*/g, "");
  return JSON.stringify([name, status, alike, code, fix]);
}

function groupLines(group: readonly Check[]): string {
  const [first] = group;
  if (first === undefined) return "";
  const { status, found, code, fix } = first;
  const [mark, style] = MARKS[status];
  const name = group.length > 1 && first.subject === undefined ? "the rest" : first.name;
  const said = [subjectOf(group), code, found].filter((part) => part !== undefined && part !== "");
  const line = `${styleText(style, mark)} ${styleText("bold", name.padEnd(WIDTH))}  ${said.join(": ")}\n`;
  return fix === undefined ? line : `${line}${" ".repeat(WIDTH + 4)}${styleText("cyan", "fix:")} ${fix}\n`;
}

function subjectOf(group: readonly Check[]): string {
  const [first, ...others] = group;
  const subjects = group.map(({ name, subject }) => subject ?? name);
  if (first === undefined || others.length === 0) return first?.subject ?? "";
  if (!OF_SECRETS.has(first.name) || first.subject === undefined) return subjects.join(", ");
  const count = `${group.length} secrets`;
  if (first.status === "good" || first.status === "skipped") return count;
  return `${count} (${someNames(subjects).join(", ")}), the first`;
}

export function summaryText({ summary }: Report): string {
  const counts = Object.entries(summary) as [Finding["status"], number][];
  const parts = counts
    .filter(([, count]) => count > 0)
    .map(([status, count]) => styleText(MARKS[status][1], `${count} ${status}`));
  return `${parts.join(", ")}\n`;
}
