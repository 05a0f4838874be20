import * as v from "valibot";
import { RotationError } from "../errors.ts";
import { number, object } from "../schemas.ts";
import { confidentialParts, ssmError } from "./ssm-errors.ts";
import { CURRENT_ID, readHistory, type SsmHistory, type SsmState, withCurrent } from "./ssm-versions.ts";
import type { TencentClient } from "./tencent-client.ts";

export interface SsmReader {
  /** The secret as it stands. @throws RotationError `SecretNotFound`, `SecretInvalid`, `StoreRefused` and what a call throws */
  look(secretId: string): Promise<SsmState>;
  /** Undefined where the version is gone. */
  textOf(secretId: string, storedId: string): Promise<string | undefined>;
}

/** How often a look begins anew because versions came or went under its eyes. */
const MAX_LOOKS = 5;

const secretInfo = object({ Status: v.nullish(v.string()), SecretType: v.nullish(number) });
const versionList = object({
  Versions: v.nullish(v.array(object({ VersionId: v.string(), CreateTime: v.nullish(number) }))),
});
const secretValue = object({ SecretString: v.nullish(v.string()), SecretBinary: v.nullish(v.string()) });

interface SsmParams {
  readonly VersionId?: string;
  readonly SecretString?: string;
}

export type SsmCall = <Answer>(
  secretId: string,
  action: string,
  params: SsmParams,
  answer: v.GenericSchema<unknown, Answer>,
  change?: boolean,
) => Promise<Answer>;

/** Calls about one secret, with the secret manager's own errors. */
export function ssmCall(client: TencentClient): SsmCall {
  return async (secretId, action, params, answer, change = false) => {
    const secrets = confidentialParts(params.SecretString ?? "");
    try {
      return await client({ action, params: { SecretName: secretId, ...params }, answer, change, secrets });
    } catch (error) {
      throw ssmError(error, `Secret ${secretId}`);
    }
  };
}

export function ssmReader(call: SsmCall): SsmReader {
  const checked = new Map<string, Promise<void>>();

  const check = async (secretId: string): Promise<void> => {
    const { Status, SecretType } = await call(secretId, "DescribeSecret", {}, secretInfo);
    if ((SecretType ?? 0) !== 0) {
      const kind = `it is of type ${SecretType}, which SSM rotates itself`;
      throw refused(secretId, `${kind}: put the instance's JSON into a user-defined secret (type 0)`);
    }
    if ((Status ?? "Enabled") !== "Enabled") {
      throw refused(
        secretId,
        `its status is ${/^[A-Za-z]{1,20}$/.test(Status ?? "") ? Status : "unknown"}: restore and enable it, or take it out of the rotation`,
      );
    }
  };

  /** Once for each secret: a type never changes, and a disabled secret cannot be read anyway. */
  const checkOnce = (secretId: string): Promise<void> => {
    const known = checked.get(secretId) ?? check(secretId);
    checked.set(secretId, known);
    known.catch(() => checked.delete(secretId));
    return known;
  };

  const list = async (secretId: string) => {
    const { Versions } = await call(secretId, "ListSecretVersionIds", {}, versionList);
    return (Versions ?? []).map(({ VersionId, CreateTime }) => ({
      storedId: VersionId,
      createdAtMs: (CreateTime ?? 0) * 1000,
    }));
  };

  /** Undefined where the version is gone. */
  const textOf = async (secretId: string, storedId: string): Promise<string | undefined> => {
    try {
      const value = await call(secretId, "GetSecretValue", { VersionId: storedId }, secretValue);
      if (value.SecretString) return value.SecretString;
      if (!value.SecretBinary) return value.SecretString ?? "";
    } catch (error) {
      if (error instanceof RotationError && error.code === "SecretNotFound") return undefined;
      throw error;
    }
    throw invalid(secretId, `the version ${storedId} is binary, not text`);
  };

  /** Undefined where versions came or went meanwhile. */
  const identify = async (secretId: string, history: SsmHistory): Promise<SsmState | undefined> => {
    // Nearly always it is one of these.
    const likely = history.versions.findIndex(({ isOpen }) => !isOpen) + 1 || history.versions.length;
    const batches = [history.versions.slice(0, likely), history.versions.slice(likely)];
    const currentText = textOf(secretId, CURRENT_ID);
    for (const batch of batches) {
      const [current, ...texts] = await Promise.all([
        currentText,
        ...batch.map(({ storedId }) => textOf(secretId, storedId)),
      ]);
      if (current === undefined || texts.includes(undefined)) return undefined;
      const match = batch[texts.indexOf(current)];
      if (match !== undefined) return withCurrent(history, current, match);
    }
    // Or one that was staged and promoted since the list was made.
    const isUnchanged = idsOf(await list(secretId)) === idsOf(history.listed);
    return isUnchanged ? withCurrent(history, (await currentText) ?? "", undefined) : undefined;
  };

  const look = async (secretId: string): Promise<SsmState> => {
    await checkOnce(secretId);
    for (let looks = 0; looks < MAX_LOOKS; looks += 1) {
      const history = readHistory(await list(secretId));
      if (history === undefined) {
        const what = `its value is not the version ${CURRENT_ID}, which consumers read`;
        throw invalid(secretId, `${what}: store the instance's JSON under that version`);
      }
      const state = await identify(secretId, history);
      if (state !== undefined) return state;
    }
    throw new RotationError("StoreUnavailable", `Secret ${secretId}: others keep changing its versions`, {
      effect: "none",
    });
  };

  return { look, textOf };
}

function idsOf(listed: SsmHistory["listed"]): string {
  return listed
    .map(({ storedId }) => storedId)
    .sort()
    .join();
}

function invalid(secretId: string, what: string): RotationError {
  return new RotationError("SecretInvalid", `Secret ${secretId}: ${what}`, { effect: "none" });
}

export function refused(secretId: string, what: string): RotationError {
  return new RotationError("StoreRefused", `Secret ${secretId}: ${what}`, { effect: "none" });
}
