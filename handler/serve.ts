import { createLog } from "../lib/drivers/log.ts";
import { asRotationError } from "../lib/errors.ts";
import { compose, type Invocation } from "./compose.ts";
import type { Request } from "./events.ts";
import { FleetFailed, invoke, type Reply } from "./invoke.ts";

/** One invocation of a function. What it throws names what failed and what to do, and is on the log as well. */
export async function serve(request: () => Request, invocation: Invocation): Promise<Reply> {
  try {
    const asked = request();
    return await invoke(await compose(invocation), asked);
  } catch (error) {
    if (error instanceof FleetFailed) throw error;
    const failure = asRotationError(error);
    createLog({ level: "error", ...invocation.log }).error(failure);
    // The platforms print an error with its cause, which may hold the request. What they get has none.
    throw Object.assign(new Error(failure.advice), { name: failure.code });
  }
}
