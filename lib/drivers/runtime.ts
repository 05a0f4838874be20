import { createHash, randomBytes as nodeRandomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Clock, Digest, RandomBytes } from "../ports.ts";

/** The system's clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: (durationMs) => sleep(durationMs),
};

/** The operating system's secure source. */
export const randomBytes: RandomBytes = (size) => nodeRandomBytes(size);

/** SHA-256, in hexadecimal. */
export const digest: Digest = (text) => createHash("sha256").update(text).digest("hex");

/** Aborts after a time, in whole milliseconds, without keeping the process alive for it. */
export const abortAfter = (durationMs: number): AbortSignal =>
  AbortSignal.timeout(Math.max(0, Math.floor(durationMs)));
