import { randomUUID } from "node:crypto";
import type { Step } from "../../lib/ports.ts";
import { abandonSecret } from "../../lib/rotation/abandon.ts";
import type { Context } from "../../lib/rotation/context.ts";
import { verifySecret } from "../../lib/rotation/inspect.ts";
import { runStep } from "../../lib/rotation/managed.ts";
import { rollbackSecret, rotateSecret } from "../../lib/rotation/rotate.ts";
import type { TaskPlan } from "../cloud/tencentdb/tasks.ts";
import { ACCOUNT, INSTANCE, NAME } from "../rotation/rig.ts";
import { createHistoryWatch } from "./history-watch.ts";
import { concerns, TROUBLES } from "./troubles.ts";
import { type Call, createWorld } from "./world.ts";

export type Action = "rotate" | "rotate, forced" | "rollback" | "abandon" | "abandon, forced" | "verify";

export const STEPS: readonly Step[] = ["createSecret", "setSecret", "testSecret", "finishSecret"];

/** How a task goes that does not go well. */
export const TASKS: readonly TaskPlan[] = [
  { ending: "failed" },
  { ending: "error", changes: true },
  { ending: "succeed", changes: false },
  // Longer than the runs before it, and not than the one that nothing disturbs.
  { durationMs: 600_000 },
  { statusUntilEnd: "converging" },
];

export interface Start {
  readonly remainingMs: number;
  /** The process is killed at this call, before or after its effect. */
  readonly dies?: { readonly call: number; readonly when: "before" | "after" };
}

export type Event =
  | ({ readonly type: "run"; readonly action: Action } & Start)
  /** Secrets Manager starts a rotation, or takes the pending one up again, and calls the four steps. */
  | ({ readonly type: "managed rotation" } & Start)
  /** One step out of turn, of the pending version or of the one that was pending `ago` rotations before. */
  | ({ readonly type: "managed step"; readonly step: Step; readonly ago: number } & Start)
  | { readonly type: "time"; readonly ms: number }
  /** The next calls that it concerns meet it. */
  | { readonly type: "trouble"; readonly trouble: number; readonly times: number }
  /** The next task goes like that. */
  | { readonly type: "task"; readonly plan: number }
  | { readonly type: "password by hand"; readonly inConsole: boolean }
  /** The operator stores a current value: the password that opens Redis, or one that does not. */
  | { readonly type: "value by hand"; readonly opens: boolean }
  | { readonly type: "label taken off by hand" }
  | { readonly type: "rotation cancelled" };

/**
 * Lets the events come to pass, one after the other, while the runs that they start go on; then lets everything end, and
 * lets runs come that nothing disturbs. Returns what was not as it must be; undefined where all was well.
 */
export async function play(events: readonly Event[]): Promise<string | undefined> {
  const world = createWorld({ isContest: true });
  const { rig } = world;
  const watch = createHistoryWatch(rig);
  const runs: Promise<unknown>[] = [];
  const tokens: string[] = [];
  let troubles: { readonly trouble: number; left: number }[] = [];
  let plan: TaskPlan | undefined;
  let hands = 0;

  /** Starts a process, and looks at the world before and after each of its calls. */
  function start({ remainingMs, dies }: Start, code: (context: Context) => Promise<unknown>): void {
    let die = (): void => {};
    const died = new Promise<void>((resolve) => {
      die = resolve;
    });
    const kill = () => {
      die();
      return new Promise<never>(() => {});
    };
    const { context } = world.life({
      remainingMs,
      async passing(call, effect) {
        watch.look();
        const isLast = call.index === dies?.call;
        if (isLast && dies?.when === "before") return kill();
        try {
          return await disturbed(call, effect);
        } finally {
          watch.look();
          if (isLast) await kill();
        }
      },
    });
    const ended = code(context).then(watch.hear, watch.worry);
    runs.push(Promise.race([ended, died.then(watch.worry)]));
  }

  function disturbed(call: Call, effect: () => Promise<unknown>): Promise<unknown> {
    const next = troubles.find(({ trouble }) => {
      const met = TROUBLES[trouble];
      return met !== undefined && concerns(met, call, "ResetPassword");
    });
    if (call.action === "ResetPassword" && plan !== undefined) {
      rig.tencentDb.planNextTask(plan);
      plan = undefined;
    }
    if (next === undefined) return effect();
    next.left -= 1;
    if (next.left === 0) troubles = troubles.filter((each) => each !== next);
    return TROUBLES[next.trouble]?.instead(effect) ?? effect();
  }

  async function allSteps(context: Context, token: string): Promise<void> {
    for (const step of STEPS) await runStep(context, { step, secretId: NAME, token });
  }

  function managedToken(): string {
    try {
      tokens.push(rig.startManaged());
    } catch {
      // The rotation before is not complete: it is taken up again.
      tokens.push(rig.at("AWSPENDING") ?? randomUUID());
    }
    return tokens.at(-1) ?? "";
  }

  function ignoringRefusals(change: () => unknown): void {
    try {
      change();
    } catch {
      // What the service refuses the operator has not happened.
    }
  }

  async function happen(event: Event): Promise<void> {
    switch (event.type) {
      case "run":
        start(event, (context) => act(context, event.action));
        return;
      case "managed rotation": {
        const token = managedToken();
        start(event, (context) => allSteps(context, token));
        return;
      }
      case "managed step": {
        const token = event.ago === 0 ? rig.at("AWSPENDING") : tokens.at(-event.ago);
        if (token !== undefined)
          start(event, (context) => runStep(context, { ...event, secretId: NAME, token }));
        return;
      }
      case "time":
        await rig.clock.sleep(event.ms);
        return;
      case "trouble":
        troubles.push({ trouble: event.trouble, left: event.times });
        return;
      case "task":
        plan = TASKS[event.plan];
        return;
      case "password by hand": {
        hands += 1;
        const password = `By-hand-password-${hands}`;
        watch.allow(password);
        if (event.inConsole) await rig.controlPlane.changePassword(ACCOUNT, { password }).catch(() => {});
        else await rig.redis.setPassword(INSTANCE.instanceId, "default", password);
        return;
      }
      case "value by hand": {
        hands += 1;
        const password = event.opens ? watch.live() : `Never-set-password-${hands}`;
        watch.allow(password);
        const text = JSON.stringify({ ...JSON.parse(rig.textAt("AWSCURRENT") ?? "{}"), password });
        rig.secretsManager.call("PutSecretValue", { SecretId: NAME, SecretString: text });
        return;
      }
      case "label taken off by hand":
        watch.worry();
        ignoringRefusals(() =>
          rig.secretsManager.call("UpdateSecretVersionStage", {
            SecretId: NAME,
            VersionStage: "AWSPENDING",
            RemoveFromVersionId: rig.at("AWSPENDING"),
          }),
        );
        return;
      case "rotation cancelled":
        rig.secretsManager.call("CancelRotateSecret", { SecretId: NAME });
    }
  }

  for (const event of events) {
    await happen(event);
    watch.look();
  }
  troubles = [];
  plan = undefined;
  await Promise.all(runs);
  await rig.clock.sleep(3_600_000);
  watch.lookAtEnd();
  for (let run = 1; run <= 2 && !watch.isSettled(); run += 1) {
    start({ remainingMs: 900_000 }, (context) => act(context, "rotate, forced"));
    await Promise.all(runs);
  }
  return watch.complaint();
}

function act(context: Context, action: Action): Promise<unknown> {
  switch (action) {
    case "rollback":
      return rollbackSecret(context, NAME);
    case "abandon":
    case "abandon, forced":
      return abandonSecret(context, NAME, action === "abandon, forced");
    case "verify":
      return verifySecret(context, NAME);
    default:
      return rotateSecret(context, NAME, { intervalDays: 30, force: action === "rotate, forced" });
  }
}
