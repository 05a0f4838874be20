import type { Action, Answer, SecretResult } from "../../lib/ports.ts";
import { shellWord } from "./shell-word.ts";

/** How the command was called. */
export interface Called {
  readonly force: boolean;
  readonly store: string | undefined;
}

/**
 * What an operator does about what is left. A command that would do again what is done must not be repeated as it was: a second
 * rollback goes forward again, and force rotates whatever the age. Undefined where there is nothing to say.
 */
export function leftText(answer: Answer, called: Called, isStopped: boolean): string | undefined {
  const { action, results } = answer;
  const left = results.filter(isLeft);
  const isRepeatable = !(action === "rollback" || (action === "rotate" && called.force));
  if (isRepeatable || left.length === results.length) {
    const isCut = isStopped && answer.summary.inProgress > 0;
    return isCut
      ? "Stopped. Nothing is lost: the same command carries on where this one ended.\n"
      : undefined;
  }
  if (left.length === 0) return undefined;
  return `Do this for what is left, and for no other: what is done would be done again.\n  ${commandFor(action, left, called)}\n`;
}

function isLeft({ status }: SecretResult): boolean {
  return status !== "rotated" && status !== "not-due";
}

function commandFor(action: Action, left: readonly SecretResult[], { force, store }: Called): string {
  return [
    `redis-rotation ${action}`,
    store !== undefined && `--store ${store}`,
    force && "--force",
    left.length > 1 && "--yes",
    ...left.map(({ secretId }) => shellWord(secretId)),
  ]
    .filter(Boolean)
    .join(" ");
}
