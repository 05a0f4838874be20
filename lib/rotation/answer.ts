import { asRotationError, type RotationError } from "../errors.ts";
import type { Action, Answer, SecretResult, Status } from "../ports.ts";
import type { Context } from "./context.ts";
import { requireTime } from "./deadline.ts";
import type { Version } from "./versions.ts";

const COUNTED_AS: Record<Status, keyof Answer["summary"]> = {
  rotated: "rotated",
  "in-progress": "inProgress",
  "not-due": "notDue",
  planned: "planned",
  ok: "ok",
  drift: "drift",
  failed: "failed",
};

export function summarize(action: Action, results: readonly SecretResult[]): Answer {
  const summary = { rotated: 0, inProgress: 0, notDue: 0, planned: 0, ok: 0, drift: 0, failed: 0 };
  for (const { status } of results) summary[COUNTED_AS[status]] += 1;
  return { action, results, summary };
}

/** What is known of a secret so far; an action fills it in while it goes, so that a failure tells as much. */
export type Findings = {
  -readonly [K in
    | "instanceId"
    | "region"
    | "versionId"
    | "taskId"
    | "exposureMs"
    | "dueAt"
    | "pendingSince"]?: SecretResult[K];
} & { error?: RotationError };

export function noteInstance(findings: Findings, { value }: Version): void {
  findings.instanceId = value.instanceId;
  findings.region = value.region;
}

/** Runs one action on one secret. Never throws: what went wrong is part of the result. */
export async function attempt(
  context: Context,
  secretId: string,
  act: (findings: Findings) => Promise<Status>,
): Promise<SecretResult> {
  const startedAt = context.clock.now();
  const findings: Findings = {};
  let status: Status;
  try {
    requireTime(context, 0, "before this secret's turn", "none");
    status = await act(findings);
  } catch (thrown) {
    const error = asRotationError(thrown);
    status = error.code === "InProgress" ? "in-progress" : "failed";
    findings.error = error;
  }
  const { error, ...found } = findings;
  return {
    secretId,
    ...found,
    status,
    durationMs: context.clock.now() - startedAt,
    ...(error && { error: describeError(error) }),
  };
}

export function describeError({ code, advice, effect, requestId }: RotationError) {
  return { code, message: advice, effect, ...(requestId !== undefined && { requestId }) };
}
