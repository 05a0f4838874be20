import { RotationError } from "../lib/errors.ts";
import type { Answer, SecretResult } from "../lib/ports.ts";
import { summarize } from "../lib/rotation/answer.ts";
import { forEachSecret } from "../lib/rotation/fleet.ts";
import { abandonSecret, planSecret, statusOfSecret, verifySecret } from "../lib/rotation/inspect.ts";
import { runStep } from "../lib/rotation/managed.ts";
import { rollbackSecret, rotateSecret } from "../lib/rotation/rotate.ts";
import type { Composition } from "./compose.ts";
import type { DrivenRequest, Request } from "./events.ts";

/** A scheduled run in which some secrets failed, thrown when all the others are done: each is on the log already. */
export class FleetFailed extends Error {
  override readonly name = "FleetFailed";
}

/** Does what an invocation asks for. A managed step answers nothing. */
export async function invoke(composition: Composition, request: Request): Promise<Answer | undefined> {
  if (request.kind === "step") {
    await runStep(composition.context, request);
    return undefined;
  }
  const answer = await drive(composition, request);
  const { failed } = answer.summary;
  if (request.scheduled && failed > 0) {
    const [first] = answer.results.filter(({ status }) => status === "failed");
    throw new FleetFailed(
      `${failed} of ${answer.results.length} secrets failed; the first: ${first?.secretId}: ${first?.error?.message}`,
    );
  }
  return answer;
}

async function drive({ config, context, log }: Composition, request: DrivenRequest): Promise<Answer> {
  const { action, force } = request;
  const { intervalDays } = config;
  const acts: Record<DrivenRequest["action"], (secretId: string) => Promise<SecretResult>> = {
    rotate: (secretId) => rotateSecret(context, secretId, { intervalDays, force }),
    rollback: (secretId) => rollbackSecret(context, secretId),
    plan: (secretId) => planSecret(context, secretId, { intervalDays, force }),
    status: (secretId) => statusOfSecret(context, secretId, intervalDays),
    verify: (secretId) => verifySecret(context, secretId),
    abandon: (secretId) => abandonSecret(context, secretId, force),
  };
  const results = await forEachSecret(fleetOf(request, config.secretIds), async (secretId) => {
    const result = await acts[action](secretId);
    log.result(action, result);
    return result;
  });
  return summarize(action, results);
}

function fleetOf(request: DrivenRequest, configured: readonly string[]): readonly string[] {
  const secretIds = [...new Set(request.secretIds ?? configured)];
  if (secretIds.length > 0) return secretIds;
  throw new RotationError(
    "ConfigurationInvalid",
    "No secrets to work on: name them in the payload, or set ROTATION_SECRETS",
    { effect: "none" },
  );
}
