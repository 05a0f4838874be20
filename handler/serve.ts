import { createLog } from "../lib/drivers/log.ts";
import { systemClock } from "../lib/drivers/runtime.ts";
import { asRotationError } from "../lib/errors.ts";
import { type Composition, compose, type Invocation } from "./compose.ts";
import type { Request } from "./events.ts";
import { FleetFailed, invoke, type Reply } from "./invoke.ts";
import { createLedger } from "./ledger.ts";
import { notify } from "./notify.ts";

/** One invocation of a function. What it throws names what failed and what to do, and is on the log as well. */
export async function serve(request: () => Request, invocation: Invocation): Promise<Reply> {
  const endsAtMs = systemClock.now() + invocation.remainingMs;
  const ledger = createLedger();
  let asked: Request | undefined;
  let composition: Composition | undefined;
  try {
    asked = request();
    composition = await compose(invocation);
    return await invoke(composition, asked, ledger);
  } catch (error) {
    if (error instanceof FleetFailed) throw error;
    const failure = asRotationError(error);
    createLog({ level: "error", ...invocation.log }).error(failure);
    ledger.failed(failure, asked);
    // The platforms print an error with its cause, which may hold the request. What they get has none.
    throw Object.assign(new Error(failure.advice), { name: failure.code });
  } finally {
    if (asked) await notify(invocation, { request: asked, outcomes: ledger.outcomes, endsAtMs, composition });
  }
}
