import type { Clock, ControlPlane, Digest, Observer, Probe, RandomBytes, SecretStore } from "../ports.ts";
import type { Verify } from "./plan.ts";

/** What a rotation works with: the ports, made for one invocation, and the operator's settings. */
export interface Context {
  readonly store: SecretStore;
  readonly controlPlane: ControlPlane;
  readonly probe: Probe;
  readonly clock: Clock;
  readonly randomBytes: RandomBytes;
  readonly digest: Digest;
  readonly observe: Observer;
  readonly verify: Verify;
  /** Characters of a new password; the API's own default where absent. */
  readonly passwordLength?: number;
  /** How long the idle one of alternating users is left alone after the other was changed. Default: one hour. */
  readonly alternationIntervalMs?: number;
  /** The least time between two probes of one rotation, in milliseconds. Default 100. */
  readonly probePauseMs?: number;
  /** When the run must have stopped, in milliseconds since the epoch. It comes nearer where somebody stops the run. */
  readonly deadline: () => number;
}
