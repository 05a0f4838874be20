/** The APIs that ask for the old password, and where it is found. */
import { type Effect, RotationError } from "../errors.ts";
import type { PasswordApi, ProbeTarget, SecretValue, Stage } from "../ports.ts";
import type { Context } from "./context.ts";
import { unreachable } from "./target.ts";
import { readIfFit, versionAt } from "./versions.ts";

const LADDER: readonly Stage[] = ["pending", "current", "previous"];
/** A proxy that lags behind may reject what is right, once. */
const LOOKS = 2;
const LOOK_PAUSE_MS = 250;

export function asksForOldPassword(api: PasswordApi): boolean {
  return api === "ModifyInstancePassword" || api === "ModfiyRedisPassword";
}

interface Search {
  readonly secretId: string;
  readonly value: SecretValue;
  readonly target: ProbeTarget;
  /** What was done to Redis before. */
  readonly effect: Effect;
}

/**
 * The password that opens Redis now, of those that the secret manager keeps. It is found by AUTH alone: a guess would
 * be counted by the API as a wrong password.
 *
 * @throws RotationError `OldPasswordError`, naming what was tried; `RedisUnreachable`
 */
export async function findOldPassword(context: Context, asked: Search): Promise<string> {
  const { value, target, effect } = asked;
  const rungs = await readLadder(context, asked);
  for (let looks = 1; looks <= LOOKS; looks += 1) {
    if (looks > 1) await context.clock.sleep(LOOK_PAUSE_MS);
    for (const { password } of rungs) {
      const verdict = await context.probe({ ...target, password });
      if (verdict.answer === "accepted") return password;
      if (verdict.answer === "unknown") throw unreachable(value, verdict.reason);
    }
  }
  throw new RotationError(
    "OldPasswordError",
    `${value.api} asks for the old password, and no version's password opens instance ${value.instanceId} in ` +
      `${value.region}; tried: ${rungs.map(({ stage }) => stage).join(", ")}`,
    { effect },
  );
}

async function readLadder({ store }: Context, { secretId, value }: Search) {
  const description = await store.describe(secretId);
  const rungs: { readonly stage: Stage; readonly password: string }[] = [];
  for (const stage of LADDER) {
    const versionId = versionAt(description, stage);
    const version = versionId && (await readIfFit(store, secretId, versionId));
    if (version && isFor(version.value, value)) rungs.push({ stage, password: version.value.password });
  }
  return rungs;
}

function isFor(found: SecretValue, { region, instanceId }: SecretValue): boolean {
  return found.region === region && found.instanceId === instanceId;
}
