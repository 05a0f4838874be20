export interface Pace {
  /** How long to wait, as a share of the time that has been waited already. */
  readonly share: number;
  readonly minMs: number;
  readonly maxMs: number;
}

/** The pause before the next look: short while the thing waited for is young, longer the longer it takes. */
export function pauseMs(waitedMs: number, pace: Pace): number {
  return Math.min(pace.maxMs, Math.max(pace.minMs, waitedMs * pace.share));
}
