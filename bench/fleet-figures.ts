/** What one fleet's rotation was like. */
export interface FleetFigures {
  readonly seconds: number;
  readonly rotated: number;
  /** Requests that the cloud refused as one too many. */
  readonly refused: number;
  /** API calls to TencentDB and to the secret manager, each by the number of secrets. */
  readonly tencentCalls: number;
  readonly storeCalls: number;
  readonly medianExposureMs: number;
  readonly longestExposureMs: number;
  /** The most memory that the rotation itself held, in MB. Not counted is what the clouds hold that the process plays as well. */
  readonly peakMegabytes: number;
}

export type Way = "fleet" | "fleet with a canary" | "plain loop" | "plain Promise.all";
export type Store = "aws" | "ssm" | "unlimited";

/** From the call to the end of the task. */
export const TASK_MS = 9_000;

/** Rotations a second that each store's documented limits allow. */
const STORE_PER_SECOND: Record<Store, number> = {
  unlimited: Number.POSITIVE_INFINITY,
  // Four changes of a rotation, 50 a second.
  aws: 50 / 4,
  // Eight lists of versions, 40 a second.
  ssm: 40 / 8,
};
/** ResetPassword, in one region. */
const API_PER_SECOND = 20;

/** Nothing can be faster, in seconds: the slower of the two clouds' limits, and one task. */
export function boundSeconds(size: number, store: Store): number {
  return size / Math.min(API_PER_SECOND, STORE_PER_SECOND[store]) + TASK_MS / 1_000;
}
