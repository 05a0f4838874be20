/**
 * AWS Secrets Manager of one region as a state machine in memory, with the service's strictness: immutable versions,
 * labels that are on one version at most, empty placeholders, eventual consistency on request.
 */
import type { Clock } from "../../../lib/ports.ts";
import { AwsApiError } from "./aws-api-error.ts";
import { createFaultQueue, type FaultQueue } from "./faults.ts";
import { listSecrets, listVersions, secretEntry, stagesByVersion } from "./listing.ts";
import { type RotationListener, rotationActions } from "./rotation-actions.ts";
import { createSecretTable } from "./secret-table.ts";
import { versionActions } from "./version-actions.ts";
import type { Action, Actions, Secret } from "./wire.ts";

export interface SecretsManagerOptions {
  readonly clock: Clock;
  /** Makes version ids, request ids and the endings of ARNs: 32 to 64 characters, letters, digits and hyphens. */
  readonly newId: () => string;
  readonly region?: string;
  /** How long GetSecretValue answers as before a write. Default 0. */
  readonly lagMs?: number;
  /** PutSecretValue and UpdateSecretVersionStage together: 50 by the service's quotas. Default: as many as come. */
  readonly changesPerSecond?: number;
}

const COUNTED: readonly Action[] = ["PutSecretValue", "UpdateSecretVersionStage"];

/** One call as it arrived: never a value. */
interface RecordedCall {
  readonly action: Action;
  /** The secret's name, or what the caller sent where no secret was found. */
  readonly secretId: string;
  readonly at: number;
  readonly requestId: string;
  readonly versionId?: string;
  /** The name of the error it was answered with. */
  readonly error?: string;
}

export interface SecretsManager {
  readonly region: string;
  readonly calls: readonly RecordedCall[];
  /** @throws AwsApiError, and BrokenAnswer where a fault breaks the transport */
  call<A extends Action>(action: A, request: Actions[A]["request"], requestId?: string): Actions[A]["answer"];
  /** The secret as it is, without lag and without a recorded call: for assertions. */
  inspect(secretId: string): Secret;
  setLag(lagMs: number): void;
  readonly failNext: FaultQueue["failNext"];
  /** Makes `functionArn` known to RotateSecret, which tells `listener` of each rotation it starts. */
  registerFunction(functionArn: string, listener: RotationListener): void;
}

type Handlers = { readonly [A in Action]: (request: Actions[A]["request"]) => Actions[A]["answer"] };

export function createSecretsManager(options: SecretsManagerOptions): SecretsManager {
  const { clock, newId } = options;
  const region = options.region ?? "us-east-1";
  const table = createSecretTable({ clock, region, newId, lagMs: options.lagMs ?? 0 });
  const functions = new Map<string, RotationListener>();
  const faults = createFaultQueue();
  const calls: RecordedCall[] = [];
  let lastChanges: number[] = [];

  function requireRate(action: Action): void {
    if (!COUNTED.includes(action)) return;
    lastChanges = lastChanges.filter((at) => at > clock.now() - 1_000);
    if (lastChanges.length >= (options.changesPerSecond ?? Number.POSITIVE_INFINITY)) {
      throw new AwsApiError("ThrottlingException", "Rate exceeded");
    }
    lastChanges.push(clock.now());
  }

  const handlers: Handlers = {
    ...versionActions(table, clock, newId),
    ...rotationActions(table, clock, newId, functions),
    DescribeSecret({ SecretId }) {
      const secret = table.find(SecretId);
      const stages = stagesByVersion(secret);
      return { ...secretEntry(secret), ...(stages && { VersionIdsToStages: stages }) };
    },
    ListSecretVersionIds: (request) => listVersions(table.findLive(request.SecretId), request),
    ListSecrets: (request) => listSecrets(table.all(), request),
    TagResource({ SecretId, Tags }) {
      const secret = table.findLive(SecretId);
      const replaced = new Set(Tags.map((tag) => tag.Key));
      const tags = [...secret.tags.filter((tag) => !replaced.has(tag.Key)), ...Tags];
      if (tags.length > 50) throw new AwsApiError("InvalidParameterException", "Too many tags: at most 50.");
      table.save({ ...secret, tags });
      return {};
    },
    DeleteSecret({ SecretId, ForceDeleteWithoutRecovery, RecoveryWindowInDays = 30 }) {
      const secret = table.find(SecretId);
      const deletedAtMs = clock.now() + (ForceDeleteWithoutRecovery ? 0 : RecoveryWindowInDays * 86_400_000);
      if (ForceDeleteWithoutRecovery) table.remove(secret);
      else table.save({ ...table.findLive(SecretId), deletedAtMs });
      return { ARN: secret.arn, Name: secret.name, DeletionDate: deletedAtMs / 1000 };
    },
  };

  return {
    region,
    calls,
    call(action, request, requestId = newId()) {
      const versionId = concernedVersion(request);
      const given = stringField(request, "SecretId") ?? stringField(request, "Name") ?? "";
      const record = {
        action,
        at: clock.now(),
        requestId,
        secretId: table.lookUp(given)?.name ?? given,
        ...(versionId !== undefined && { versionId }),
      };
      try {
        const answer = faults.around(action, record.secretId, () => {
          requireRate(action);
          return handlers[action](request);
        });
        calls.push(record);
        return answer;
      } catch (error) {
        calls.push({ ...record, error: error instanceof Error ? error.name : "unknown" });
        throw error;
      }
    },
    inspect: (secretId) => table.find(secretId),
    setLag: (lagMs) => table.setLag(lagMs),
    failNext: faults.failNext,
    registerFunction: (functionArn, listener) => void functions.set(functionArn, listener),
  };
}

function concernedVersion(request: object): string | undefined {
  for (const field of ["VersionId", "ClientRequestToken", "MoveToVersionId", "RemoveFromVersionId"]) {
    const value = stringField(request, field);
    if (value !== undefined) return value;
  }
  return undefined;
}

function stringField(request: object, field: string): string | undefined {
  const value = (request as Readonly<Record<string, unknown>>)[field];
  return typeof value === "string" ? value : undefined;
}
