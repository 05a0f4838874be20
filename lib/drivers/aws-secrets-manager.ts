import {
  DescribeSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  type SecretsManagerClient,
  UpdateSecretVersionStageCommand,
} from "@aws-sdk/client-secrets-manager";
import { RotationError } from "../errors.ts";
import type {
  Clock,
  SecretDescription,
  SecretStore,
  Stage,
  StoredVersion,
  VersionToStage,
} from "../ports.ts";
import { type Pace, secretsManagerCalls } from "./aws-call.ts";
import type { OnOutcome } from "./tencent-client.ts";

export interface AwsSecretsManagerOptions {
  readonly client: SecretsManagerClient;
  readonly clock: Clock;
  /** Ends what is under way when the run's time is used up. */
  readonly signal?: AbortSignal;
  /** Told of the service's id of each request that it has carried out. */
  readonly onAnswer?: (requestId: string) => void;
  /** Told of how each call ended. */
  readonly onOutcome?: OnOutcome | undefined;
  /** Default: as fast as they come. */
  readonly pace?: Pace;
}

const STAGES: ReadonlyMap<string, Stage> = new Map([
  ["AWSPENDING", "pending"],
  ["AWSCURRENT", "current"],
  ["AWSPREVIOUS", "previous"],
]);

/**
 * On the version that was staged last, until it is released. A version cannot be stored without a label, and AWSPENDING
 * would be taken from whichever version has it; so it is stored with this one, and gets AWSPENDING in a second call, which
 * Secrets Manager refuses where another version has that label.
 */
const STAGED = "ROTATION_STAGED";

// A read may lag behind a write for a short while.
const LOOK_AGAIN_AFTER_MS = [200, 600, 1_200];

/** A secret store over AWS Secrets Manager (API version 2017-10-17). A version's id is its ClientRequestToken. */
export function awsSecretsManager({
  client,
  clock,
  signal,
  onAnswer,
  onOutcome,
  pace,
}: AwsSecretsManagerOptions): SecretStore {
  const send = secretsManagerCalls({ client, onAnswer, onOutcome, pace, ...(signal && { signal }) });

  const describeLabels = (secretId: string) =>
    send(`DescribeSecret of ${secretId}`, new DescribeSecretCommand({ SecretId: secretId }));

  const describe = async (secretId: string): Promise<SecretDescription> => {
    const secret = await describeLabels(secretId);
    const rotationEnabled = secret.RotationEnabled ?? false;
    // A rotation of Secrets Manager's own changes the secret before it calls the function.
    const currentSince = rotationEnabled ? secret.LastRotatedDate : secret.LastChangedDate;
    return {
      secretId: secret.ARN ?? secretId,
      name: secret.Name ?? secretId,
      rotationEnabled,
      ...(currentSince && { currentSince }),
      versions: Object.entries(secret.VersionIdsToStages ?? {})
        .map(([versionId, labels]) => ({ versionId, stages: stagesOf(labels) }))
        .filter(({ stages }) => stages.length > 0),
    };
  };

  const getValue = async (secretId: string, versionId: string): Promise<LabelledVersion | undefined> => {
    const what = `GetSecretValue of ${secretId}`;
    try {
      const value = await send(what, new GetSecretValueCommand({ SecretId: secretId, VersionId: versionId }));
      if (value.SecretString === undefined) {
        throw new RotationError("SecretInvalid", `${what}: the value is binary, not text`, {
          effect: "none",
        });
      }
      return {
        versionId,
        stages: stagesOf(value.VersionStages),
        isStaged: value.VersionStages?.includes(STAGED) ?? false,
        createdAt: value.CreatedDate ?? new Date(clock.now()),
        text: value.SecretString,
      };
    } catch (error) {
      if (error instanceof RotationError && error.code === "SecretNotFound") return undefined;
      throw error;
    }
  };

  const read = async (secretId: string, versionId: string): Promise<LabelledVersion | undefined> => {
    const found = await getValue(secretId, versionId);
    if (found !== undefined) return found;
    // One error stands for a missing secret and a missing value: the description fails for a missing secret only.
    await describe(secretId);
    for (const pauseMs of LOOK_AGAIN_AFTER_MS) {
      await clock.sleep(pauseMs);
      const late = await getValue(secretId, versionId);
      if (late !== undefined) return late;
    }
    return undefined;
  };

  const settles = async (
    secretId: string,
    isSo: (secret: SecretDescription) => boolean,
  ): Promise<boolean> => {
    for (const pauseMs of [0, ...LOOK_AGAIN_AFTER_MS]) {
      if (pauseMs > 0) await clock.sleep(pauseMs);
      if (isSo(await describe(secretId))) return true;
    }
    return false;
  };

  const moveLabel = async (
    secretId: string,
    move: { VersionStage: string; RemoveFromVersionId?: string; MoveToVersionId?: string },
  ): Promise<RotationError | "moved"> => {
    try {
      await send(
        `UpdateSecretVersionStage of ${secretId} (${move.VersionStage})`,
        new UpdateSecretVersionStageCommand({ SecretId: secretId, ...move }),
        { changes: true },
      );
      return "moved";
    } catch (error) {
      if (error instanceof RotationError && isRefusal(error)) return error;
      throw error;
    }
  };

  const endPending = async (secretId: string, versionId: string): Promise<void> => {
    const moved = await moveLabel(secretId, { VersionStage: "AWSPENDING", RemoveFromVersionId: versionId });
    if (moved === "moved") return;
    // What the service answers where the label is not there is not documented: what counts is that it is not.
    if (!(await settles(secretId, (secret) => !carries(secret, versionId, "pending")))) throw moved;
  };

  const put = async (secretId: string, version: VersionToStage): Promise<LabelledVersion> => {
    const { versionId, text, isPending = false, rotationToken } = version;
    const what = `PutSecretValue of ${secretId}`;
    try {
      const stored = await send(
        what,
        new PutSecretValueCommand({
          SecretId: secretId,
          ClientRequestToken: versionId,
          SecretString: text,
          VersionStages: [isPending ? "AWSPENDING" : STAGED],
          ...(rotationToken !== undefined && { RotationToken: rotationToken }),
        }),
        { changes: true, confidential: rotationToken === undefined ? [text] : [text, rotationToken] },
      );
      // Putting the same text again answers with the labels as they are by now.
      const stages = stagesOf(stored.VersionStages);
      const isStaged = stored.VersionStages?.includes(STAGED) ?? false;
      return { versionId, stages, isStaged, createdAt: new Date(clock.now()), text };
    } catch (error) {
      if (!(error instanceof RotationError && error.code === "StoreConflict")) throw error;
    }
    const theirs = await read(secretId, versionId);
    if (theirs !== undefined) return theirs;
    throw new RotationError("StoreUnavailable", `${what}: the version exists, but cannot be read yet`, {
      effect: "none",
    });
  };

  const beginPending = async (secretId: string, version: LabelledVersion): Promise<StoredVersion> => {
    const { versionId } = version;
    const staged: StoredVersion = { ...storedVersion(version), stages: ["pending"] };
    const move = { VersionStage: "AWSPENDING", MoveToVersionId: versionId };
    const moved = await moveLabel(secretId, move);
    if (moved === "moved") return staged;
    let pending: string | undefined;
    let current: string | undefined;
    await settles(secretId, (secret) => {
      [pending, current] = [holderOf(secret, "pending"), holderOf(secret, "current")];
      return pending !== undefined;
    });
    if (pending === versionId) return staged;
    if (pending === undefined) throw moved;
    // A run has died between the two halves of its promotion: nothing of it is on the way any more.
    const isLeftOver = pending === current;
    if (isLeftOver && (await moveLabel(secretId, { ...move, RemoveFromVersionId: pending })) === "moved") {
      return staged;
    }
    throw new RotationError("StoreConflict", `${secretId}: another version is pending by now`, {
      effect: "none",
    });
  };

  return {
    describe,

    async read(secretId, versionId) {
      const found = await read(secretId, versionId);
      return found && storedVersion(found);
    },

    async release(secretId, versionId) {
      const { VersionIdsToStages: labels } = await describeLabels(secretId);
      if (labels?.[versionId]?.includes(STAGED)) {
        // First, so that a run that dies in between leaves a pending version, not one that may become it again.
        await moveLabel(secretId, { VersionStage: STAGED, RemoveFromVersionId: versionId });
      }
      await endPending(secretId, versionId);
    },

    async stage(secretId, version) {
      const stored = await put(secretId, version);
      const isUnlabelled = stored.isStaged && stored.stages.length === 0;
      return isUnlabelled ? beginPending(secretId, stored) : storedVersion(stored);
    },

    async promote(secretId, versionId, from) {
      const moved = await moveLabel(secretId, {
        VersionStage: "AWSCURRENT",
        MoveToVersionId: versionId,
        RemoveFromVersionId: from,
      });
      if (moved !== "moved") {
        let current: string | undefined;
        const done = await settles(secretId, (secret) => {
          current = holderOf(secret, "current");
          return current === versionId;
        });
        if (!done && current === from) throw moved;
        if (!done) {
          throw new RotationError(
            "StoreConflict",
            `${secretId}: neither version ${from} nor version ${versionId} is current any more`,
            { effect: "none", requestId: moved.requestId },
          );
        }
      }
      await endPending(secretId, versionId);
    },
  };
}

interface LabelledVersion extends StoredVersion {
  readonly isStaged: boolean;
}

function storedVersion({ versionId, stages, createdAt, text }: LabelledVersion): StoredVersion {
  return { versionId, stages, createdAt, text };
}

function holderOf({ versions }: SecretDescription, stage: Stage): string | undefined {
  return versions.find(({ stages }) => stages.includes(stage))?.versionId;
}

function stagesOf(labels: readonly string[] | undefined): readonly Stage[] {
  return (labels ?? []).flatMap((label) => STAGES.get(label) ?? []);
}

function carries(secret: SecretDescription, versionId: string, stage: Stage): boolean {
  return secret.versions.some((version) => version.versionId === versionId && version.stages.includes(stage));
}

function isRefusal(error: RotationError): boolean {
  return ["StoreRefused", "StoreConflict", "SecretNotFound"].includes(error.code);
}
