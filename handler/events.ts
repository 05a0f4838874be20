import * as z from "zod/mini";
import { asRotationError, RotationError } from "../lib/errors.ts";
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

/** A message of a queue: what it asks for, or why that cannot be done. */
export interface QueueMessage {
  readonly messageId: string;
  readonly request: DrivenRequest | RotationError;
}

export type Request =
  | ({ readonly kind: "step" } & StepRequest)
  | ({ readonly kind: "driven" } & DrivenRequest)
  | { readonly kind: "queue"; readonly messages: readonly QueueMessage[] };

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

const sqsBatch = z.object({
  Records: z
    .array(z.object({ eventSource: z.literal("aws:sqs"), messageId: text, body: z.string() }))
    .check(z.minLength(1)),
});

const scfTimer = z.object({ Type: z.string().check(z.regex(/^timer$/i)), Message: z.optional(z.string()) });

const SCHEDULED_ROTATE: Request = {
  kind: "driven",
  action: "rotate",
  secretIds: undefined,
  force: false,
  scheduled: true,
};

/**
 * What an invocation on Lambda asks for: a step of Secrets Manager, a schedule of EventBridge, messages of an SQS queue, each
 * with a manual payload, or a manual payload. A message that is bad stops no other one.
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
  if (isObject(event) && "Records" in event) {
    const { Records } = parse(sqsBatch, event);
    return { kind: "queue", messages: Records.map(readMessage) };
  }
  return { kind: "driven", ...parseManual(event, false) };
}

/**
 * What an invocation on SCF asks for: a timer, whose message may hold a manual payload, or a manual payload.
 *
 * @throws RotationError `EventInvalid`, naming every bad field at once
 */
export function parseScfEvent(event: unknown): Request {
  const timer = scfTimer.safeParse(event);
  if (!timer.success) return { kind: "driven", ...parseManual(event, false) };
  const message = timer.data.Message?.trim();
  if (!message) return SCHEDULED_ROTATE;
  return { kind: "driven", ...parseUnattended("Message", message) };
}

function readMessage({ messageId, body }: { messageId: string; body: string }): QueueMessage {
  try {
    return { messageId, request: parseUnattended("body", body) };
  } catch (error) {
    const problems = asRotationError(error).message.replace(/^Event: /, "");
    return { messageId, request: invalid(`message ${messageId}: ${problems}`) };
  }
}

/** A manual payload that nobody waits for, and that the platform repeats where it fails. */
function parseUnattended(where: string, text: string): DrivenRequest {
  const payload = parseConfidentialJson(text);
  if (payload === undefined) throw invalid(`${where}: it is not JSON`);
  const request = parseManual(payload, true);
  // Repeated, it would swap the two passwords again.
  if (request.action === "rollback") {
    throw invalid(`${where}: action: rollback is for manual invocations only`);
  }
  return request;
}

function parseManual(payload: unknown, scheduled: boolean): DrivenRequest {
  const { action, secrets, force } = parse(manual, payload);
  return { action, secretIds: secrets, force, scheduled };
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
