import * as z from "zod/mini";
import { RotationError } from "../lib/errors.ts";
import { describeIssues } from "../lib/issues.ts";
import { parseConfidentialJson } from "../lib/json.ts";
import type { Action } from "../lib/ports.ts";
import type { StepRequest } from "../lib/rotation/managed.ts";

export interface DrivenRequest {
  readonly action: Action;
  /** Undefined: the configured fleet. */
  readonly secretIds: readonly string[] | undefined;
  readonly force: boolean;
  /** Nobody reads the answer: a failure must be thrown for the platform to see it. */
  readonly scheduled: boolean;
}

export type Request =
  | ({ readonly kind: "step" } & StepRequest)
  | ({ readonly kind: "driven" } & DrivenRequest);

const ACTIONS = ["rotate", "plan", "status", "verify", "rollback", "abandon"] as const;
const text = z.string().check(z.minLength(1));

const managedStep = z.object({
  Step: z.enum(["createSecret", "setSecret", "testSecret", "finishSecret"]),
  SecretId: text,
  ClientRequestToken: text,
  RotationToken: z.optional(text),
});

const manual = z.strictObject({
  action: z.enum(ACTIONS),
  secrets: z.optional(z.array(text).check(z.minLength(1))),
  force: z._default(z.boolean(), false),
});

const awsSchedule = z.object({ source: z.enum(["aws.events", "aws.scheduler"]), "detail-type": z.string() });

const scfTimer = z.object({ Type: z.string().check(z.regex(/^timer$/i)), Message: z.optional(z.string()) });

const SCHEDULED_ROTATE: Request = {
  kind: "driven",
  action: "rotate",
  secretIds: undefined,
  force: false,
  scheduled: true,
};

/**
 * What an invocation on Lambda asks for: a step of Secrets Manager, a schedule of EventBridge, or a manual payload.
 *
 * @throws RotationError `EventInvalid`, naming every bad field at once
 */
export function parseLambdaEvent(event: unknown): Request {
  if (isObject(event) && "Step" in event) {
    const { Step, SecretId, ClientRequestToken, RotationToken } = parse(managedStep, event);
    return {
      kind: "step",
      step: Step,
      secretId: SecretId,
      token: ClientRequestToken,
      ...(RotationToken !== undefined && { rotationToken: RotationToken }),
    };
  }
  if (awsSchedule.safeParse(event).success) return SCHEDULED_ROTATE;
  return parseManual(event, false);
}

/**
 * What an invocation on SCF asks for: a timer, whose message may hold a manual payload, or a manual payload.
 *
 * @throws RotationError `EventInvalid`, naming every bad field at once
 */
export function parseScfEvent(event: unknown): Request {
  const timer = scfTimer.safeParse(event);
  if (!timer.success) return parseManual(event, false);
  const message = timer.data.Message?.trim();
  if (!message) return SCHEDULED_ROTATE;
  const payload = parseConfidentialJson(message);
  if (payload === undefined) throw invalid("Message: it is not JSON");
  const request = parseManual(payload, true);
  // Repeated, it would swap the two passwords again, and the platform repeats what fails.
  if (request.kind === "driven" && request.action === "rollback") {
    throw invalid("Message: action: rollback is for manual invocations only");
  }
  return request;
}

function parseManual(payload: unknown, scheduled: boolean): Request {
  const { action, secrets, force } = parse(manual, payload);
  return { kind: "driven", action, secretIds: secrets, force, scheduled };
}

function parse<T>(schema: z.ZodMiniType<T>, payload: unknown): T {
  const parsed = schema.safeParse(payload);
  if (parsed.success) return parsed.data;
  throw invalid(describeIssues(parsed.error.issues));
}

function invalid(problems: string): RotationError {
  return new RotationError("EventInvalid", `Event: ${problems}`, { effect: "none" });
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
