import { RotationError } from "../errors.ts";
import type { Step } from "../ports.ts";
import type { Context } from "./context.ts";
import { requireTime } from "./deadline.ts";
import { type Move, plan, type View } from "./plan.ts";
import { unreachable } from "./preflight.ts";
import { notVerified, type Staged, setSecret } from "./steps.ts";
import type { Version } from "./versions.ts";
import { Watch } from "./watch.ts";

/** A task that does not bring the password into Redis is started again, but not for ever. */
const MAX_SENDS = 3;
/** Refusals that may pass, and lost replies, until a run gives up: with the pauses between them about 80 s. */
const MAX_REFUSALS = 12;
/** How long a run goes on asking a Redis that cannot be reached. */
const HOLD_MS = 30_000;

/** One rotation as one run sees it: what is pending, and how it looks from the outside. */
export class Run {
  readonly context: Context;
  readonly secretId: string;
  currentId: string | undefined;
  pending: Version | undefined;
  watch: Watch | undefined;
  #holdingSince: number | undefined;

  constructor(context: Context, secretId: string) {
    this.context = context;
    this.secretId = secretId;
  }

  /** From here on, this is the pending version; every step before counts for nothing. */
  follow({ pending, instance }: Staged): void {
    this.pending = pending;
    this.watch = new Watch(this.context, this.secretId, pending, instance);
    if (pending.stages.includes("current")) this.currentId = pending.versionId;
  }

  /** Observes, and plans. */
  async next(): Promise<Move> {
    const { context, pending, watch, currentId } = this;
    this.#requireTime();
    const isDone = pending?.versionId === currentId;
    const signs: Pick<View, "live" | "task" | "instance"> =
      watch && !isDone ? await watch.look() : { live: "unknown", instance: "running" };
    const versions = {
      ...(currentId !== undefined && { current: currentId }),
      ...(pending && { pending: pending.versionId }),
    };
    return plan({ ...versions, ...signs }, context.verify);
  }

  /** Follows the plan from `move` until Redis has the pending password, and returns the move that comes then. */
  async bringIntoForce(move: Move): Promise<Move> {
    let next = move;
    while (next === "setSecret" || next === "wait" || next === "hold" || next === "fail") {
      await this.advance(next);
      next = await this.next();
    }
    return next;
  }

  /** Makes one of the moves that lead there. */
  async advance(move: "setSecret" | "wait" | "hold" | "fail"): Promise<void> {
    const { context, secretId } = this;
    const { pending, watch } = this.requirePending();
    switch (move) {
      case "setSecret":
        if (watch.tasks.sends >= MAX_SENDS) throw this.#taskFailed();
        if (watch.tasks.refusals.length >= MAX_REFUSALS) throw watch.tasks.refusals.at(-1);
        return setSecret(context, { secretId, pending, watch });
      case "wait":
        return watch.pause();
      case "hold":
        this.#holdingSince ??= context.clock.now();
        if (watch.blindness !== undefined && context.clock.now() - this.#holdingSince >= HOLD_MS) {
          throw watch.tasks.task === "succeeded"
            ? notVerified(pending, watch.blindness)
            : unreachable(pending.value, watch.blindness);
        }
        return watch.pause();
      case "fail":
        throw new RotationError(
          "InstanceGone",
          `Instance ${pending.value.instanceId} in ${pending.value.region} is isolated or deleted`,
          { effect: "none" },
        );
    }
  }

  /** The proof may come before the end of the task. A task that fails even so may leave the instance half changed. */
  async settle(): Promise<void> {
    const { clock, deadlineAt } = this.context;
    const { pending, watch } = this.requirePending();
    const { tasks } = watch;
    const wasEarly = tasks.task === "running";
    while (tasks.task === "running" && clock.now() < deadlineAt) {
      await watch.pause();
      if (tasks.due) await tasks.poll();
    }
    if (!wasEarly || tasks.task !== "failed") return;
    const { instanceId, region } = pending.value;
    throw new RotationError(
      "TaskFailed",
      `Task ${tasks.taskId} of instance ${instanceId} in ${region} failed after the new password was proven and ` +
        "made current: verify the secret",
      { effect: "applied" },
    );
  }

  requirePending(): { readonly pending: Version; readonly watch: Watch } {
    const { pending, watch } = this;
    if (pending !== undefined && watch !== undefined) return { pending, watch };
    throw new RotationError(
      "VersionNotPending",
      `The pending version of secret ${this.secretId} has no value: run createSecret first`,
      { effect: "none" },
    );
  }

  /** Does one step and tells of it. */
  async step<T>(step: Step, act: () => Promise<T>): Promise<T> {
    const { clock, observe } = this.context;
    const startedAt = clock.now();
    const result = await act();
    observe({
      type: "step",
      step,
      secretId: this.secretId,
      ...(this.pending && { versionId: this.pending.versionId }),
      durationMs: clock.now() - startedAt,
    });
    return result;
  }

  #requireTime(): void {
    const taskId = this.watch?.tasks.taskId;
    if (taskId === undefined) requireTime(this.context, "before the change was sent", "none");
    else requireTime(this.context, `while waiting for task ${taskId}`, "unknown");
  }

  #taskFailed(): RotationError {
    const { pending, watch } = this.requirePending();
    const { taskId, message } = watch.tasks;
    return new RotationError(
      "TaskFailed",
      `${MAX_SENDS} password tasks of instance ${pending.value.instanceId} in ${pending.value.region} ended without ` +
        `the new password opening it; the last was ${taskId}${message === undefined ? "" : `: ${message}`}`,
      { effect: "none" },
    );
  }
}
