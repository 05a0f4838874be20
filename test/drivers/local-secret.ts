import { randomUUID } from "node:crypto";
import { awsSecretsManager } from "../../lib/drivers/aws-secrets-manager.ts";
import type { RotationError } from "../../lib/errors.ts";
import type { SecretStore } from "../../lib/ports.ts";
import type { Fault } from "../cloud/secrets-manager/faults.ts";
import type { LocalService } from "../cloud/secrets-manager/local-service.ts";
import type { Action } from "../cloud/secrets-manager/wire.ts";
import { createVirtualClock } from "../fakes/clock.ts";

export const PASSWORD = "tOp-Secret!2026";
export const TEXT = `{"engine":"tencentdb-redis","password":"${PASSWORD}"}`;
export const ROTATION_TOKEN = "rotation-token-0123456789";

/** Jumps over every pause. Signatures carry the system's time, so it starts there. */
export const clock = createVirtualClock({ startMs: Date.now(), autoAdvance: true });

export const CALLS = [
  "describe",
  "read",
  "stage",
  "promote",
  "release",
] as const satisfies (keyof SecretStore)[];

const ACTIONS: Readonly<Record<keyof SecretStore, Action>> = {
  describe: "DescribeSecret",
  read: "GetSecretValue",
  stage: "PutSecretValue",
  promote: "UpdateSecretVersionStage",
  release: "UpdateSecretVersionStage",
};

/** A fresh secret of the local Secrets Manager with one current version, and the driver before it. */
export function localSecret(
  service: LocalService,
  options: { maxAttempts?: number; signal?: AbortSignal } = {},
) {
  const { maxAttempts = 1, signal } = options;
  const aws = service.europe;
  aws.setLag(0);
  const client = service.client({ maxAttempts });
  const store = awsSecretsManager({ client, clock, ...(signal && { signal }) });
  const secretId = `redis/${randomUUID()}`;
  const oldId = aws.call("CreateSecret", { Name: secretId, SecretString: "old" }).VersionId ?? "";
  const newId = randomUUID();
  const earlier = aws.calls.length;

  const stage = (text = TEXT) =>
    store.stage(secretId, { versionId: newId, text, isPending: true, rotationToken: ROTATION_TOKEN });
  const call = (name: keyof SecretStore): Promise<unknown> =>
    ({
      describe: () => store.describe(secretId),
      read: () => store.read(secretId, oldId),
      stage: () => stage(),
      promote: () => store.promote(secretId, newId, oldId),
      release: () => store.release(secretId, newId),
    })[name]();

  return {
    aws,
    store,
    secretId,
    oldId,
    newId,
    stage,
    call,
    calls: () => aws.calls.slice(earlier).map(({ action }) => action),
    labels: () => aws.inspect(secretId).versions.map(({ stages }) => stages),
    failNext: (name: keyof SecretStore, fault: Fault) => aws.failNext(ACTIONS[name], fault, { secretId }),
    /** The error of a call that meets these faults, one attempt after the other. */
    async broken(name: keyof SecretStore, ...faults: Fault[]): Promise<RotationError> {
      if (name !== "stage") await stage();
      for (const fault of faults) aws.failNext(ACTIONS[name], fault, { secretId });
      return failed(call(name));
    },
  };
}

export function failed(promise: Promise<unknown>): Promise<RotationError> {
  return promise.then(
    () => Promise.reject(new Error("It did not fail")),
    (error) => error,
  );
}
