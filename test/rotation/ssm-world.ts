import { ssmStore } from "../../lib/drivers/tencent-ssm.ts";
import { createSsm } from "../cloud/ssm/model.ts";
import { createSsmClient } from "../fakes/ssm-client.ts";
import { createRig, type RigOptions } from "./rig.ts";

export const SECRET = "redis-orders";
export const DUE = { intervalDays: 0, force: false };

type Fields = Readonly<Record<string, unknown>>;

/** The rig with its secret in SSM, where a value that is written by hand leaves a pending version pending. */
export function createWorld(options: RigOptions = {}) {
  const rig = createRig(options);
  const { clock } = rig;
  const ssm = createSsm({ clock });
  ssm.call("CreateSecret", { SecretName: SECRET, SecretString: rig.textAt("AWSCURRENT") ?? "" });
  const store = ssmStore({ client: createSsmClient({ ssm, clock }), clock });
  const current = () => {
    const { versions } = ssm.inspect(SECRET);
    const found = versions.find(({ versionId }) => versionId === "SSM_Current");
    return JSON.parse(found?.content.SecretString ?? "{}");
  };
  return {
    rig,
    store,
    current,
    run: (changes = {}) => rig.run({ store, ...changes }),
    /** What an operator does in the console. */
    edit(fields: Fields): void {
      const SecretString = JSON.stringify({ ...current(), ...fields });
      ssm.call("UpdateSecret", { SecretName: SECRET, VersionId: "SSM_Current", SecretString });
    },
    replace(SecretString: string): void {
      ssm.call("UpdateSecret", { SecretName: SECRET, VersionId: "SSM_Current", SecretString });
    },
    /** What a run leaves behind that dies right after createSecret. */
    async stagePending(fields: Fields): Promise<void> {
      await store.stage(SECRET, {
        versionId: "5".repeat(64),
        text: JSON.stringify({ ...current(), ...fields }),
      });
    },
  };
}

/** Of an instance. */
export const accounts = ["app_a", "app_b", "app_c"].map((name) => ({ name, password: `first-${name}-Pw1` }));
/** The fields of a secret whose users alternate. */
export const PAIR = { username: "app_a", password: "first-app_a-Pw1", usernames: ["app_a", "app_b"] };
