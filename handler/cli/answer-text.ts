import { styleText } from "node:util";
import type { Answer, SecretResult, Status } from "../../lib/ports.ts";
import { inWords } from "./progress-text.ts";

type Style = Parameters<typeof styleText>[0];

const STYLES: Readonly<Record<Status, Style>> = {
  rotated: "green",
  ok: "green",
  planned: "cyan",
  "in-progress": "yellow",
  "not-due": "dim",
  drift: "red",
  failed: "red",
};
const STATUS_WIDTH = Math.max(...Object.keys(STYLES).map(({ length }) => length));

type Widths = Readonly<Record<"secretId" | "instanceId" | "region", number>>;

/** An answer as people read it: a line for each secret, what went wrong below it, and a sum where there are several. */
export function answerText(answer: Answer): string {
  const { results, forecast } = answer;
  if (results.length === 0) return "No secret was found: see ROTATION_TAG and ROTATION_PREFIX\n";
  const widthOf = (column: "secretId" | "instanceId" | "region") =>
    Math.max(...results.map((result) => result[column]?.length ?? 0));
  const widths = {
    secretId: widthOf("secretId"),
    instanceId: widthOf("instanceId"),
    region: widthOf("region"),
  };
  const lines = results.flatMap((result) => [
    resultLine(result, widths),
    ...(result.error ? [`  ${styleText("bold", result.error.code)}: ${result.error.message}`] : []),
  ]);
  if (results.length > 1) lines.push(sumOf(answer));
  if (forecast) {
    const { rotations, perMinute, durationMs } = forecast;
    lines.push(`${rotations} to rotate, ${perMinute} a minute, about ${inWords(durationMs)}`);
  }
  return `${lines.join("\n")}\n`;
}

/** How many ended how. */
function sumOf({ results }: Answer): string {
  const counts = new Map<Status, number>();
  for (const { status } of results) counts.set(status, (counts.get(status) ?? 0) + 1);
  const parts = [...counts].map(([status, count]) => styleText(STYLES[status], `${count} ${status}`));
  return `${results.length} secrets: ${parts.join(", ")}`;
}

function resultLine(result: SecretResult, widths: Widths): string {
  const { secretId, status, instanceId, region, taskId, exposureMs, dueAt, durationMs } = result;
  const facts = [
    instanceId?.padEnd(widths.instanceId),
    region?.padEnd(widths.region),
    taskId && `task ${taskId}`,
    exposureMs !== undefined && `exposed ${exposureMs} ms`,
    dueAt && `due ${dueAt.slice(0, 16)}Z`,
    `${(durationMs / 1_000).toFixed(1)} s`,
  ];
  const told = styleText(STYLES[status], status) + " ".repeat(STATUS_WIDTH - status.length);
  return `${secretId.padEnd(widths.secretId)}  ${told}  ${facts.filter(Boolean).join("  ")}`;
}
