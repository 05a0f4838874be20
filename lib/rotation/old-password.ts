/** The APIs that ask for the old password, and where it is found. */
import { type Effect, RotationError } from "../errors.ts";
import type { PasswordApi, ProbeTarget, SecretValue, Stage } from "../ports.ts";
import type { Context } from "./context.ts";
import { unreachable } from "./target.ts";
import { readIfFit, versionAt } from "./versions.ts";

const LADDER: readonly Stage[] = ["pending", "current", "previous"];
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
  const rungs: Rung[] = [];
  const opens = async ({ password }: Rung): Promise<boolean> => {
    const verdict = await context.probe({ ...target, password });
    if (verdict.answer === "unknown") throw unreachable(value, verdict.reason);
    return verdict.answer === "accepted";
  };
  for await (const rung of ladder(context, asked)) {
    if (await opens(rung)) return rung.password;
    rungs.push(rung);
  }
  // A proxy that lags behind may reject what is right, once.
  await context.clock.sleep(LOOK_PAUSE_MS);
  for (const rung of rungs) if (await opens(rung)) return rung.password;
  throw new RotationError(
    "OldPasswordError",
    `${value.api} asks for the old password, and no version's password opens instance ${value.instanceId} in ` +
      `${value.region}; tried: ${rungs.map(({ stage }) => stage).join(", ")}`,
    { effect },
  );
}

interface Rung {
  readonly stage: Stage;
  readonly password: string;
}

async function* ladder({ store }: Context, { secretId, value }: Search): AsyncGenerator<Rung> {
  const description = await store.describe(secretId);
  for (const stage of LADDER) {
    const versionId = versionAt(description, stage);
    const version = versionId && (await readIfFit(store, secretId, versionId));
    if (version && isFor(version.value, value)) yield { stage, password: version.value.password };
  }
}

function isFor(found: SecretValue, { region, instanceId }: SecretValue): boolean {
  return found.region === region && found.instanceId === instanceId;
}
