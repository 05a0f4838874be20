import { confirm } from "@clack/prompts";
import type { Answer, SecretResult } from "../../lib/ports.ts";
import { someNames } from "./names.ts";
import { inWords } from "./progress-text.ts";

/** What a rotation of several secrets would touch, for a person who is about to allow it. */
export function previewText({ results, forecast }: Answer): string {
  const touched = results.filter(isTouched);
  const unsure = results.filter(isUnsure);
  const time = forecast ? `, in about ${inWords(forecast.durationMs)}` : "";
  const lines = [
    `${touched.length} of ${results.length} secrets would be rotated${time}:`,
    ...indented(touched),
    ...(unsure.length > 0
      ? [`${unsure.length} cannot be as it looks; \`plan\` says why:`, ...indented(unsure)]
      : []),
  ];
  return `${lines.join("\n")}\n`;
}

export function questionAbout({ results }: Answer): string {
  const touched = results.filter(isTouched).length;
  const unsure = results.filter(isUnsure).length;
  return unsure === 0
    ? `Rotate ${touched} secrets?`
    : `Rotate ${touched}, and try the other ${unsure} as well?`;
}

/** What a rotation may change: also what could not be looked at, since its trouble may have passed by then. */
export function mayBeTouched(result: SecretResult): boolean {
  return isTouched(result) || isUnsure(result);
}

/** One that is pending is carried on with, whatever its age. */
function isTouched({ status }: SecretResult): boolean {
  return status === "planned" || status === "in-progress";
}

function isUnsure({ status }: SecretResult): boolean {
  return status === "failed";
}

function indented(results: readonly SecretResult[]): string[] {
  return someNames(results.map(({ secretId }) => secretId)).map((name) => `  ${name}`);
}

/** Asks on the terminal. Anything but a yes is a no. */
export async function ask(question: string, signal: AbortSignal): Promise<boolean> {
  const options = { initialValue: false, output: process.stderr, withGuide: false, signal };
  return (await confirm({ message: question, ...options })) === true;
}
