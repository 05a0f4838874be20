import { RotationError } from "../errors.ts";
import type { Instance, Task } from "../ports.ts";
import { type Pace, pauseMs } from "../waiter.ts";
import type { Context } from "./context.ts";
import type { Version } from "./versions.ts";

const POLL_PACE: Pace = { share: 0.25, minMs: 400, maxMs: 3_000 };

/** After a refusal, and longer the more of them there are. */
const REFUSAL_PACE: Pace = { share: 0.5, minMs: 500, maxMs: 15_000 };

/** How far the clocks of the secret manager and the control plane may differ. */
const CLOCK_SKEW_MS = 5_000;

/** What the control plane says of the newest password task since the pending version was made. */
export class TaskWatch {
  taskId: number | undefined;
  task: Task["state"] | undefined;
  /** Whether this run has started the task itself, so that it certainly carries this password. */
  isOwn = false;
  /** What the control plane says of the task, where it has failed. */
  message: string | undefined;
  /** Tasks that this run has started. */
  sends = 0;
  /** What was refused for now, or whose reply was lost. */
  readonly refusals: RotationError[] = [];
  /** When a poll first saw the task succeeded, in milliseconds since the epoch. */
  succeededAt: number | undefined;

  readonly #context: Context;
  readonly #secretId: string;
  readonly #pending: Version;
  #instance: Instance["state"];
  #blind = false;
  #since: number;
  #firstRefusedAt: number | undefined;
  #nextPollAt = 0;

  constructor(context: Context, secretId: string, pending: Version, instance: Instance["state"]) {
    this.#context = context;
    this.#secretId = secretId;
    this.#pending = pending;
    this.#instance = instance;
    this.#since = context.clock.now();
  }

  /** `busy` also while the control plane cannot be asked: then nothing must be sent either. */
  get instance(): Instance["state"] {
    return this.#blind ? "busy" : this.#instance;
  }

  /** Whether the control plane has said what tasks there are. */
  isAsked = false;

  get due(): boolean {
    return this.#context.clock.now() >= this.#nextPollAt;
  }

  /** Whether a request of this run may have been carried out though its reply was lost. */
  get lostReply(): boolean {
    return this.refusals.some(({ effect }) => effect !== "none");
  }

  sent(taskId: number): void {
    this.sends += 1;
    this.isOwn = true;
    this.#follow({ taskId, state: "running" });
    this.#since = this.#context.clock.now();
    this.#postpone();
  }

  /** The change was refused for now, or its reply was lost: nothing more is sent before the next poll has looked. */
  refused(error: RotationError): void {
    this.taskId = undefined;
    this.task = undefined;
    this.isOwn = false;
    this.#blind = true;
    if (error.code === "InstanceBusy") this.#instance = "busy";
    this.refusals.push(error);
    this.#tell(error);
    this.#firstRefusedAt ??= this.#context.clock.now();
    this.#postpone(this.#firstRefusedAt, REFUSAL_PACE);
  }

  /** The end of the task is near: it is asked for as often as at its beginning. */
  hurry(): void {
    this.#since = this.#context.clock.now();
  }

  async poll(): Promise<void> {
    try {
      if (this.#instance === "busy") {
        this.#instance = (await this.#context.controlPlane.describeInstance(this.#pending.value)).state;
      }
      const task = await this.#newest();
      if (task !== undefined) this.#follow(task);
      this.isAsked = true;
      this.#blind = false;
    } catch (error) {
      // Once the change is under way, AUTH alone can finish the rotation: a lost poll must not leave it half done.
      if (!(error instanceof RotationError) || !(error.passing || this.task === "running")) throw error;
      this.#blind = this.task === undefined;
      this.#tell(error);
    }
    this.#postpone();
  }

  #newest(): Promise<Task | undefined> {
    const { controlPlane } = this.#context;
    if (this.taskId !== undefined) return controlPlane.describeTask(this.#pending.value, this.taskId);
    const since = new Date(this.#pending.createdAt.getTime() - CLOCK_SKEW_MS);
    return controlPlane.newestPasswordTask(this.#pending.value, since);
  }

  #follow(task: Task): void {
    const changed = task.taskId !== this.taskId || task.state !== this.task;
    this.taskId = task.taskId;
    this.task = task.state;
    if (!changed) return;
    const { password } = this.#pending.value;
    this.message = task.message?.replaceAll(password, "***");
    this.succeededAt = task.state === "succeeded" ? this.#context.clock.now() : undefined;
    const { region, instanceId } = this.#pending.value;
    this.#context.observe({
      type: "task",
      secretId: this.#secretId,
      region,
      instanceId,
      taskId: task.taskId,
      state: task.state,
    });
  }

  #tell(error: RotationError): void {
    const { region, instanceId } = this.#pending.value;
    this.#context.observe({ type: "refused", secretId: this.#secretId, region, instanceId, error });
  }

  #postpone(since = this.#since, pace = POLL_PACE): void {
    const now = this.#context.clock.now();
    this.#nextPollAt = now + pauseMs(now - since, pace);
  }
}
