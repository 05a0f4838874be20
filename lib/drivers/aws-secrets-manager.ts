import { setMaxListeners } from "node:events";
import {
  type $Command,
  DescribeSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  type SecretsManagerClient,
  type SecretsManagerClientResolvedConfig,
  type ServiceInputTypes,
  type ServiceOutputTypes,
  UpdateSecretVersionStageCommand,
} from "@aws-sdk/client-secrets-manager";
import { RotationError } from "../errors.ts";
import type { Clock, SecretDescription, SecretStore, Stage, StoredVersion } from "../ports.ts";
import { mayBeDone, storeError } from "./aws-errors.ts";

export interface AwsSecretsManagerOptions {
  readonly client: SecretsManagerClient;
  readonly clock: Clock;
  /** Ends what is under way when the run's time is used up. */
  readonly signal?: AbortSignal;
}

const STAGES: ReadonlyMap<string, Stage> = new Map([
  ["AWSPENDING", "pending"],
  ["AWSCURRENT", "current"],
  ["AWSPREVIOUS", "previous"],
]);

// A read may lag behind a write for a short while.
const LOOK_AGAIN_AFTER_MS = [200, 600, 1_200];

/** A secret store over AWS Secrets Manager (API version 2017-10-17). A version's id is its ClientRequestToken. */
export function awsSecretsManager({ client, clock, signal }: AwsSecretsManagerOptions): SecretStore {
  // Every call that is under way listens; more than ten look like a leak to Node, which would print a warning.
  if (signal !== undefined) setMaxListeners(0, signal);

  const send = async <Input extends ServiceInputTypes, Output extends ServiceOutputTypes>(
    what: string,
    command: $Command<
      Input,
      Output,
      SecretsManagerClientResolvedConfig,
      ServiceInputTypes,
      ServiceOutputTypes
    >,
    { changes = false, confidential = [] as readonly string[] } = {},
  ): Promise<Output> => {
    if (signal?.aborted) {
      throw storeError(signal.reason, { what, effect: "none", confidential, aborted: true });
    }
    // The SDK tries again by itself and shows the last failure only. An earlier attempt may have been carried out.
    let effect: "none" | "unknown" = "none";
    command.middlewareStack.add(
      (next) => async (args) => {
        try {
          return await next(args);
        } catch (error) {
          if (changes && mayBeDone(error)) effect = "unknown";
          throw error;
        }
      },
      { step: "deserialize", priority: "high" },
    );
    try {
      return await client.send(command, signal === undefined ? {} : { abortSignal: signal });
    } catch (error) {
      throw storeError(error, { what, effect, confidential, aborted: signal?.aborted ?? false });
    }
  };

  const describe = async (secretId: string): Promise<SecretDescription> => {
    const secret = await send(
      `DescribeSecret of ${secretId}`,
      new DescribeSecretCommand({ SecretId: secretId }),
    );
    return {
      secretId: secret.ARN ?? secretId,
      name: secret.Name ?? secretId,
      rotationEnabled: secret.RotationEnabled ?? false,
      versions: Object.entries(secret.VersionIdsToStages ?? {})
        .map(([versionId, labels]) => ({ versionId, stages: stagesOf(labels) }))
        .filter(({ stages }) => stages.length > 0),
    };
  };

  const getValue = async (secretId: string, versionId: string): Promise<StoredVersion | undefined> => {
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
        createdAt: value.CreatedDate ?? new Date(clock.now()),
        text: value.SecretString,
      };
    } catch (error) {
      if (error instanceof RotationError && error.code === "SecretNotFound") return undefined;
      throw error;
    }
  };

  const read = async (secretId: string, versionId: string): Promise<StoredVersion | undefined> => {
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
    move: { VersionStage: string; RemoveFromVersionId: string; MoveToVersionId?: string },
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

  const release = async (secretId: string, versionId: string): Promise<void> => {
    const moved = await moveLabel(secretId, { VersionStage: "AWSPENDING", RemoveFromVersionId: versionId });
    if (moved === "moved") return;
    // What the service answers where the label is not there is not documented: what counts is that it is not.
    if (!(await settles(secretId, (secret) => !carries(secret, versionId, "pending")))) throw moved;
  };

  return {
    describe,
    read,
    release,

    async stage(secretId, { versionId, text, rotationToken }) {
      const what = `PutSecretValue of ${secretId}`;
      try {
        const stored = await send(
          what,
          new PutSecretValueCommand({
            SecretId: secretId,
            ClientRequestToken: versionId,
            SecretString: text,
            VersionStages: ["AWSPENDING"],
            ...(rotationToken !== undefined && { RotationToken: rotationToken }),
          }),
          { changes: true, confidential: rotationToken === undefined ? [text] : [text, rotationToken] },
        );
        // Putting the same text again answers with the labels as they are by now.
        const stages = stagesOf(stored.VersionStages);
        return { versionId, stages, createdAt: new Date(clock.now()), text };
      } catch (error) {
        if (!(error instanceof RotationError && error.code === "StoreConflict")) throw error;
      }
      const theirs = await read(secretId, versionId);
      if (theirs !== undefined) return theirs;
      throw new RotationError("StoreUnavailable", `${what}: the version exists, but cannot be read yet`, {
        effect: "none",
      });
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
          current = secret.versions.find(({ stages }) => stages.includes("current"))?.versionId;
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
      await release(secretId, versionId);
    },
  };
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
