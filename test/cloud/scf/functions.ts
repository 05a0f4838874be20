import type { Clock } from "../../../lib/ports.ts";
import { ApiError } from "../tencentdb/api-error.ts";

export interface Variable {
  readonly Key: string;
  readonly Value: string;
}

/** What can be set of a function, by the API's names. */
export interface Configuration {
  Description?: string | undefined;
  MemorySize?: number | undefined;
  Timeout?: number | undefined;
  Environment?: { readonly Variables: readonly Variable[] } | undefined;
  VpcConfig?: { readonly VpcId: string; readonly SubnetId: string } | undefined;
  Role?: string | undefined;
  PublicNetConfig?: { readonly PublicNetStatus: "ENABLE" | "DISABLE" } | undefined;
}

export interface Trigger {
  readonly name: string;
  readonly qualifier: string;
  cron: string;
  open: boolean;
  argument: string;
}

type Change = "Creating" | "Updating" | "Deleting";
export type Status = Change | "Active" | "CreateFailed" | "UpdateFailed";

export interface ScfFunctionRecord {
  readonly name: string;
  readonly region: string;
  readonly runtime: string;
  handler: string;
  zip: Buffer;
  configuration: Configuration;
  readonly triggers: Trigger[];
  retry: { readonly RetryNum: number; readonly MsgTTL: number };
  change?: { readonly kind: Change; readonly untilMs: number; readonly failure?: string };
}

export interface FunctionTable {
  /** @throws ApiError `ResourceNotFound.Function` */
  get(region: string, name: string): ScfFunctionRecord;
  has(region: string, name: string): boolean;
  add(record: Omit<ScfFunctionRecord, "change">): void;
  statusOf(record: ScfFunctionRecord): Status;
  /** Why the last change has failed. */
  failureOf(record: ScfFunctionRecord): string | undefined;
  /** @throws ApiError with the code, unless the function is as it must be for a change */
  begin(record: ScfFunctionRecord, kind: Change, refusal: string): void;
  /** The next change ends badly. */
  failNextChange(reason: string): void;
}

/** As what a function can be changed. */
const FROM: Readonly<Record<Change, readonly Status[]>> = {
  Creating: [],
  Updating: ["Active", "UpdateFailed"],
  Deleting: ["Active", "UpdateFailed", "CreateFailed"],
};

/** The functions of an account; every change takes its time. */
export function createFunctionTable(clock: Clock, changeMs: number): FunctionTable {
  const records = new Map<string, ScfFunctionRecord>();
  let nextFailure: string | undefined;
  const keyOf = (region: string, name: string) => `${region}/${name}`;

  function statusOf({ change }: ScfFunctionRecord): Status {
    if (change === undefined) return "Active";
    if (clock.now() < change.untilMs) return change.kind;
    if (change.failure === undefined) return "Active";
    return change.kind === "Creating" ? "CreateFailed" : "UpdateFailed";
  }

  function find(region: string, name: string): ScfFunctionRecord | undefined {
    const record = records.get(keyOf(region, name));
    if (record?.change?.kind === "Deleting" && clock.now() >= record.change.untilMs) {
      records.delete(keyOf(region, name));
      return undefined;
    }
    return record;
  }

  function start(record: ScfFunctionRecord, kind: Change): void {
    const failure = nextFailure;
    nextFailure = undefined;
    record.change = { kind, untilMs: clock.now() + changeMs, ...(failure !== undefined && { failure }) };
  }

  return {
    get(region, name) {
      const record = find(region, name);
      if (record === undefined)
        throw new ApiError("ResourceNotFound.Function", "The function does not exist.");
      return record;
    },
    has: (region, name) => find(region, name) !== undefined,
    add(record) {
      const added: ScfFunctionRecord = { ...record };
      start(added, "Creating");
      records.set(keyOf(record.region, record.name), added);
    },
    statusOf,
    failureOf: (record) => (statusOf(record).endsWith("Failed") ? record.change?.failure : undefined),
    begin(record, kind, refusal) {
      const status = statusOf(record);
      if (!FROM[kind].includes(status)) {
        throw new ApiError(refusal, `The function is ${status}, which does not allow the operation.`);
      }
      start(record, kind);
    },
    failNextChange(reason) {
      nextFailure = reason;
    },
  };
}
