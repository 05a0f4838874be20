/** What Secrets Manager does after RotateSecret: it calls the function once for each step, and again when a step fails. */
import type { Clock, Step } from "../../../lib/ports.ts";
import type { SecretsManager } from "./model.ts";
import type { StartedRotation } from "./rotation-actions.ts";

export interface RotationStepEvent {
  readonly Step: Step;
  readonly SecretId: string;
  readonly ClientRequestToken: string;
  readonly RotationToken: string;
}

export interface RotationEngineOptions {
  readonly secretsManager: SecretsManager;
  /** RotateSecret with this RotationLambdaARN starts the engine. */
  readonly functionArn: string;
  /** The function. A rejection is a failed step. */
  readonly invoke: (event: RotationStepEvent) => Promise<void>;
  readonly clock: Clock;
  /** Makes rotation tokens. */
  readonly newId: () => string;
  /** The waits before the retries of a rotation, from its first step and with the same token. Default 1, 5 and 15 minutes. */
  readonly retryAfterMs?: readonly number[];
}

interface StepOutcome {
  readonly step: Step;
  /** 1 for the first attempt. */
  readonly attempt: number;
  readonly startedAt: number;
  readonly endedAt: number;
  /** What the function rejected with. */
  readonly error?: unknown;
}

interface RotationReport {
  readonly kind: StartedRotation["kind"];
  readonly token: string;
  /**
   * `complete`: the token is current and no other version is pending, or the test passed. `incomplete`: every step passed, and yet
   * it is not so. `failed`: no retry is left. `cancelled`: CancelRotateSecret, or AWSPENDING was taken off the version.
   */
  readonly result: "complete" | "incomplete" | "failed" | "cancelled";
  readonly steps: readonly StepOutcome[];
}

export interface RotationEngine {
  /** The end of the newest rotation of the secret; rejects where none was started. */
  ended(secretId: string): Promise<RotationReport>;
}

const STEPS: readonly Step[] = ["createSecret", "setSecret", "testSecret", "finishSecret"];

export function createRotationEngine(options: RotationEngineOptions): RotationEngine {
  const { secretsManager, invoke, clock, newId } = options;
  const retryAfterMs = options.retryAfterMs ?? [60_000, 300_000, 900_000];
  const running = new Map<string, { readonly token: string; wake(): void }>();
  const reports = new Map<string, Promise<RotationReport>>();

  async function attempt(
    started: StartedRotation,
    number: number,
    outcomes: StepOutcome[],
  ): Promise<boolean> {
    for (const step of started.kind === "test" ? (["testSecret"] as const) : STEPS) {
      const startedAt = clock.now();
      const outcome = { step, attempt: number, startedAt };
      try {
        await invoke({
          Step: step,
          SecretId: started.secretArn,
          ClientRequestToken: started.token,
          RotationToken: newId(),
        });
        outcomes.push({ ...outcome, endedAt: clock.now() });
      } catch (error) {
        outcomes.push({ ...outcome, endedAt: clock.now(), error });
        return false;
      }
    }
    return true;
  }

  async function run(started: StartedRotation, retryNow: () => Promise<void>): Promise<RotationReport> {
    const { kind, token, secretArn } = started;
    const steps: StepOutcome[] = [];
    const end = (result: RotationReport["result"]) => ({ kind, token, result, steps });
    for (const [index, waitMs] of [0, ...retryAfterMs].entries()) {
      if (waitMs > 0) await Promise.race([clock.sleep(waitMs), retryNow()]);
      if (isCancelled(secretArn, token)) return end("cancelled");
      const passed = await attempt(started, index + 1, steps);
      if (kind === "test") {
        started.discard();
        return end(passed ? "complete" : "failed");
      }
      if (isComplete(secretArn, token)) return end("complete");
      if (passed) return end("incomplete");
    }
    return end("failed");
  }

  function labelled(secretArn: string, stage: string): string | undefined {
    const { versions } = secretsManager.inspect(secretArn);
    return versions.find(({ stages }) => stages.includes(stage))?.versionId;
  }

  function isCancelled(secretArn: string, token: string): boolean {
    const enabled = secretsManager.inspect(secretArn).rotation?.enabled ?? false;
    return !enabled || labelled(secretArn, "AWSPENDING") !== token;
  }

  function isComplete(secretArn: string, token: string): boolean {
    const pending = labelled(secretArn, "AWSPENDING");
    return labelled(secretArn, "AWSCURRENT") === token && (pending === undefined || pending === token);
  }

  secretsManager.registerFunction(options.functionArn, (started) => {
    const { secretArn, token } = started;
    const under = running.get(secretArn);
    under?.wake();
    if (under?.token === token) return;
    let wake = () => {};
    const entry = { token, wake: () => wake() };
    const retryNow = () =>
      new Promise<void>((resolve) => {
        wake = resolve;
      });
    running.set(secretArn, entry);
    // The function is called after RotateSecret has been answered.
    const report = Promise.resolve()
      .then(() => run(started, retryNow))
      .finally(() => {
        if (running.get(secretArn) === entry) running.delete(secretArn);
      });
    report.catch(() => {});
    reports.set(secretArn, report);
  });

  return {
    ended(secretId) {
      const { arn } = secretsManager.inspect(secretId);
      return reports.get(arn) ?? Promise.reject(new Error(`No rotation of ${secretId} was started`));
    },
  };
}
