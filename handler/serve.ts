import { createLog } from "../lib/drivers/log.ts";
import { RotationError } from "../lib/errors.ts";
import type { Answer } from "../lib/ports.ts";
import { compose, type Invocation } from "./compose.ts";
import type { Request } from "./events.ts";
import { invoke } from "./invoke.ts";

/** One invocation of a function. What it throws names what failed and what to do, and is on the log as well. */
export async function serve(request: () => Request, invocation: Invocation): Promise<Answer | undefined> {
  try {
    const asked = request();
    return await invoke(await compose(invocation), asked);
  } catch (error) {
    if (!(error instanceof RotationError)) throw error;
    createLog({ level: "error", bindings: invocation.bindings }).error(error);
    // The platforms print an error with its cause, which may hold the request. What they get has none.
    throw Object.assign(new Error(`${error.code}: ${error.message}. ${error.next}`), { name: error.code });
  }
}
