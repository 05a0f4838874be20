import { confirm } from "@clack/prompts";
import type { Answer, SecretResult } from "../../lib/ports.ts";
import { someNames } from "./names.ts";
import { inWords } from "./progress-text.ts";

/** What a rotation of several secrets would touch, for a person who is about to allow it. */
export function previewText({ results, forecast }: Answer): string {
  const touched = results.filter(isTouched);
  const stopped = results.filter(({ status }) => status === "failed");
  const lines = [
    `${touched.length} of ${results.length} secrets would be rotated${forecast ? `, in about ${inWords(forecast.durationMs)}` : ""}:`,
    ...indented(touched),
    ...(stopped.length > 0 ? [`${stopped.length} cannot be; \`plan\` says why:`, ...indented(stopped)] : []),
  ];
  return `${lines.join("\n")}\n`;
}

/** One that is pending is carried on with, whatever its age. */
export function isTouched({ status }: SecretResult): boolean {
  return status === "planned" || status === "in-progress";
}

function indented(results: readonly SecretResult[]): string[] {
  return someNames(results.map(({ secretId }) => secretId)).map((name) => `  ${name}`);
}

/** Asks on the terminal. Anything but a yes is a no. */
export async function isAllowed(question: string): Promise<boolean> {
  const options = { initialValue: false, output: process.stderr, withGuide: false };
  return (await confirm({ message: question, ...options })) === true;
}
