import { awsSecretsManager } from "../../lib/drivers/aws-secrets-manager.ts";
import { ssmStore } from "../../lib/drivers/tencent-ssm.ts";
import type { SecretStore } from "../../lib/ports.ts";
import { createSsm } from "../cloud/ssm/model.ts";
import { createSsmClient } from "../fakes/ssm-client.ts";
import { DAY_MS, NAME, type Rig } from "../rotation/rig.ts";
import { inMemoryAws } from "./in-memory-aws.ts";

export type Label = "AWSCURRENT" | "AWSPENDING" | "AWSPREVIOUS";

export interface StoredText {
  readonly versionId: string;
  readonly text: string;
  /** In the words of Secrets Manager. */
  readonly labels: readonly string[];
}

/** A secret manager in memory with the rig's secret in it, as the torture looks at it: past the driver. */
export interface Vault {
  readonly secretId: string;
  stored(): readonly StoredText[];
  /** The real driver; each request to the service passes `pass`. */
  store(pass: <T>(action: string, effect: () => Promise<T>) => Promise<T>): SecretStore;
}

export function awsVault({ secretsManager, clock }: Rig): Vault {
  const request = secretsManager.call as (action: string, request: object) => object;
  return {
    secretId: NAME,
    stored: () =>
      secretsManager.inspect(NAME).versions.flatMap(({ versionId, content, stages }) => {
        const text = content?.SecretString;
        return text === undefined ? [] : [{ versionId, text, labels: stages }];
      }),
    store(pass) {
      const client = inMemoryAws((action, input) => pass(action, async () => request(action, input)), clock);
      return awsSecretsManager({ client, clock });
    },
  };
}

const SSM_NAME = "redis-orders";

export function ssmVault({ clock, textAt }: Rig): Vault {
  let ageMs = 40 * DAY_MS;
  const ssm = createSsm({ clock: { now: () => clock.now() - ageMs, sleep: clock.sleep } });
  ssm.call("CreateSecret", { SecretName: SSM_NAME, SecretString: textAt("AWSCURRENT") ?? "" });
  ageMs = 0;

  function stored(): StoredText[] {
    const versions = ssm.inspect(SSM_NAME).versions.map(({ versionId, content }) => ({
      versionId,
      text: content.SecretString ?? "",
    }));
    const current = versions.find(({ versionId }) => versionId === "SSM_Current")?.text;
    const rotationId = (versionId: string) => versionId.split(".").at(-1);
    const isDecided = (id: string) =>
      versions.some(
        ({ versionId }) =>
          /^(promoted|released)\./.test(versionId) && rotationId(versionId) === rotationId(id),
      );
    const turn = (versionId: string) => Number(/^promoted\.(\d+)\./.exec(versionId)?.[1] ?? 0);
    const previous = versions
      .filter(({ versionId, text }) => turn(versionId) > 0 && text !== current)
      .sort((a, b) => turn(b.versionId) - turn(a.versionId))[0];
    return versions.map(({ versionId, text }) => {
      const labels: Label[] = [];
      if (versionId === "SSM_Current") labels.push("AWSCURRENT");
      if (versionId === previous?.versionId) labels.push("AWSPREVIOUS");
      if (versionId.startsWith("staged.") && !isDecided(versionId)) labels.push("AWSPENDING");
      return { versionId, text, labels };
    });
  }

  return {
    secretId: SSM_NAME,
    stored,
    store(pass) {
      const dispatch: typeof ssm.dispatch = (request) => pass(request.action, () => ssm.dispatch(request));
      return ssmStore({ client: createSsmClient({ ssm: { ...ssm, dispatch }, clock }), clock });
    },
  };
}
