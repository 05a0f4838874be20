import { RotationError } from "../errors.ts";
import type { Clock, SecretStore, StoredVersion } from "../ports.ts";
import { type Change, ssmSettler } from "./ssm-change.ts";
import { SSM_API_ERRORS } from "./ssm-errors.ts";
import { refused, ssmCall, ssmReader } from "./ssm-look.ts";
import { recentLooks } from "./ssm-recent.ts";
import {
  CURRENT_ID,
  collect,
  createdAt,
  MAX_VERSIONS,
  pendingOf,
  promotedAt,
  promotedId,
  releasedId,
  type SsmState,
  type SsmVersion,
  stagedId,
  stagesOf,
} from "./ssm-versions.ts";
import { createTencentClient, type TencentClient, type TencentConnection } from "./tencent-client.ts";

export interface TencentSsmOptions extends TencentConnection {
  /** Region of the secrets. */
  readonly region: string;
}

export interface SsmStoreOptions {
  readonly client: TencentClient;
  readonly clock: Clock;
}

/**
 * A secret store over Tencent Cloud Secrets Manager (SSM, API version 2019-09-23), for user-defined secrets whose value
 * is the version `SSM_Current`. What its other versions mean is in ssm-versions.ts. A version's id is 64 hexadecimal
 * digits or a UUID; a value that was set by hand is called `by-hand-<number>`.
 *
 * @throws RotationError `ConfigurationInvalid` where the region or the endpoint URL is not acceptable
 */
export function tencentSsm(options: TencentSsmOptions): SecretStore {
  const client = createTencentClient({
    ...options,
    service: "ssm",
    version: "2019-09-23",
    errors: SSM_API_ERRORS,
  });
  return ssmStore({ client, clock: options.clock });
}

/** The same over any client of SSM. Every operation looks, makes one change, and looks again, until nothing is left to do. */
export function ssmStore({ client, clock }: SsmStoreOptions): SecretStore {
  const call = ssmCall(client);
  const { look, textOf } = ssmReader(call);
  const recent = recentLooks(clock);
  const settle = ssmSettler({ call, look, clock });

  const versionIn = async (
    secretId: string,
    state: SsmState,
    versionId: string,
  ): Promise<StoredVersion | undefined> => {
    const version = find(state, versionId);
    const isCurrent = versionId === state.current.versionId;
    const text = isCurrent ? state.current.text : version && (await textOf(secretId, version.storedId));
    if (text === undefined) return undefined;
    return { versionId, stages: stagesOf(state, versionId), createdAt: createdAt(state, versionId), text };
  };

  /** Keeps the current value as the newest of `promoted`: once it is replaced, it is the previous one. */
  const record = ({ current, newestTurn }: SsmState, change: Change): Promise<void> =>
    change("PutSecretValue", promotedId(newestTurn + 1, current.versionId), current.text);

  const retire = async (secretId: string, version: SsmVersion, change: Change): Promise<void> => {
    const text = await textOf(secretId, version.storedId);
    if (text !== undefined) await change("PutSecretValue", releasedId(version.versionId), text);
  };

  return {
    async describe(secretId) {
      const state = await look(secretId);
      recent.keep(secretId, state);
      const since = promotedAt(state);
      const ids = new Set([state.current.versionId, ...state.versions.map(({ versionId }) => versionId)]);
      return {
        secretId,
        name: secretId,
        rotationEnabled: false,
        ...(since && { currentSince: since }),
        versions: [...ids]
          .map((versionId) => ({ versionId, stages: stagesOf(state, versionId) }))
          .filter(({ stages }) => stages.length > 0),
      };
    },

    async read(secretId, versionId) {
      const state = recent.find(secretId) ?? (await look(secretId));
      return versionIn(secretId, state, versionId);
    },

    // What has come since the last look shows in the one that follows the change.
    stage: (secretId, { versionId, text }) =>
      settle(secretId, recent.take(secretId), async (state, change) => {
        const known = find(state, versionId);
        if (known?.isOpen && stagesOf(state, versionId).length === 0) {
          // Two were staged in the same moment, and the other was first: this one must not come up after it.
          return void (await retire(secretId, known, change));
        }
        if (known !== undefined) return versionIn(secretId, state, versionId);
        if (pendingOf(state) !== undefined) {
          throw conflict(secretId, "another version is pending by now");
        }
        const { garbage, missing } = collect(state);
        if (missing > 0) {
          const limit = `SSM keeps ${MAX_VERSIONS} versions, and a rotation needs ${missing} more`;
          throw refused(secretId, `${limit}: delete versions that you have stored beside ${CURRENT_ID}`);
        }
        for (const storedId of garbage) await change("DeleteSecretVersion", storedId);
        if (!state.current.isRecorded) return void (await record(state, change));
        await change("PutSecretValue", stagedId(versionId), text);
        return undefined;
      }),

    async promote(secretId, versionId, from) {
      let basis: number | undefined;
      let isFull = false;
      recent.take(secretId);
      await settle(secretId, undefined, async (state, change) => {
        const { current, newestTurn } = state;
        const version = find(state, versionId);
        if (current.versionId === versionId) {
          const newest = state.versions.find(({ turn }) => turn === newestTurn);
          const isOvertaken = basis !== undefined && newestTurn > basis;
          if (isOvertaken && newest && newest.versionId !== versionId && newest.versionId !== from) {
            // UpdateSecret asks nobody: it has just replaced a newer promotion than the one that was seen.
            const text = await textOf(secretId, newest.storedId);
            if (text !== undefined) await change("UpdateSecret", CURRENT_ID, text);
            return undefined;
          }
          if (current.isRecorded || version === undefined) return true;
          return void (await record(state, change));
        }
        if (version === undefined) throw refused(secretId, `it has no version ${versionId}`);
        if (current.versionId !== from) {
          throw conflict(secretId, `neither version ${from} nor version ${versionId} is current any more`);
        }
        if (!current.isRecorded && !isFull) {
          // Where others have taken its place meanwhile, consumers come first, and the value before goes unrecorded.
          await record(state, change).catch((error: unknown) => {
            if (!(error instanceof RotationError && error.code === "StoreRefused")) throw error;
            isFull = true;
          });
          return undefined;
        }
        const text = await textOf(secretId, version.storedId);
        if (text === undefined) return undefined;
        basis = newestTurn;
        await change("UpdateSecret", CURRENT_ID, text);
        return undefined;
      });
    },

    async release(secretId, versionId) {
      recent.take(secretId);
      await settle(secretId, undefined, async (state, change) => {
        const version = find(state, versionId);
        if (version === undefined || !version.isOpen) return true;
        if (versionId === state.current.versionId) return void (await record(state, change));
        return void (await retire(secretId, version, change));
      });
    },
  };
}

function find({ versions }: SsmState, versionId: string): SsmVersion | undefined {
  return versions.find((version) => version.versionId === versionId);
}

function conflict(secretId: string, what: string): RotationError {
  return new RotationError("StoreConflict", `Secret ${secretId}: ${what}`, { effect: "none" });
}
