/** What goes wrong with a call. */
export type Fault = (
  | { readonly kind: "error"; readonly code: string; readonly message?: string }
  | { readonly kind: "status"; readonly status: number }
  | { readonly kind: "not-json" }
  | { readonly kind: "empty" }
  | { readonly kind: "hang" }
  | { readonly kind: "reset" }
  | { readonly kind: "redirect"; readonly location: string }
) & {
  /** The action is carried out before its reply is lost. Default false. */
  readonly carriedOut?: boolean;
};

export interface FaultScope {
  /** How many calls it hits. Default 1. */
  readonly times?: number;
  readonly instanceId?: string;
}

/** Thrown in place of a reply: the front breaks the transport the way the fault says. */
export class BrokenReply extends Error {
  override readonly name = "BrokenReply";
  readonly fault: Exclude<Fault, { kind: "error" }>;

  constructor(fault: Exclude<Fault, { kind: "error" }>) {
    super(`The reply is broken on purpose: ${fault.kind}`);
    this.fault = fault;
  }
}

export interface FaultQueue {
  /** Hits the next calls of `action` (`*`: of any) once the faults queued before are used up. */
  failNext(action: string, fault: Fault, scope?: FaultScope): void;
  take(action: string, instanceId: string | undefined): Fault | undefined;
}

export function createFaultQueue(): FaultQueue {
  const queue: { action: string; fault: Fault; instanceId: string | undefined; left: number }[] = [];
  return {
    failNext(action, fault, scope = {}) {
      queue.push({ action, fault, instanceId: scope.instanceId, left: scope.times ?? 1 });
    },
    take(action, instanceId) {
      const index = queue.findIndex(
        (entry) =>
          (entry.action === "*" || entry.action === action) &&
          (entry.instanceId === undefined || entry.instanceId === instanceId),
      );
      const entry = queue[index];
      if (entry === undefined) return undefined;
      entry.left -= 1;
      if (entry.left <= 0) queue.splice(index, 1);
      return entry.fault;
    },
  };
}
