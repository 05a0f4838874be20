import { RotationError } from "../errors.ts";
import type { Clock } from "../ports.ts";
import { object } from "../schemas.ts";
import { refused, type SsmCall, type SsmReader } from "./ssm-look.ts";
import type { SsmState } from "./ssm-versions.ts";

/** Makes one change. Where it is made already, or its version has gone, nothing is said: the next look tells. */
export type Change = (
  action: "PutSecretValue" | "UpdateSecret" | "DeleteSecretVersion",
  storedId: string | undefined,
  text?: string,
) => Promise<void>;

/**
 * Looks and lets `move` make its change, again and again until it has a result. A change that fails for a passing
 * reason is not repeated blindly: the next look says whether it was carried out.
 */
export type Settle = <Result>(
  secretId: string,
  /** The first look, where there was one a moment ago. */
  seen: SsmState | undefined,
  move: (state: SsmState, change: Change) => Promise<Result | undefined>,
) => Promise<Result>;

/** More than any operation needs. */
const MAX_MOVES = 10;
/** Between two tries of a change that fails for a passing reason. */
const PAUSES_MS: readonly number[] = [250, 500, 1000];
const PASSING: readonly string[] = ["StoreConflict", "StoreThrottled", "StoreUnavailable"];

const done = object({});

export function ssmSettler(context: {
  readonly call: SsmCall;
  readonly look: SsmReader["look"];
  readonly clock: Clock;
}): Settle {
  const { call, look, clock } = context;

  return async (secretId, seen, move) => {
    let known = seen;
    const pauses = [...PAUSES_MS];
    let hasTouched = false;
    let failure: RotationError | undefined;

    const change: Change = async (action, storedId, text) => {
      if (storedId === undefined)
        throw refused(secretId, "a version's id is 64 hexadecimal digits or a UUID");
      const params = { VersionId: storedId, ...(text !== undefined && { SecretString: text }) };
      try {
        await call(secretId, action, params, done, true);
        hasTouched = true;
      } catch (error) {
        if (!(error instanceof RotationError)) throw error;
        if (error.effect !== "none") hasTouched = true;
        if (error.code === "SecretNotFound") return;
        if (!PASSING.includes(error.code)) throw error;
        failure = error;
      }
    };

    try {
      for (let moves = 0; moves < MAX_MOVES; moves += 1) {
        failure = undefined;
        const state = known ?? (await look(secretId));
        known = undefined;
        const result = await move(state, change);
        if (result !== undefined) return result;
        if (failure === undefined) continue;
        const pauseMs = pauses.shift();
        if (pauseMs === undefined) throw failure;
        await clock.sleep(pauseMs);
      }
      const message = `Secret ${secretId}: changes of it do not last`;
      throw new RotationError("StoreUnavailable", message, { effect: "unknown" });
    } catch (error) {
      const isUnaware = error instanceof RotationError && error.effect === "none";
      // The last call did nothing, but an earlier one has, or may have.
      if (!hasTouched || !isUnaware || error.code === "StoreConflict") throw error;
      const { code, message, requestId } = error;
      throw new RotationError(code, message, { effect: "unknown", requestId });
    }
  };
}
