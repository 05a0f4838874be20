import { RotationError } from "../errors.ts";
import type { SecretResult } from "../ports.ts";

export interface BreakerOptions {
  /** How many rotations must succeed before the others begin. 0: none. */
  readonly canary: number;
  /** After how many failures in a row for the same reason no more begin. 0: never. */
  readonly breaker: number;
}

/** How many single rotations may fail, one after the other, before a run gives its fleet up. */
const MAX_TRIALS = 3;

type Failure = NonNullable<SecretResult["error"]>;

/**
 * Says how many of a fleet's rotations may be under way, by how the ones before them ended. A failure while the canaries are
 * out, or too many in a row for one reason, makes the fleet suspect: from then on secrets are tried one at a time: the first
 * from the middle of what is left, then the youngest, since the oldest may have troubles of their own. One success clears it; three failures more stop it.
 */
export class Breaker {
  readonly #threshold: number;
  #canaries: number;
  #row = 0;
  #begun = 0;
  /** How many had begun when the first of the row failed. */
  #begunBefore = 0;
  #failure: Failure | undefined;
  #isSuspect = false;
  #trials = 0;

  constructor({ canary, breaker }: BreakerOptions) {
    this.#canaries = canary;
    this.#threshold = breaker;
  }

  get allowed(): number {
    if (this.#trials >= MAX_TRIALS) return 0;
    if (this.#isSuspect) return 1;
    return this.hasPassed ? Number.POSITIVE_INFINITY : this.#canaries;
  }

  /** All canaries have succeeded. */
  get hasPassed(): boolean {
    return this.#canaries === 0;
  }

  /** Which of those that are left begins next. */
  pick(left: number): number {
    if (!this.#isSuspect) return 0;
    return this.#trials === 0 ? Math.floor(left / 2) : left - 1;
  }

  /** A rotation begins. Returns what is to be called with its result. */
  begin(): (result: SecretResult) => void {
    const isTrial = this.#isSuspect;
    this.#begun += 1;
    const number = this.#begun;
    return ({ status, error }) => {
      if (status === "rotated") this.#succeeded(number, isTrial);
      if (status === "failed" && error !== undefined) this.#failed(error, isTrial);
    };
  }

  /** What is told of a secret that did not begin. */
  get stopped(): RotationError {
    const { code, message } = this.#failure ?? { code: "Internal", message: "" };
    return new RotationError(
      "FleetStopped",
      `Not begun, since the rotations before it failed, the last one with ${code}: ${message}`,
      { effect: "none" },
    );
  }

  /** One that began before the failures may have done all that fails now. */
  #succeeded(number: number, isTrial: boolean): void {
    if (this.#canaries > 0) this.#canaries -= 1;
    if (number > this.#begunBefore) this.#row = 0;
    if (!isTrial) return;
    this.#trials = 0;
    this.#isSuspect = false;
  }

  #failed(failure: Failure, isTrial: boolean): void {
    this.#row = failure.code === this.#failure?.code ? this.#row + 1 : 1;
    if (this.#row === 1) this.#begunBefore = this.#begun;
    this.#failure = failure;
    if (isTrial) this.#trials += 1;
    const isTooMany = this.#threshold > 0 && this.#row >= this.#threshold;
    if (!this.hasPassed || isTooMany) this.#isSuspect = true;
  }
}
