import type { RotationEvent, SecretResult } from "../../lib/ports.ts";
import { type Composition, compose, type Invocation } from "../compose.ts";

/** A run by hand has no platform that ends it. */
const RUN_MS = 3_600_000;

/** Told of what a command does, while it does it. */
export interface Watcher {
  readonly onEvent?: (event: RotationEvent, atMs: number) => void;
  readonly onResult?: (result: SecretResult, atMs: number) => void;
}

/** What the drivers are made from: this process's environment, with the operator's choice of a secret manager. */
export function connect(store: string | undefined): Promise<Composition> {
  return compose(invocationOf(store));
}

/** The same before anything is made of it. */
export function invocationOf(store: string | undefined): Invocation {
  return {
    environment: { LOG_LEVEL: "silent", ...process.env, ...(store && { SECRET_STORE: store }) },
    remainingMs: RUN_MS,
    defaultStore: "aws",
    // Standard output is for the answer alone.
    log: { bindings: {}, fd: 2 },
  };
}

/** The same with all that happens told to the watchers as well, and a deadline that somebody else may bring nearer. */
export function watched(
  composition: Composition,
  watchers: readonly Watcher[],
  deadline: () => number,
): Composition {
  const { context, log } = composition;
  return {
    ...composition,
    context: {
      ...context,
      deadline: () => Math.min(context.deadline(), deadline()),
      observe: (event) => {
        context.observe(event);
        for (const { onEvent } of watchers) onEvent?.(event, context.clock.now());
      },
    },
    log: {
      ...log,
      result: (action, result) => {
        log.result(action, result);
        for (const { onResult } of watchers) onResult?.(result, context.clock.now());
      },
    },
  };
}
