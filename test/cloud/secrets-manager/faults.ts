import { AwsApiError } from "./aws-api-error.ts";
import type { Action } from "./wire.ts";

/** What goes wrong with a call. */
export type Fault = (
  | { readonly kind: "error"; readonly name: string; readonly message?: string; readonly status?: number }
  /** An HTTP status with a body that is not the service's. */
  | { readonly kind: "status"; readonly status: number }
  | { readonly kind: "hang" }
  | { readonly kind: "reset" }
) & {
  /** The action is carried out before its answer is lost. Default false. */
  readonly carriedOut?: boolean;
};

export type TransportFault = Exclude<Fault, { kind: "error" }>;

interface FaultScope {
  /** How many calls it hits. Default 1. */
  readonly times?: number;
  /** The secret's name. Default: any secret. */
  readonly secretId?: string;
}

/** Thrown in place of an answer: the front breaks the transport the way the fault says. */
export class BrokenAnswer extends Error {
  override readonly name = "BrokenAnswer";
  readonly fault: TransportFault;

  constructor(fault: TransportFault) {
    super(`The answer is broken on purpose: ${fault.kind}`);
    this.fault = fault;
  }
}

export interface FaultQueue {
  /** Hits the next calls of `action` (`*`: of any) once the faults queued before are used up. */
  failNext(action: Action | "*", fault: Fault, scope?: FaultScope): void;
  /** Carries `effect` out unless a fault is due. @throws AwsApiError, BrokenAnswer */
  around<T>(action: Action, secretId: string, effect: () => T): T;
}

export function createFaultQueue(): FaultQueue {
  const queue: { action: Action | "*"; fault: Fault; secretId: string | undefined; left: number }[] = [];

  function take(action: Action, secretId: string): Fault | undefined {
    const index = queue.findIndex(
      (entry) =>
        (entry.action === "*" || entry.action === action) &&
        (entry.secretId === undefined || entry.secretId === secretId),
    );
    const entry = queue[index];
    if (entry === undefined) return undefined;
    entry.left -= 1;
    if (entry.left <= 0) queue.splice(index, 1);
    return entry.fault;
  }

  return {
    failNext(action, fault, scope = {}) {
      queue.push({ action, fault, secretId: scope.secretId, left: scope.times ?? 1 });
    },
    around(action, secretId, effect) {
      const fault = take(action, secretId);
      if (fault === undefined) return effect();
      if (fault.carriedOut) effect();
      throw fault.kind === "error"
        ? new AwsApiError(fault.name, fault.message ?? "Made to fail.", fault.status)
        : new BrokenAnswer(fault);
    },
  };
}
