import { RotationError } from "../lib/errors.ts";
import { forecast, rotationsPerSecond } from "../lib/pace.ts";
import type { Answer, SecretResult, SecretValue } from "../lib/ports.ts";
import { abandonSecret } from "../lib/rotation/abandon.ts";
import { summarize } from "../lib/rotation/answer.ts";
import type { Context } from "../lib/rotation/context.ts";
import { ROTATION_MS, rotateFleet } from "../lib/rotation/fleet.ts";
import { planSecret, statusOfSecret, verifySecret } from "../lib/rotation/inspect.ts";
import { runStep } from "../lib/rotation/managed.ts";
import { withoutRivals } from "../lib/rotation/rivals.ts";
import { rollbackSecret, rotateSecret } from "../lib/rotation/rotate.ts";
import type { Composition } from "./compose.ts";
import type { DrivenRequest, Request } from "./events.ts";
import { createLedger, type Ledger } from "./ledger.ts";
import { type BatchAnswer, workOff } from "./queue.ts";

/** A scheduled run that did not end well, thrown when all secrets are done: each result is on the log already. */
export class FleetFailed extends Error {
  override readonly name = "FleetFailed";
}

/** What a platform is answered. A managed step answers nothing. */
export type Reply = Answer | BatchAnswer | undefined;

/** Does what an invocation asks for. `ledger` is told what it comes to, also where it throws. */
export async function invoke(
  composition: Composition,
  request: Extract<Request, { kind: "driven" }>,
  ledger?: Ledger,
): Promise<Answer>;
export async function invoke(composition: Composition, request: Request, ledger?: Ledger): Promise<Reply>;
export async function invoke(
  composition: Composition,
  request: Request,
  ledger: Ledger = createLedger(),
): Promise<Reply> {
  const driveReported = async (asked: DrivenRequest) => {
    const answer = await drive(composition, asked);
    ledger.answered(answer);
    return answer;
  };
  if (request.kind === "step") {
    await runStep(composition.context, request, ledger.findings);
    return undefined;
  }
  if (request.kind === "queue") {
    const onError = (error: RotationError) => {
      composition.log.error(error);
      ledger.failed(error);
    };
    return workOff(request.messages, { drive: driveReported, onError });
  }
  const answer = await driveReported(request);
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

async function drive(composition: Composition, request: DrivenRequest): Promise<Answer> {
  const { apart, config, context, log } = composition;
  const { action, force } = request;
  if (action === "rotate" || action === "rollback") requireEnoughTime(context);
  const secretIds = await fleetOf(composition, request.secretIds);
  const schedule = { ...config, force };
  const onResult = (result: SecretResult) => log.result(action, result);
  const isFleet = action === "rotate" && secretIds.length > 1;
  if (isFleet) {
    // Whoever takes over knows nothing of force.
    const isSchedule = request.scheduled && request.secretIds === undefined && !force;
    const handOver = isSchedule ? composition.handOver : undefined;
    const perSecond = rotationsPerSecond(config.store, config.callsPerSecond);
    const options = { ...schedule, perSecond, handOver, apart, onResult };
    return summarize(action, await rotateFleet(context, secretIds, options));
  }

  type Act = (secretId: string, seen: (value: SecretValue) => void) => Promise<SecretResult>;
  const acts: Record<DrivenRequest["action"], Act> = {
    rotate: (secretId) => rotateSecret(context, secretId, schedule),
    rollback: (secretId) => rollbackSecret(context, secretId),
    plan: (secretId, seen) => planSecret(context, secretId, schedule, seen),
    status: (secretId) => statusOfSecret(context, secretId, schedule),
    verify: (secretId) => verifySecret(context, secretId),
    abandon: (secretId) => abandonSecret(context, secretId, force),
  };
  const results = await withoutRivals(secretIds, (secretId, seen) =>
    apart(async () => {
      const result = await acts[action](secretId, seen);
      onResult(result);
      return result;
    }),
  );
  const answer = summarize(action, results);
  return action === "plan" ? { ...answer, forecast: forecast(results, config) } : answer;
}

function requireEnoughTime({ clock, deadline }: Context): void {
  const leftMs = deadline() - clock.now();
  if (leftMs >= ROTATION_MS) return;
  throw new RotationError(
    "ConfigurationInvalid",
    `The function's time-out leaves ${Math.floor(leftMs / 1000)} s for a rotation, and it may need ` +
      `${ROTATION_MS / 1000} s: set the time-out to 900 s`,
    { effect: "none" },
  );
}

/** The secrets that are asked for, or else the configured ones. */
export async function fleetOf(
  { config, findSecrets }: Composition,
  asked: readonly string[] | undefined,
): Promise<readonly string[]> {
  const named = asked ?? config.secretIds;
  const found = named.length === 0 && config.selection ? await findSecrets(config.selection) : undefined;
  // Nothing that fits the selection is no error: a fleet may be empty for a while.
  if (found !== undefined) return found;
  const secretIds = [...new Set(named)];
  if (secretIds.length > 0) return secretIds;
  throw new RotationError(
    "ConfigurationInvalid",
    "No secrets to work on: name them, or set ROTATION_SECRETS, ROTATION_TAG or ROTATION_PREFIX",
    { effect: "none" },
  );
}
