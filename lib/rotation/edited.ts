/** A pending version that was stored before the secret was edited: what becomes of it. */
import { RotationError } from "../errors.ts";
import type { SecretDescription } from "../ports.ts";
import type { Context } from "./context.ts";
import { Run } from "./run.ts";
import { findTarget } from "./target.ts";
import { differences, releasePending, type Version } from "./versions.ts";

/**
 * The pending version, where the rotation goes on with it; undefined where it is released, since the secret says something
 * else by now and nothing depends on the pending password: it is not in force, or the current one is. Where Redis has the
 * pending password and no other version's, the rotation goes on with it, whatever was edited: clients come first.
 *
 * @throws RotationError `SecretInvalid` where that cannot be told, or the version is for another instance
 */
export async function unlessEdited(
  context: Context,
  secretId: string,
  description: SecretDescription,
  current: Version,
  pending: Version,
): Promise<Version | undefined> {
  const edited = differences(current, pending);
  if (edited.length === 0) return pending;
  const isElsewhere = edited.includes("instanceId") || edited.includes("region");
  const fate = isElsewhere ? "unclear" : await fateOf(context, secretId, description, pending);
  if (fate === "not in force" || (await opens(context, current))) {
    await releasePending(context, secretId, pending.versionId);
    return undefined;
  }
  if (fate === "in force") return pending;
  throw new RotationError(
    "SecretInvalid",
    `The secret ${secretId} was edited (${edited.join(", ")}) while version ${pending.versionId} is pending, and Redis may ` +
      "have that version's password: undo the edit until the rotation is over, or abandon it by force",
    { effect: "none" },
  );
}

/** Waits for a task that may bring the password into Redis, and looks whether it has. */
async function fateOf(
  context: Context,
  secretId: string,
  description: SecretDescription,
  pending: Version,
): Promise<"in force" | "not in force" | "unclear"> {
  const run = new Run(context, secretId, description);
  run.follow({ pending });
  for (;;) {
    const move = await run.next();
    const { tasks, blindness } = run.requirePending().watch;
    if (move === "testSecret") return "in force";
    const isSettling = move === "hold" && blindness === undefined;
    if (move === "wait" || isSettling) {
      await run.advance(move);
      continue;
    }
    const isNeverSent = tasks.isAsked && tasks.task === undefined;
    return move === "setSecret" || (move === "hold" && isNeverSent) ? "not in force" : "unclear";
  }
}

async function opens({ controlPlane, probe }: Context, { value }: Version): Promise<boolean> {
  return (await probe(await findTarget(controlPlane, value))).answer === "accepted";
}
