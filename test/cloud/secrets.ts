import { randomUUID } from "node:crypto";
import type { SecretsManager } from "./secrets-manager/model.ts";
import type { Ssm } from "./ssm/model.ts";

/** The name of the secret that the cloud makes for an instance in Secrets Manager. */
export const secretName = (instanceId: string): string => `redis/${instanceId}`;

/** In SSM, which takes no slash. */
const ssmSecretName = (instanceId: string): string => `redis-${instanceId}`;

/** The secrets of the instances, in one of the two secret managers. */
export interface CloudSecrets {
  readonly name: (instanceId: string) => string;
  create(instanceId: string, text: string): void;
  /** What a consumer reads. */
  currentText(instanceId: string): string;
  /** When the first promotion at or after `since` came in, in milliseconds since the epoch. */
  promotedAt(instanceId: string, since: number): number | undefined;
}

export function secretsInAws(secretsManager: SecretsManager): CloudSecrets {
  return {
    name: secretName,
    create(instanceId, text) {
      secretsManager.call("CreateSecret", {
        Name: secretName(instanceId),
        SecretString: text,
        ClientRequestToken: randomUUID(),
      });
    },
    currentText(instanceId) {
      const { versions } = secretsManager.inspect(secretName(instanceId));
      const current = versions.find(({ stages }) => stages.includes("AWSCURRENT"));
      return current?.content?.SecretString ?? "{}";
    },
    promotedAt: (instanceId, since) =>
      secretsManager.calls.find(
        ({ action, secretId, at }) =>
          action === "UpdateSecretVersionStage" && secretId === secretName(instanceId) && at >= since,
      )?.at,
  };
}

export function secretsInSsm(ssm: Ssm): CloudSecrets {
  return {
    name: ssmSecretName,
    create(instanceId, text) {
      ssm.call("CreateSecret", { SecretName: ssmSecretName(instanceId), SecretString: text });
    },
    currentText(instanceId) {
      const { versions } = ssm.inspect(ssmSecretName(instanceId));
      const current = versions.find(({ versionId }) => versionId === "SSM_Current");
      return current?.content.SecretString ?? "{}";
    },
    promotedAt: (instanceId, since) =>
      ssm.calls.find(
        ({ action, secretName: name, at }) =>
          action === "UpdateSecret" && name === ssmSecretName(instanceId) && at >= since,
      )?.at,
  };
}
