import type { Instance, ProbeTarget } from "../ports.ts";
import { type Pace, pauseMs } from "../waiter.ts";
import type { Context } from "./context.ts";
import type { Live, View } from "./plan.ts";
import { findTarget, probeTarget } from "./target.ts";
import { TaskWatch } from "./task-watch.ts";
import type { Version } from "./versions.ts";

// A probe costs the API nothing, and how soon it sees the change is how short the exposure window is.
const PROBE_PACE: Pace = { share: 0.01, minMs: 100, maxMs: 1_000 };

/** How long a succeeded task may take to show in Redis before it counts for nothing. */
const SETTLE_MS = 10_000;

/** Looks at one pending password from the outside: by AUTH, and by the instance's password tasks. */
export class Watch {
  readonly tasks: TaskWatch;
  /** Why the last probe could not tell, where it could not. */
  blindness: string | undefined;

  readonly #context: Context;
  readonly #pending: Version;
  readonly #startedAt: number;
  #untouched: boolean;
  #target: ProbeTarget | undefined;
  #notLiveAt: number | undefined;

  /** `instance`: given where this run has just stored the version itself, so that nobody can have sent it before. */
  constructor(context: Context, secretId: string, pending: Version, instance?: Instance) {
    this.#context = context;
    this.#pending = pending;
    this.#startedAt = context.clock.now();
    this.#untouched = instance?.state === "running";
    this.#target = probeTarget(pending.value, instance);
    this.tasks = new TaskWatch(context, secretId, pending, instance?.state ?? "running");
  }

  async look(): Promise<Pick<View, "live" | "task" | "instance">> {
    const { clock, verify } = this.#context;
    if (this.#untouched) {
      this.#untouched = false;
      this.#notLiveAt = clock.now();
      return { live: "other", instance: "running" };
    }
    const live = await this.probe();
    const { tasks } = this;
    if (live !== "pending" && tasks.due) await tasks.poll();
    const stale = live === "other" && clock.now() - (tasks.succeededAt ?? Infinity) > SETTLE_MS;
    // A task that another has started may carry another password: without AUTH its word is worth nothing.
    const foreign = live === "unknown" && tasks.task === "succeeded" && !tasks.isOwn && verify === "task";
    const task = stale || foreign ? undefined : tasks.task;
    return { live, instance: tasks.instance, ...(task && { task }) };
  }

  async probe(): Promise<Live> {
    const { clock, probe } = this.#context;
    const askedAt = clock.now();
    const verdict = await probe(await this.target());
    this.blindness = verdict.answer === "unknown" ? verdict.reason : undefined;
    switch (verdict.answer) {
      case "accepted":
        return "pending";
      case "rejected":
        this.#notLiveAt = askedAt;
        return "other";
      case "unknown":
        return "unknown";
    }
  }

  /** Where to ask with the pending password. */
  async target(): Promise<ProbeTarget> {
    this.#target ??= await findTarget(this.#context.controlPlane, this.#pending.value);
    return this.#target;
  }

  /** Sleeps until the next look is worth while. */
  async pause(): Promise<void> {
    const { clock, probePauseMs = 0 } = this.#context;
    const pace = Math.min(probePauseMs, PROBE_PACE.maxMs);
    await clock.sleep(Math.max(pace, pauseMs(clock.now() - this.#startedAt, PROBE_PACE)));
  }

  /**
   * Upper bound of the exposure window until now, in milliseconds: since the last moment at which the new password
   * was known not to be live. Undefined where this run never saw such a moment.
   */
  exposureMs(): number | undefined {
    if (this.#notLiveAt === undefined) return undefined;
    return this.#context.clock.now() - this.#notLiveAt;
  }
}
