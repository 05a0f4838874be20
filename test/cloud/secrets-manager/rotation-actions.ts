import type { Clock } from "../../../lib/ports.ts";
import { AwsApiError } from "./aws-api-error.ts";
import { attach, detach, holderOf } from "./labels.ts";
import type { SecretTable } from "./secret-table.ts";
import { checkedToken } from "./version-actions.ts";
import type { Actions, Secret } from "./wire.ts";

/**
 * `rotate`: a new rotation. `test`: RotateImmediately=false, the configuration is only tried out. `reattempt`: RotateSecret
 * was refused because the version under AWSPENDING is not current yet, and that rotation is to be tried again.
 */
export interface StartedRotation {
  readonly kind: "rotate" | "test" | "reattempt";
  readonly secretArn: string;
  readonly token: string;
  /** Takes AWSPENDING off the version, and the version away where it has no value. */
  readonly discard: () => void;
}

export type RotationListener = (started: StartedRotation) => void;

type Handler<A extends keyof Actions> = (request: Actions[A]["request"]) => Actions[A]["answer"];

interface RotationActions {
  readonly RotateSecret: Handler<"RotateSecret">;
  readonly CancelRotateSecret: Handler<"CancelRotateSecret">;
}

export function rotationActions(
  table: SecretTable,
  clock: Clock,
  newId: () => string,
  functions: ReadonlyMap<string, RotationListener>,
): RotationActions {
  function started(kind: StartedRotation["kind"], secretArn: string, token: string): StartedRotation {
    return {
      kind,
      secretArn,
      token,
      discard() {
        const secret = table.find(secretArn);
        const versions = detach(secret.versions, token, "AWSPENDING").filter(
          (version) => version.versionId !== token || version.content !== undefined,
        );
        table.save({ ...secret, versions, changedAtMs: clock.now() });
      },
    };
  }

  return {
    RotateSecret(request) {
      const secret = table.findLive(request.SecretId);
      const token = checkedToken(request.ClientRequestToken ?? newId());
      const functionArn = request.RotationLambdaARN ?? secret.rotation?.functionArn;
      if (functionArn === undefined) {
        throw new AwsApiError(
          "InvalidRequestException",
          "No Lambda rotation function ARN is associated with this secret.",
        );
      }
      const listener = functions.get(functionArn);
      if (listener === undefined) {
        throw new AwsApiError(
          "AccessDeniedException",
          "Secrets Manager cannot invoke the specified Lambda function. Ensure that the function policy grants access to the principal secretsmanager.amazonaws.com.",
        );
      }
      const unfinished = pendingElsewhere(secret);
      if (unfinished !== undefined) {
        listener(started("reattempt", secret.arn, unfinished));
        throw new AwsApiError(
          "InvalidRequestException",
          "A previous rotation isn't complete. That rotation will be reattempted.",
        );
      }
      const rules = request.RotationRules ?? secret.rotation?.rules;
      const known = secret.versions.some(({ versionId }) => versionId === token);
      const placeholder = { versionId: token, createdAtMs: clock.now(), stages: [] };
      const versions = known ? secret.versions : [...secret.versions, placeholder];
      table.save({
        ...secret,
        versions: attach(versions, token, "AWSPENDING"),
        rotation: { enabled: true, functionArn, ...(rules !== undefined && { rules }) },
        changedAtMs: clock.now(),
      });
      listener(started(request.RotateImmediately === false ? "test" : "rotate", secret.arn, token));
      return { ARN: secret.arn, Name: secret.name, VersionId: token };
    },

    CancelRotateSecret({ SecretId }) {
      const secret = table.findLive(SecretId);
      if (secret.rotation !== undefined) {
        table.save({ ...secret, rotation: { ...secret.rotation, enabled: false }, changedAtMs: clock.now() });
      }
      const unfinished = pendingElsewhere(secret);
      return {
        ARN: secret.arn,
        Name: secret.name,
        ...(unfinished !== undefined && { VersionId: unfinished }),
      };
    },
  };
}

function pendingElsewhere(secret: Secret): string | undefined {
  const pending = holderOf(secret.versions, "AWSPENDING");
  return pending?.stages.includes("AWSCURRENT") ? undefined : pending?.versionId;
}
