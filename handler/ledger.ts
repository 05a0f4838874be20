import type { RotationError } from "../lib/errors.ts";
import type { Outcome } from "../lib/notification.ts";
import type { Answer } from "../lib/ports.ts";
import { describeError, type Findings } from "../lib/rotation/answer.ts";
import type { Request } from "./events.ts";

/** What an invocation has come to so far. */
export interface Ledger {
  readonly outcomes: readonly Outcome[];
  /** Of the secret of a managed step. */
  readonly findings: Findings;
  readonly answered: (answer: Answer) => void;
  /** What no secret has a result for. `request`: what it was a part of, where that is known. */
  readonly failed: (error: RotationError, request?: Request) => void;
}

export function createLedger(): Ledger {
  const outcomes: Outcome[] = [];
  const findings: Findings = {};
  return {
    outcomes,
    findings,
    answered: ({ results }) => void outcomes.push(...results),
    failed(error, request) {
      outcomes.push({
        ...(request?.kind === "step" && { secretId: request.secretId, ...findings }),
        status: error.code === "InProgress" ? "in-progress" : "failed",
        error: describeError(error),
      });
    },
  };
}
