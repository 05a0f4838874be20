import * as v from "valibot";
import { asRotationError, RotationError } from "../lib/errors.ts";
import { parseConfidentialJson } from "../lib/json.ts";
import type { Action } from "../lib/ports.ts";
import type { StepRequest } from "../lib/rotation/managed.ts";
import { describeIssues, isObject, object } from "../lib/schemas.ts";

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
const text = v.pipe(v.string(), v.minLength(1, "must not be empty"));

const managedStep = object({
  Step: v.picklist(["createSecret", "setSecret", "testSecret", "finishSecret"]),
  SecretId: text,
  ClientRequestToken: text,
  RotationToken: v.optional(text),
});

const manualFields = {
  action: v.picklist(ACTIONS),
  secrets: v.optional(v.pipe(v.array(text), v.minLength(1, "must not be empty"))),
  force: v.optional(v.boolean(), false),
};
const manual = object(manualFields);

const awsSchedule = object({
  source: v.picklist(["aws.events", "aws.scheduler"]),
  "detail-type": v.string(),
});

const sqsBatch = object({
  Records: v.pipe(
    v.array(object({ eventSource: v.literal("aws:sqs"), messageId: text, body: v.string() })),
    v.minLength(1, "must not be empty"),
  ),
});

const scfTimer = object({ Type: v.pipe(v.string(), v.regex(/^timer$/i)), Message: v.optional(v.string()) });

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
  if (v.safeParse(awsSchedule, event).success) return SCHEDULED_ROTATE;
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
  const timer = v.safeParse(scfTimer, event);
  if (!timer.success) return { kind: "driven", ...parseManual(event, false) };
  const message = timer.output.Message?.trim();
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
  const { action, secrets, force } = parse(manual, payload, unknownFields(payload));
  return { action, secretIds: secrets, force, scheduled };
}

/** A payload that says more than is understood may mean something else. */
function unknownFields(payload: unknown): string[] {
  const names = isObject(payload) ? Object.keys(payload) : [];
  const unknown = names.filter((name) => !Object.hasOwn(manualFields, name));
  const shown = unknown.map((name) => (FIELD_NAME.test(name) ? name : "(not shown)"));
  return unknown.length === 0 ? [] : [`(whole): has unknown fields: ${shown.join(", ")}`];
}

/** What does not look like one may be a value in the wrong place, such as a password. */
const FIELD_NAME = /^[a-z][a-z_-]{0,30}$/i;

function parse<T>(
  schema: v.GenericSchema<unknown, T>,
  payload: unknown,
  problems: readonly string[] = [],
): T {
  const parsed = v.safeParse(schema, payload);
  if (parsed.success && problems.length === 0) return parsed.output;
  const told = parsed.success ? [] : [describeIssues(parsed.issues)];
  throw invalid([...told, ...problems].join("; "));
}

function invalid(problems: string): RotationError {
  return new RotationError("EventInvalid", `Event: ${problems}`, { effect: "none" });
}
