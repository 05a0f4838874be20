import { asRotationError, type Effect, type ErrorCode, RotationError } from "../errors.ts";
import type { SecretDescription, Step } from "../ports.ts";
import type { Context } from "./context.ts";
import { requireTime } from "./deadline.ts";
import { type Move, plan, type View } from "./plan.ts";
import { notVerified } from "./proof.ts";
import type { Staged } from "./staging.ts";
import { setSecret } from "./steps.ts";
import { unreachable } from "./target.ts";
import { type Version, versionAt } from "./versions.ts";
import { Watch } from "./watch.ts";

/** A task that does not bring the password into Redis is started again, but not for ever. */
const MAX_SENDS = 3;
/** Refusals that may pass, and lost replies, until a run gives up: with the pauses between them about 80 s. */
const MAX_REFUSALS = 12;
/** Refusals because another flow holds the instance: several accounts of one instance wait for each other. */
const MAX_WAITS = 60;
/** How often the old password is looked for in vain. */
const MAX_LADDERS = 4;
/** A password is sent only where this much time is left to see it through. */
const SEND_MS = 30_000;
/** How long a run goes on asking a Redis that cannot be reached. */
const HOLD_MS = 30_000;
/** How long a run whose password is current already waits for the end of its task. */
const TASK_END_MS = 120_000;
/** Labels that were read longer ago than this are read again before a password is sent. */
const LABELS_FRESH_MS = 2_000;

/** One rotation as one run sees it: what is pending, and how it looks from the outside. */
export class Run {
  readonly context: Context;
  readonly secretId: string;
  currentId: string | undefined;
  pending: Version | undefined;
  watch: Watch | undefined;
  #labelsSeenAt: number;
  #holdingSince: number | undefined;

  /** `description`: of the secret, just read. */
  constructor(context: Context, secretId: string, description: SecretDescription) {
    this.context = context;
    this.secretId = secretId;
    this.currentId = versionAt(description, "current");
    this.#labelsSeenAt = context.clock.now();
  }

  /** From here on, this is the pending version; every step before counts for nothing. */
  follow({ pending, instance }: Staged): void {
    this.pending = pending;
    this.watch = new Watch(this.context, this.secretId, pending, instance);
    this.#labelsSeenAt = this.context.clock.now();
    if (pending.stages.includes("current")) this.currentId = pending.versionId;
  }

  /** Observes, and plans. */
  async next(): Promise<Move> {
    const { context, pending, watch, currentId } = this;
    const taskId = watch?.tasks.taskId;
    const where = taskId === undefined ? "before a task was started" : `while waiting for task ${taskId}`;
    requireTime(context, 0, where, this.#effect());
    const isDone = pending?.versionId === currentId;
    const signs: Pick<View, "live" | "task" | "instance"> =
      watch && !isDone ? await watch.look() : { live: "unknown", instance: "running" };
    const versions = {
      ...(currentId !== undefined && { current: currentId }),
      ...(pending && { pending: pending.versionId }),
    };
    const move = plan({ ...versions, ...signs }, context.verify);
    if (move !== "hold") this.#holdingSince = undefined;
    return move;
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
    const { pending, watch } = this.requirePending();
    switch (move) {
      case "setSecret":
        return this.#send();
      case "wait":
        return watch.pause();
      case "hold":
        this.#requirePatience();
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
    const { clock, deadline } = this.context;
    const { pending, watch } = this.requirePending();
    const { tasks } = watch;
    const wasEarly = tasks.task === "running";
    const until = clock.now() + TASK_END_MS;
    // Redis has just taken the password, so the task has ended, or is about to.
    tasks.hurry();
    if (wasEarly) await tasks.poll();
    while (tasks.task === "running" && clock.now() < Math.min(until, deadline())) {
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

  /** Does one step and tells of it, also where it fails. */
  async step<T>(step: Step, act: () => Promise<T>): Promise<T> {
    const startedAt = this.context.clock.now();
    try {
      const result = await act();
      this.#tell(step, startedAt);
      return result;
    } catch (thrown) {
      this.#tell(step, startedAt, asRotationError(thrown));
      throw thrown;
    }
  }

  #tell(step: Step, startedAt: number, error?: RotationError): void {
    const { context, secretId, pending, watch } = this;
    const taskId = watch?.tasks.taskId;
    context.observe({
      type: "step",
      step,
      secretId,
      ...(pending && {
        versionId: pending.versionId,
        instanceId: pending.value.instanceId,
        region: pending.value.region,
      }),
      ...(taskId !== undefined && { taskId }),
      durationMs: context.clock.now() - startedAt,
      ...(error && { error }),
    });
  }

  async #send(): Promise<void> {
    const { context, secretId } = this;
    const { pending, watch } = this.requirePending();
    const { sends, refusals, taskId, message } = watch.tasks;
    if (sends >= MAX_SENDS) {
      throw new RotationError(
        "TaskFailed",
        `${MAX_SENDS} password tasks of instance ${pending.value.instanceId} in ${pending.value.region} ended ` +
          `without the new password opening it; the last was ${taskId}${message === undefined ? "" : `: ${message}`}`,
        { effect: "none" },
      );
    }
    const countOf = (wanted: ErrorCode) => refusals.filter(({ code }) => code === wanted).length;
    const waits = countOf("InstanceBusy");
    const isOver = waits >= MAX_WAITS || refusals.length - waits >= MAX_REFUSALS;
    if (isOver || countOf("OldPasswordError") >= MAX_LADDERS) throw refusals.at(-1);
    await setSecret(context, {
      secretId,
      pending,
      watch,
      mayBeSent: async () => {
        const where = `with less than ${SEND_MS / 1000} s left to send the password`;
        requireTime(context, SEND_MS, where, this.#effect());
        return this.#isStillPending();
      },
    });
  }

  /** What this run has done to Redis, as far as it knows. */
  #effect(): Effect {
    const tasks = this.watch?.tasks;
    return tasks?.taskId !== undefined || tasks?.lostReply ? "unknown" : "none";
  }

  /** Another run, or an operator, may have ended the rotation while this run waited. */
  async #isStillPending(): Promise<boolean> {
    const { clock, store } = this.context;
    if (clock.now() - this.#labelsSeenAt < LABELS_FRESH_MS) return true;
    const { pending } = this.requirePending();
    const description = await store.describe(this.secretId);
    this.#labelsSeenAt = clock.now();
    this.currentId = versionAt(description, "current");
    if (this.currentId === pending.versionId) return false;
    if (versionAt(description, "pending") === pending.versionId) return true;
    throw new RotationError(
      "VersionNotPending",
      `The pending version of secret ${this.secretId} was released or replaced while this run waited`,
      { effect: "none" },
    );
  }

  #requirePatience(): void {
    const { clock } = this.context;
    const { pending, watch } = this.requirePending();
    this.#holdingSince ??= clock.now();
    if (watch.blindness === undefined || clock.now() - this.#holdingSince < HOLD_MS) return;
    throw watch.tasks.task === "succeeded"
      ? notVerified(pending, watch.blindness)
      : unreachable(pending.value, watch.blindness);
  }
}
