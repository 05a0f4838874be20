import { RotationError } from "../errors.ts";
import type { SecretResult } from "../ports.ts";
import { attempt, noteInstance } from "./answer.ts";
import type { Context } from "./context.ts";
import type { Move } from "./plan.ts";
import { Run } from "./run.ts";
import { differences, readCurrent, readVersion, releasePending, versionAt } from "./versions.ts";

const IDENTITY: readonly string[] = ["region", "instanceId", "username", "usernames"];

/**
 * Takes the pending label off a rotation that is given up, and only where the plan would send its password (again):
 * where AUTH or the tasks say that Redis has it, or may be about to have it, the version stays pending.
 * `force` does without AUTH where Redis cannot be asked, as VERIFY=task does.
 */
export function abandonSecret(context: Context, secretId: string, force: boolean): Promise<SecretResult> {
  return attempt(context, secretId, async (findings) => {
    const { store } = context;
    const description = await store.describe(secretId);
    const current = await readCurrent(store, description);
    noteInstance(findings, current);
    const pendingId = versionAt(description, "pending");
    if (pendingId === undefined) return "ok";
    findings.versionId = pendingId;

    const pending = pendingId !== current.versionId && (await readVersion(store, secretId, pendingId));
    // By force also what no rotation can go on with: a version for another instance or account.
    const isForeign = pending && differences(current, pending).some((field) => IDENTITY.includes(field));
    if (pending && !(force && isForeign)) {
      const run = new Run(force ? { ...context, verify: "task" } : context, secretId, description);
      run.follow({ pending });
      let move = await run.next();
      while (move === "hold") {
        await run.advance(move);
        move = await run.next();
      }
      const { watch } = run.requirePending();
      const mayBeLive = watch.blindness !== undefined && watch.tasks.task === "succeeded";
      if (mayBeLive || (move !== "setSecret" && move !== "fail")) {
        throw kept(secretId, move, watch.tasks.taskId);
      }
    }
    await releasePending(context, secretId, pendingId);
    return "ok";
  });
}

function kept(secretId: string, move: Move, taskId: number | undefined): RotationError {
  const why =
    move === "wait"
      ? `${taskId === undefined ? "a task" : `task ${taskId}`} may still set its password`
      : "its password may be the one that Redis has";
  return new RotationError("RotationPending", `The pending version of secret ${secretId} is kept: ${why}`, {
    effect: "none",
  });
}
