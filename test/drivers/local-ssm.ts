import { randomUUID } from "node:crypto";
import { ssmStore, type TencentSsmOptions, tencentSsm } from "../../lib/drivers/tencent-ssm.ts";
import type { Clock, SecretStore, Stage } from "../../lib/ports.ts";
import { createSsm, type Ssm, type SsmOptions } from "../cloud/ssm/model.ts";
import type { SecretStoreUnderTest } from "../contracts/secret-store.contract.ts";
import type { VirtualClock } from "../fakes/clock.ts";
import { createSsmClient, type SsmClientOptions } from "../fakes/ssm-client.ts";

export const CREDENTIALS = { secretId: "AKIDexample", secretKey: "the-secret-key-of-the-account" };
export const PASSWORD = "tOp-Secret!2026";
export const TEXT = `{"engine":"tencentdb-redis","password":"${PASSWORD}"}`;

/** The driver before a local server. Its calls keep to SSM's pace, in virtual time. */
export function driver(
  endpointUrl: string,
  clock: VirtualClock,
  options: Partial<TencentSsmOptions> = {},
): SecretStore {
  return tencentSsm({
    endpointUrl,
    clock,
    region: "ap-guangzhou",
    credentials: async () => CREDENTIALS,
    signal: new AbortController().signal,
    limiter: () => clock.sleep(30),
    timeoutMs: 2_000,
    ...options,
  });
}

/** What the contract suite needs of a store over this SSM. */
export function underTest(store: SecretStore, ssm: Ssm): SecretStoreUnderTest {
  return {
    store,
    async create(text) {
      const secretId = `redis-${randomUUID()}`;
      ssm.call("CreateSecret", { SecretName: secretId, SecretString: text });
      return { secretId, currentId: "by-hand-1" };
    },
    async promoteByHalf(secretId, versionId) {
      const text = (await store.read(secretId, versionId))?.text ?? "";
      ssm.call("UpdateSecret", { SecretName: secretId, VersionId: "SSM_Current", SecretString: text });
    },
  };
}

export const SECRET = "redis-orders";

/** Whoever sleeps is awake at once, and so much later. */
export function hastyClock(): Clock {
  let nowMs = Date.UTC(2026, 0, 1);
  return {
    now: () => nowMs,
    sleep: async (durationMs) => {
      nowMs += durationMs;
    },
  };
}

/** One secret in memory with the driver before it: no HTTP, no real time. */
export function inMemory(options: Pick<SsmOptions, "updateRenewsTime"> & Pick<SsmClientOptions, "at"> = {}) {
  const clock = hastyClock();
  const ssm = createSsm({ clock, ...options });
  ssm.call("CreateSecret", { SecretName: SECRET, SecretString: "old" });
  const client = (at = options.at) => createSsmClient({ ssm, clock, ...(at && { at }) });
  const store = ssmStore({ client: client(), clock });
  return {
    clock,
    ssm,
    store,
    /** The driver of another run, with its own moments. */
    run: (at?: SsmClientOptions["at"]) => ssmStore({ client: client(at), clock }),
    stage: (versionId: string, text: string) => store.stage(SECRET, { versionId, text }),
    stages: () => stagesIn(store),
    stored: () =>
      ssm
        .inspect(SECRET)
        .versions.map(({ versionId }) => versionId)
        .sort(),
    currentText: () =>
      ssm.inspect(SECRET).versions.find(({ versionId }) => versionId === "SSM_Current")?.content.SecretString,
    /** What an operator does in the console. */
    setByHand: (text: string) =>
      ssm.call("UpdateSecret", { SecretName: SECRET, VersionId: "SSM_Current", SecretString: text }),
  };
}

export async function stagesIn(store: SecretStore): Promise<Readonly<Record<string, readonly Stage[]>>> {
  const { versions } = await store.describe(SECRET);
  return Object.fromEntries(versions.map(({ versionId, stages }) => [versionId, [...stages].sort()]));
}

/** 64 hexadecimal digits, as a rotation derives them. */
export const id = (digit: string): string => digit.repeat(64);
