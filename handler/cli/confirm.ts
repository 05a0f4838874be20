import { confirm } from "@clack/prompts";
import type { Answer, SecretResult } from "../../lib/ports.ts";
import { inWords } from "./progress-text.ts";

/** So many are named; the others are counted. */
const NAMED = 5;

/** What a rotation of several secrets would touch, for a person who is about to allow it. */
export function previewText({ results, forecast }: Answer): string {
  const touched = results.filter(isTouched);
  const stopped = results.filter(({ status }) => status === "failed");
  const lines = [
    `${touched.length} of ${results.length} secrets would be rotated${forecast ? `, in about ${inWords(forecast.durationMs)}` : ""}:`,
    someNames(touched),
    ...(stopped.length > 0 ? [`${stopped.length} cannot be; \`plan\` says why:`, someNames(stopped)] : []),
  ];
  return `${lines.join("\n")}\n`;
}

/** One that is pending is carried on with, whatever its age. */
export function isTouched({ status }: SecretResult): boolean {
  return status === "planned" || status === "in-progress";
}

/** One a line. */
export function someNames(secrets: readonly Pick<SecretResult, "secretId">[]): string {
  const lines = secrets.slice(0, NAMED).map(({ secretId }) => `  ${secretId}`);
  const others = secrets.length - lines.length;
  return [...lines, ...(others > 0 ? [`  and ${others} more`] : [])].join("\n");
}

/** Asks on the terminal. Anything but a yes is a no. */
export async function isAllowed(question: string): Promise<boolean> {
  const options = { initialValue: false, output: process.stderr, withGuide: false };
  return (await confirm({ message: question, ...options })) === true;
}
