import { RotationError } from "../lib/errors.ts";
import type { Answer, SecretResult } from "../lib/ports.ts";
import { abandonSecret } from "../lib/rotation/abandon.ts";
import { summarize } from "../lib/rotation/answer.ts";
import type { Context } from "../lib/rotation/context.ts";
import { forEachSecret } from "../lib/rotation/fleet.ts";
import { planSecret, statusOfSecret, verifySecret } from "../lib/rotation/inspect.ts";
import { runStep } from "../lib/rotation/managed.ts";
import { rollbackSecret, rotateSecret } from "../lib/rotation/rotate.ts";
import type { Composition } from "./compose.ts";
import type { DrivenRequest, Request } from "./events.ts";

/** A rotation takes about ten seconds as a rule; with less time than this none can be sent, and none would ever be. */
const ROTATION_MS = 40_000;

/** A scheduled run that did not end well, thrown when all secrets are done: each result is on the log already. */
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
  const [first, ...others] = answer.results.filter(needsAnotherRun);
  if (request.scheduled && first !== undefined) {
    throw new FleetFailed(
      `${others.length + 1} of ${answer.results.length} secrets did not end well; the first: ${first.secretId}: ` +
        `${first.status}: ${first.error?.message}`,
    );
  }
  return answer;
}

/** A rotation that is cut off may have changed Redis: the platform's retry carries on, sooner than the next schedule. */
function needsAnotherRun({ status, error }: SecretResult): boolean {
  return status === "failed" || status === "drift" || (status === "in-progress" && error?.effect !== "none");
}

async function drive({ config, context, log }: Composition, request: DrivenRequest): Promise<Answer> {
  const { action, force } = request;
  const { intervalDays } = config;
  if (action === "rotate" || action === "rollback") requireEnoughTime(context);
  const acts: Record<DrivenRequest["action"], (secretId: string) => Promise<SecretResult>> = {
    rotate: (secretId) => rotateSecret(context, secretId, { intervalDays, force }),
    rollback: (secretId) => rollbackSecret(context, secretId),
    plan: (secretId) => planSecret(context, secretId, { intervalDays, force }),
    status: (secretId) => statusOfSecret(context, secretId, intervalDays),
    verify: (secretId) => verifySecret(context, secretId),
    abandon: (secretId) => abandonSecret(context, secretId, force),
  };
  const results = await forEachSecret(fleetOf(request, config.secretIds), (secretId) =>
    log.apart(async () => {
      const result = await acts[action](secretId);
      log.result(action, result);
      return result;
    }),
  );
  return summarize(action, results);
}

function requireEnoughTime({ clock, deadlineAt }: Context): void {
  const leftMs = deadlineAt - clock.now();
  if (leftMs >= ROTATION_MS) return;
  throw new RotationError(
    "ConfigurationInvalid",
    `The function's time-out leaves ${Math.floor(leftMs / 1000)} s for a rotation, and it may need ` +
      `${ROTATION_MS / 1000} s: set the time-out to 900 s`,
    { effect: "none" },
  );
}

function fleetOf(request: DrivenRequest, configured: readonly string[]): readonly string[] {
  const secretIds = [...new Set(request.secretIds ?? configured)];
  if (secretIds.length > 0) return secretIds;
  throw new RotationError(
    "ConfigurationInvalid",
    "No secrets to work on: name them, or set ROTATION_SECRETS",
    { effect: "none" },
  );
}
