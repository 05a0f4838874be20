import type { Clock } from "../../../lib/ports.ts";
import { ApiError } from "../tencentdb/api-error.ts";
import type { Fields } from "../tencentdb/define-action.ts";
import { requireRegion } from "../tencentdb/endpoints.ts";
import { BrokenReply, createFaultQueue, type Fault } from "../tencentdb/faults.ts";
import type { ApiRequest } from "../tencentdb/model.ts";
import { createSsmActions } from "./actions.ts";
import { createSecretTable, type SsmSecret } from "./secret-table.ts";

const VERSION = "2019-09-23";
const REGION = "ap-guangzhou";

/** As documented, for each action in each region. */
const CALLS_PER_SECOND: Readonly<Record<string, number>> = {
  CreateSecret: 100,
  DescribeSecret: 40,
  GetSecretValue: 300,
  ListSecrets: 30,
  ListSecretVersionIds: 40,
  PutSecretValue: 100,
};
const OTHER_CALLS_PER_SECOND = 50;

export interface SsmOptions {
  readonly clock: Clock;
  /** Whether UpdateSecret renews a version's CreateTime, which is not documented. Default false. */
  readonly updateRenewsTime?: boolean;
  /** Of each action in each region. Default: what is documented of each. */
  readonly callsPerSecond?: number;
}

/** A call that arrived, whatever came of it: never a value. */
export interface SsmCall {
  readonly action: string;
  readonly region: string | undefined;
  readonly host: string;
  readonly secretName?: string;
  readonly versionId?: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly requestId: string;
}

export interface Ssm {
  /**
   * Carries an action out and returns the fields of its answer: a service of startTencentServer.
   * @param authenticate refuses the call with an ApiError; default: everybody may.
   * @throws ApiError, or BrokenReply where a fault says so
   */
  dispatch(request: ApiRequest, authenticate?: () => void): Promise<Fields>;
  /** The same from inside, unrecorded, without limits and faults. Default region: ap-guangzhou. */
  call(action: string, parameters: Fields, region?: string): Fields;
  failNext(
    action: string,
    fault: Fault,
    scope?: { readonly times?: number; readonly secretName?: string },
  ): void;
  readonly calls: readonly SsmCall[];
  /** The secret as it is, without a recorded call: for assertions. */
  inspect(secretName: string, region?: string): SsmSecret;
}

/** Tencent Cloud Secrets Manager: a state machine that lives by the given clock and knows no transport. */
export function createSsm({ clock, updateRenewsTime = false, callsPerSecond }: SsmOptions): Ssm {
  const table = createSecretTable(clock);
  const actions = createSsmActions({ clock, table, updateRenewsTime });
  const faults = createFaultQueue();
  const calls: SsmCall[] = [];
  const acceptedAt = new Map<string, number[]>();

  function requireRate(region: string, action: string): void {
    const key = `${region}/${action}`;
    const limit = callsPerSecond ?? CALLS_PER_SECOND[action] ?? OTHER_CALLS_PER_SECOND;
    const lastSecond = (acceptedAt.get(key) ?? []).filter((at) => at > clock.now() - 1_000);
    if (lastSecond.length >= limit) {
      throw new ApiError("RequestLimitExceeded", `More than ${limit} requests in a second.`);
    }
    acceptedAt.set(key, [...lastSecond, clock.now()]);
  }

  function find(action: string) {
    const run = Object.hasOwn(actions, action) ? actions[action] : undefined;
    if (run === undefined) throw new ApiError("InvalidAction", "The request action is not valid.");
    return run;
  }

  function carryOut({ action, version, host, region: given, parameters, method }: ApiRequest): Fields {
    if (version !== VERSION) throw new ApiError("NoSuchVersion", "The requested API version does not exist.");
    const run = find(action);
    const region = requireRegion(host, given);
    requireRate(region, action);
    return run(region, parameters, method === "GET");
  }

  return {
    calls,
    call: (action, parameters, region = REGION) => find(action)(region, parameters, false),
    inspect: (secretName, region = REGION) => table.find(region, secretName),
    failNext(action, fault, { times, secretName } = {}) {
      faults.failNext(action, fault, {
        ...(times !== undefined && { times }),
        ...(secretName !== undefined && { instanceId: secretName }),
      });
    },
    async dispatch(request, authenticate) {
      const { action, region, host, requestId, parameters } = request;
      const secretName = textField(parameters, "SecretName");
      const versionId = textField(parameters, "VersionId");
      calls.push({
        action,
        region,
        host,
        at: clock.now(),
        requestId,
        ...(secretName !== undefined && { secretName }),
        ...(versionId !== undefined && { versionId }),
      });
      authenticate?.();
      const fault = faults.take(action, secretName);
      if (fault === undefined) return carryOut(request);
      if (fault.carriedOut === true) {
        try {
          carryOut(request);
        } catch (error) {
          // The reply is lost, whether it is an answer or a refusal.
          if (!(error instanceof ApiError)) throw error;
        }
      }
      if (fault.kind !== "error") throw new BrokenReply(fault);
      throw new ApiError(fault.code, fault.message ?? "This error is made on purpose.");
    },
  };
}

function textField(parameters: Fields, name: string): string | undefined {
  const value = parameters[name];
  return typeof value === "string" ? value : undefined;
}
