import { type ErrorCode, RotationError } from "../../lib/errors.ts";
import type { SecretStore, Stage, StoredVersion } from "../../lib/ports.ts";
import { AwsApiError } from "../cloud/secrets-manager/aws-api-error.ts";
import { BrokenAnswer } from "../cloud/secrets-manager/faults.ts";
import type { SecretsManager } from "../cloud/secrets-manager/model.ts";

/**
 * A moment of a call. `before`: nothing has happened yet. `between`: in promote, when the version is current and still
 * pending; in stage, when it is stored and not pending yet. `after`: the effect is there, the answer is not.
 */
export interface StoreMoment {
  readonly call: keyof SecretStore;
  readonly phase: "before" | "between" | "after";
  readonly secretId: string;
  readonly versionId?: string;
}

export interface FakeSecretStoreOptions {
  readonly secretsManager: SecretsManager;
  /** Called at each moment of each call: what it throws, the call throws; what it waits for, the call waits for. */
  readonly at?: (moment: StoreMoment) => void | Promise<void>;
}

/** The driver's own label. */
export const STAGED = "ROTATION_STAGED";

const LABELS: Readonly<Record<string, Stage>> = {
  AWSPENDING: "pending",
  AWSCURRENT: "current",
  AWSPREVIOUS: "previous",
};

/** The port on the local Secrets Manager itself: no HTTP, no SDK, no waiting. */
export function createFakeSecretStore({
  secretsManager,
  at = () => {},
}: FakeSecretStoreOptions): SecretStore {
  const call: SecretsManager["call"] = (action, request) => {
    try {
      return secretsManager.call(action, request);
    } catch (error) {
      throw asRotationError(error);
    }
  };

  async function during<T>(
    moment: Omit<StoreMoment, "phase">,
    effect: (between: () => Promise<void>) => T | Promise<T>,
  ): Promise<T> {
    await at({ ...moment, phase: "before" });
    const answer = await effect(async () => at({ ...moment, phase: "between" }));
    await at({ ...moment, phase: "after" });
    return answer;
  }

  function stagesOf(secretId: string, versionId: string): readonly string[] {
    return call("DescribeSecret", { SecretId: secretId }).VersionIdsToStages?.[versionId] ?? [];
  }

  /** What is stored whatever reads lag: PutSecretValue's own answer tells the driver as much. */
  function storedVersion(secretId: string, versionId: string): StoredVersion {
    const stored = secretsManager.inspect(secretId).versions.find((entry) => entry.versionId === versionId);
    if (stored === undefined) throw new Error(`Version ${versionId} was stored and is not there`);
    return {
      versionId,
      stages: asStages(stored.stages),
      createdAt: new Date(stored.createdAtMs),
      text: stored.content?.SecretString ?? "",
    };
  }

  function read(secretId: string, versionId: string): StoredVersion | undefined {
    try {
      const answer = secretsManager.call("GetSecretValue", { SecretId: secretId, VersionId: versionId });
      return {
        versionId: answer.VersionId,
        stages: asStages(answer.VersionStages),
        createdAt: new Date(answer.CreatedDate * 1000),
        text: answer.SecretString ?? "",
      };
    } catch (error) {
      if (!(error instanceof AwsApiError) || error.name !== "ResourceNotFoundException") {
        throw asRotationError(error);
      }
      call("DescribeSecret", { SecretId: secretId });
      return undefined;
    }
  }

  return {
    describe: (secretId) =>
      during({ call: "describe", secretId }, () => {
        const answer = call("DescribeSecret", { SecretId: secretId });
        const since = answer.RotationEnabled ? answer.LastRotatedDate : answer.LastChangedDate;
        return {
          ...(since !== undefined && { currentSince: new Date(since * 1000) }),
          secretId: answer.ARN,
          name: answer.Name,
          rotationEnabled: answer.RotationEnabled ?? false,
          versions: Object.entries(answer.VersionIdsToStages ?? {})
            .map(([versionId, stages]) => ({ versionId, stages: asStages(stages) }))
            .filter(({ stages }) => stages.length > 0),
        };
      }),

    read: (secretId, versionId) =>
      during({ call: "read", secretId, versionId }, () => read(secretId, versionId)),

    stage: (secretId, { versionId, text, isPending = false }) =>
      during({ call: "stage", secretId, versionId }, async (between) => {
        try {
          secretsManager.call("PutSecretValue", {
            SecretId: secretId,
            ClientRequestToken: versionId,
            SecretString: text,
            VersionStages: [isPending ? "AWSPENDING" : STAGED],
          });
        } catch (error) {
          if (!(error instanceof AwsApiError) || error.name !== "ResourceExistsException") {
            throw asRotationError(error);
          }
        }
        const stored = storedVersion(secretId, versionId);
        if (stored.stages.length > 0 || !labelsOf(secretId, versionId).includes(STAGED)) return stored;
        await between();
        beginPending(secretId, versionId);
        return storedVersion(secretId, versionId);
      }),

    promote: (secretId, versionId, from) =>
      during({ call: "promote", secretId, versionId }, async (between) => {
        if (!stagesOf(secretId, versionId).includes("AWSCURRENT")) {
          if (!stagesOf(secretId, from).includes("AWSCURRENT")) {
            throw new RotationError("StoreConflict", "Another version is current by now.", {
              effect: "none",
            });
          }
          call("UpdateSecretVersionStage", {
            SecretId: secretId,
            VersionStage: "AWSCURRENT",
            MoveToVersionId: versionId,
            RemoveFromVersionId: from,
          });
          await between();
        }
        removePending(secretId, versionId);
      }),

    release: (secretId, versionId) =>
      during({ call: "release", secretId, versionId }, () => {
        if (stagesOf(secretId, versionId).includes(STAGED)) {
          call("UpdateSecretVersionStage", {
            SecretId: secretId,
            VersionStage: STAGED,
            RemoveFromVersionId: versionId,
          });
        }
        removePending(secretId, versionId);
      }),
  };

  function labelsOf(secretId: string, versionId: string): readonly string[] {
    const { versions } = secretsManager.inspect(secretId);
    return versions.find((version) => version.versionId === versionId)?.stages ?? [];
  }

  function beginPending(secretId: string, versionId: string): void {
    const { versions } = secretsManager.inspect(secretId);
    const holder = versions.find((each) => each.stages.includes("AWSPENDING"));
    if (holder && holder.versionId !== versionId && !holder.stages.includes("AWSCURRENT")) {
      throw new RotationError("StoreConflict", "Another version is pending by now.", { effect: "none" });
    }
    call("UpdateSecretVersionStage", {
      SecretId: secretId,
      VersionStage: "AWSPENDING",
      MoveToVersionId: versionId,
      ...(holder && { RemoveFromVersionId: holder.versionId }),
    });
  }

  function removePending(secretId: string, versionId: string): void {
    if (!stagesOf(secretId, versionId).includes("AWSPENDING")) return;
    call("UpdateSecretVersionStage", {
      SecretId: secretId,
      VersionStage: "AWSPENDING",
      RemoveFromVersionId: versionId,
    });
  }
}

function asStages(labels: readonly string[]): readonly Stage[] {
  return labels.flatMap((label) => LABELS[label] ?? []);
}

const CODES: Readonly<Record<string, ErrorCode>> = {
  ResourceNotFoundException: "SecretNotFound",
  AccessDeniedException: "StoreDenied",
  ThrottlingException: "StoreThrottled",
  InternalServiceError: "StoreUnavailable",
};

function asRotationError(error: unknown): RotationError {
  if (error instanceof BrokenAnswer) {
    return new RotationError("StoreUnavailable", error.message, { effect: "unknown", cause: error });
  }
  if (!(error instanceof AwsApiError)) throw error;
  const code = CODES[error.name] ?? "StoreRefused";
  const effect = code === "StoreUnavailable" ? "unknown" : "none";
  return new RotationError(code, error.message, { effect, cause: error });
}
