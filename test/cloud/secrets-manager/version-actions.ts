import type { Clock } from "../../../lib/ports.ts";
import { AwsApiError } from "./aws-api-error.ts";
import { attach, detach, holderOf } from "./labels.ts";
import type { SecretTable } from "./secret-table.ts";
import type { Actions, Content, Version } from "./wire.ts";

type Handler<A extends keyof Actions> = (request: Actions[A]["request"]) => Actions[A]["answer"];

interface VersionActions {
  readonly CreateSecret: Handler<"CreateSecret">;
  readonly GetSecretValue: Handler<"GetSecretValue">;
  readonly PutSecretValue: Handler<"PutSecretValue">;
  readonly UpdateSecretVersionStage: Handler<"UpdateSecretVersionStage">;
}

const invalidParameter = (message: string) => new AwsApiError("InvalidParameterException", message);
const valueNotFound = (what: string) =>
  new AwsApiError(
    "ResourceNotFoundException",
    `Secrets Manager can't find the specified secret value for ${what}`,
  );

export function versionActions(table: SecretTable, clock: Clock, newId: () => string): VersionActions {
  return {
    CreateSecret(request) {
      const { Name: name, Description: description, Tags: tags = [] } = request;
      if (typeof name !== "string" || !/^[A-Za-z0-9/_+=.@!-]{1,512}$/.test(name)) {
        throw new AwsApiError(
          "ValidationException",
          "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!",
        );
      }
      const token = checkedToken(request.ClientRequestToken ?? newId());
      const content = contentOf(request);
      const taken = table.lookUp(name);
      if (taken?.deletedAtMs !== undefined) {
        throw new AwsApiError(
          "InvalidRequestException",
          "You can't create this secret because a secret with this name is already scheduled for deletion.",
        );
      }
      if (taken !== undefined) {
        const version = taken.versions.find(({ versionId }) => versionId === token);
        if (version !== undefined && sameContent(version.content, content)) {
          return { ARN: taken.arn, Name: name, VersionId: token };
        }
        throw new AwsApiError(
          "ResourceExistsException",
          `The operation failed because the secret ${name} already exists.`,
        );
      }
      const createdAtMs = clock.now();
      const arn = table.newArn(name);
      const versions =
        content === undefined ? [] : [{ versionId: token, createdAtMs, content, stages: ["AWSCURRENT"] }];
      table.save({
        name,
        arn,
        createdAtMs,
        changedAtMs: createdAtMs,
        tags,
        versions,
        ...(description !== undefined && { description }),
      });
      return { ARN: arn, Name: name, ...(content !== undefined && { VersionId: token }) };
    },

    GetSecretValue({ SecretId, VersionId, VersionStage }) {
      const secret = table.findLagging(SecretId);
      const stage = VersionStage ?? "AWSCURRENT";
      const version =
        VersionId === undefined
          ? holderOf(secret.versions, stage)
          : secret.versions.find(({ versionId }) => versionId === VersionId);
      if (version?.content === undefined) {
        throw valueNotFound(VersionId === undefined ? `staging label: ${stage}` : `VersionId: ${VersionId}`);
      }
      if (VersionStage !== undefined && !version.stages.includes(VersionStage)) {
        throw new AwsApiError(
          "InvalidRequestException",
          "You provided a VersionStage that is not associated to the provided VersionId.",
        );
      }
      return {
        ARN: secret.arn,
        Name: secret.name,
        VersionId: version.versionId,
        VersionStages: version.stages,
        CreatedDate: version.createdAtMs / 1000,
        ...version.content,
      };
    },

    PutSecretValue(request) {
      const secret = table.findLive(request.SecretId);
      const token = checkedToken(request.ClientRequestToken ?? newId());
      const content = contentOf(request);
      if (content === undefined) {
        throw new AwsApiError(
          "InvalidRequestException",
          "You must provide either SecretString or SecretBinary.",
        );
      }
      const stages = request.VersionStages ?? ["AWSCURRENT"];
      if (stages.length < 1 || stages.length > 20)
        throw invalidParameter("VersionStages takes 1 to 20 labels.");

      const known = secret.versions.find(({ versionId }) => versionId === token);
      if (known?.content !== undefined) {
        if (!sameContent(known.content, content)) {
          throw new AwsApiError(
            "ResourceExistsException",
            `You can't use ClientRequestToken ${token} because that value is already in use for a version of secret ${secret.arn}.`,
          );
        }
        return { ARN: secret.arn, Name: secret.name, VersionId: token, VersionStages: known.stages };
      }

      const created: Version = {
        versionId: token,
        createdAtMs: known?.createdAtMs ?? clock.now(),
        content,
        stages: known?.stages ?? [],
      };
      let versions: readonly Version[] = [
        ...secret.versions.filter(({ versionId }) => versionId !== token),
        created,
      ];
      // A value that becomes current at once ends a rotation that is under way: no version stays pending.
      const pending = stages.includes("AWSCURRENT") ? holderOf(versions, "AWSPENDING") : undefined;
      if (pending !== undefined) versions = detach(versions, pending.versionId, "AWSPENDING");
      for (const stage of stages) versions = attach(versions, token, stage);
      table.save({ ...secret, versions, changedAtMs: clock.now() });
      const { stages: VersionStages } = versions.find(({ versionId }) => versionId === token) ?? created;
      return { ARN: secret.arn, Name: secret.name, VersionId: token, VersionStages };
    },

    UpdateSecretVersionStage({ SecretId, VersionStage: stage, MoveToVersionId, RemoveFromVersionId }) {
      const secret = table.findLive(SecretId);
      const { versions } = secret;
      for (const id of [MoveToVersionId, RemoveFromVersionId]) {
        if (id !== undefined && !versions.some(({ versionId }) => versionId === id)) {
          throw valueNotFound(`VersionId: ${id}`);
        }
      }
      const holder = holderOf(versions, stage)?.versionId;
      if (RemoveFromVersionId !== undefined && RemoveFromVersionId !== holder) {
        throw invalidParameter(
          `The staging label ${stage} is not attached to the version given as RemoveFromVersionId.`,
        );
      }
      if (MoveToVersionId === undefined) {
        if (RemoveFromVersionId === undefined) {
          throw invalidParameter("You must provide MoveToVersionId or RemoveFromVersionId.");
        }
        if (stage === "AWSCURRENT") {
          throw invalidParameter(
            "You can only move staging label AWSCURRENT to a different secret version. It can't be completely removed.",
          );
        }
      } else if (holder !== undefined && holder !== MoveToVersionId && RemoveFromVersionId === undefined) {
        throw invalidParameter(
          `The parameter RemoveFromVersionId can't be empty. Staging label ${stage} is currently attached to version ${holder}, so you must explicitly reference that version in RemoveFromVersionId.`,
        );
      }
      const moved =
        MoveToVersionId === undefined
          ? detach(versions, RemoveFromVersionId ?? "", stage)
          : attach(versions, MoveToVersionId, stage);
      const now = clock.now();
      const winner = versions.find(({ versionId }) => versionId === MoveToVersionId);
      const rotated = stage === "AWSCURRENT" && winner?.stages.includes("AWSPENDING") && secret.rotation;
      table.save({ ...secret, versions: moved, changedAtMs: now, ...(rotated && { rotatedAtMs: now }) });
      return { ARN: secret.arn, Name: secret.name };
    },
  };
}

export function checkedToken(token: string): string {
  if (token.length >= 32 && token.length <= 64) return token;
  throw invalidParameter("ClientRequestToken must be 32-64 characters long.");
}

function contentOf(request: Content): Content | undefined {
  const { SecretString, SecretBinary } = request;
  if (SecretString !== undefined && SecretBinary !== undefined) {
    throw invalidParameter("You can't specify both a binary secret value and a string secret value.");
  }
  if (Buffer.byteLength(SecretString ?? SecretBinary ?? "") > 65_536) {
    throw invalidParameter("The secret value must be at most 65536 bytes.");
  }
  if (SecretString !== undefined) return { SecretString };
  return SecretBinary === undefined ? undefined : { SecretBinary };
}

function sameContent(one: Content | undefined, other: Content | undefined): boolean {
  return one?.SecretString === other?.SecretString && one?.SecretBinary === other?.SecretBinary;
}
