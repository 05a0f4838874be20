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
    `${touched.length} of ${results.length} secrets would be rotated: ${someNames(touched)}`,
    forecast && `It takes about ${inWords(forecast.durationMs)}.`,
    stopped.length > 0 && `${stopped.length} cannot be: ${someNames(stopped)}; \`plan\` says why.`,
  ];
  return `${lines.filter(Boolean).join("\n")}\n`;
}

/** One that is pending is carried on with, whatever its age. */
export function isTouched({ status }: SecretResult): boolean {
  return status === "planned" || status === "in-progress";
}

export function someNames(results: readonly { readonly secretId: string }[]): string {
  const named = results.slice(0, NAMED).map(({ secretId }) => secretId);
  const others = results.length - named.length;
  return others > 0 ? `${named.join(", ")} and ${others} more` : named.join(", ");
}

/** Asks on the terminal. Anything but a yes is a no. */
export async function isAllowed(question: string): Promise<boolean> {
  const options = { initialValue: false, output: process.stderr, withGuide: false };
  return (await confirm({ message: question, ...options })) === true;
}
