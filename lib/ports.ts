/**
 * The words of the product as types: what a rotation works on (domain types) and what it works with (ports).
 * Drivers implement the ports; `rotation/` knows nothing else of the outside. Every port call may throw a
 * {@link RotationError} and nothing else. A port is made for one invocation: its deadline is inside the driver.
 */
import type { Effect, ErrorCode, RotationError } from "./errors.ts";

/** The four steps of a rotation, by the names that AWS Secrets Manager gives them. */
export type Step = "createSecret" | "setSecret" | "testSecret" | "finishSecret";

/** What a version of the secret is for: AWSPENDING, AWSCURRENT and AWSPREVIOUS on AWS. */
export type Stage = "pending" | "current" | "previous";

/** The Tencent Cloud action that changes the password. */
export type PasswordApi =
  | "ResetPassword"
  | "ModifyInstancePassword"
  | "ModfiyRedisPassword"
  | "ModifyInstanceAccount";

/** An instance is known by its id only within its region. */
export interface InstanceRef {
  readonly region: string;
  readonly instanceId: string;
}

/** An account of an instance, and the action that changes its password. */
export interface Account extends InstanceRef {
  /** `default` is the default account, also where a secret says `root` or nothing. */
  readonly username: string;
  readonly api: PasswordApi;
}

/** The JSON of a secret, checked and with its defaults filled in. */
export interface SecretValue extends Account {
  readonly host?: string;
  readonly port?: number;
  readonly ssl: boolean;
  readonly password: string;
  /** Two custom accounts that take turns: the rotation changes the one that `username` does not name. */
  readonly usernames?: readonly [string, string];
}

// ── The secret manager ─────────────────────────────────────────────────────────────────────────────────────────

/** What the secret manager tells of a secret without showing a value. */
export interface SecretDescription {
  /** The store's own full name for it (the ARN on AWS). */
  readonly secretId: string;
  readonly name: string;
  /** Whether the secret manager itself rotates the secret with a function. */
  readonly rotationEnabled: boolean;
  /** The current version was not made current after this moment. Absent where the store cannot tell. */
  readonly currentSince?: Date;
  /** The versions that carry a stage. A version may carry two: current and pending right after a promotion. */
  readonly versions: readonly { readonly versionId: string; readonly stages: readonly Stage[] }[];
}

/** A version with its value. Its `text` never changes once it is stored. */
export interface StoredVersion {
  readonly versionId: string;
  readonly stages: readonly Stage[];
  readonly createdAt: Date;
  readonly text: string;
}

export interface VersionToStage {
  readonly versionId: string;
  readonly text: string;
  /** Default false. True: the version is pending already and has no value yet, as where the secret manager has made it. */
  readonly isPending?: boolean;
  readonly rotationToken?: string;
}

export interface SecretStore {
  describe(secretId: string): Promise<SecretDescription>;

  /** The version's value, or undefined where the version has none yet. */
  read(secretId: string, versionId: string): Promise<StoredVersion | undefined>;

  /**
   * Stores `text` as the version `versionId` and labels it pending: create-once. Where that version already has
   * a value, nothing is written and the value that is there is returned: the caller works with the answer, never
   * with what it sent. The answer may lack the stage pending: a released version, or one that is current by now.
   * Throws `StoreConflict` where another version is pending: its password may be on the way to Redis.
   */
  stage(secretId: string, version: VersionToStage): Promise<StoredVersion>;

  /**
   * Makes `versionId` current instead of `from`, which becomes previous, and takes the label pending off it.
   * Repeating it is harmless. Throws `StoreConflict` where neither `from` nor `versionId` is current.
   */
  promote(secretId: string, versionId: string, from: string): Promise<void>;

  /** Takes the label pending off the version; no error where it does not carry it. */
  release(secretId: string, versionId: string): Promise<void>;
}

// ── The fleet ──────────────────────────────────────────────────────────────────────────────────────────────────

/** Which secrets are the fleet, where they are not named one by one. */
export type Selection =
  | { readonly prefix: string }
  | { readonly tag: { readonly key: string; readonly value: string } };

/**
 * Finds a fleet's secrets: all pages; secrets that are to be deleted or disabled, or tagged `redis-rotation` = `off`, are
 * left out. Each once, in no order. A secret that was made or tagged just now may be missing until the next time.
 */
export type FindSecrets = (selection: Selection) => Promise<readonly string[]>;

/**
 * Hands secrets over to other invocations of the function, which rotate them; resolves when all have been taken. One that
 * was handed over may be handed over again: it is rotated once all the same.
 */
export type HandOver = (secretIds: readonly string[]) => Promise<void>;

// ── The control plane ──────────────────────────────────────────────────────────────────────────────────────────

export interface Instance {
  /** `busy`: a flow is running, it will pass. `gone`: isolated or to be deleted, it will not. */
  readonly state: "running" | "busy" | "gone";
  /** The instance's private address, where the control plane tells one. */
  readonly host?: string;
  readonly port?: number;
  /** The instance answers without a password (`NoAuth`). */
  readonly passwordFree: boolean;
  /** CKV editions take only letters and digits in a password. */
  readonly edition: "redis" | "ckv";
}

/** An instance's own password rule, which its owner can set in the console. */
export interface InstancePasswordPolicy {
  readonly minLength: number;
  readonly minLetters: number;
  readonly minDigits: number;
  readonly minSpecials: number;
}

/** What an account may do, as the API names it. */
export interface AccountRights {
  /** `r`, `w` or `rw`. */
  readonly privilege: string;
  /** `master`, `replication`: where its reads are routed to. */
  readonly readonlyPolicy: readonly string[];
}

/** An account as the control plane tells of it. */
export interface AccountState extends AccountRights {
  /** When its password was last changed, where the control plane knows. */
  readonly passwordChangedAt?: Date;
}

/**
 * Awaited when a request's turn has come, right before it is sent: what it throws is thrown, and nothing is sent. A call may have
 * waited for its turn for a while.
 */
export type Ready = () => Promise<void>;

/** A new password, and the old one for the APIs that ask for it. */
export interface PasswordChange {
  readonly password: string;
  /** Required by `ModifyInstancePassword` and `ModfiyRedisPassword`. */
  readonly oldPassword?: string;
  readonly ready?: Ready;
}

/** A password task of the control plane. */
export interface Task {
  readonly taskId: number;
  readonly state: "running" | "succeeded" | "failed";
  /** What the control plane says of a failed task. */
  readonly message?: string;
}

export interface ControlPlane {
  /** @throws RotationError `InstanceNotFound` */
  describeInstance(instance: InstanceRef): Promise<Instance>;

  /** The instance's own rule, or undefined where it has none or the endpoint does not know the call. */
  describePasswordPolicy(instance: InstanceRef): Promise<InstancePasswordPolicy | undefined>;

  /** The account, or undefined where the instance has none of that name. */
  describeAccount(account: Account): Promise<AccountState | undefined>;

  /**
   * Starts the change of the account's password, by the action that `account.api` names, and returns the task's id.
   * Sends one request and never repeats it by itself. The error's effect says whether the change can have been started.
   */
  changePassword(account: Account, change: PasswordChange): Promise<{ readonly taskId: number }>;

  /** Starts the making of a custom account. One request, as for {@link changePassword}. */
  createAccount(
    account: Account,
    password: string,
    rights: AccountRights,
    ready?: Ready,
  ): Promise<{ readonly taskId: number }>;

  describeTask(account: Account, taskId: number): Promise<Task>;

  /**
   * The newest task that was started at or after `since` and may have changed the account's password: the way back to a
   * lost TaskId. The control plane does not tell which custom account a task was for: any of them counts.
   */
  newestPasswordTask(account: Account, since: Date): Promise<Task | undefined>;
}

// ── The probe ──────────────────────────────────────────────────────────────────────────────────────────────────

export interface ProbeTarget {
  readonly host: string;
  readonly port: number;
  readonly ssl: boolean;
  readonly username: string;
  readonly password: string;
}

/**
 * What a real AUTH on a fresh connection says of a password. A network failure, a time-out, a TLS failure or an
 * overloaded server says nothing about it: `unknown`, with the reason in words. Never throws.
 */
export type ProbeVerdict =
  | { readonly answer: "accepted" | "rejected" }
  | { readonly answer: "unknown"; readonly reason: string };

export type Probe = (target: ProbeTarget) => Promise<ProbeVerdict>;

// ── Actions and their answers ──────────────────────────────────────────────────────────────────────────────────

export type Action = "rotate" | "plan" | "status" | "verify" | "rollback" | "abandon";

export type Status = "rotated" | "in-progress" | "not-due" | "planned" | "ok" | "drift" | "failed";

/** What an action did to one secret, and what it found. */
export interface SecretResult {
  readonly secretId: string;
  /** Absent where the secret could not be read. */
  readonly instanceId?: string;
  readonly region?: string;
  readonly status: Status;
  readonly versionId?: string;
  readonly taskId?: number;
  /** Upper bound of the exposure window as this run saw it. */
  readonly exposureMs?: number;
  /** When the secret falls due, as ISO 8601; in the answer to `plan`. */
  readonly dueAt?: string;
  /** When the version was stored that this run found pending and went on with, as ISO 8601. */
  readonly pendingSince?: string;
  readonly durationMs: number;
  readonly error?: {
    readonly code: ErrorCode;
    readonly message: string;
    readonly effect: Effect;
    readonly requestId?: string;
  };
}

/** The answer to a driven run. */
export interface Answer {
  readonly action: Action;
  readonly results: readonly SecretResult[];
  readonly summary: Readonly<
    Record<"rotated" | "inProgress" | "notDue" | "planned" | "ok" | "drift" | "failed", number>
  >;
  /** In the answer to `plan`: how many would be rotated, at what pace and for how long, by the clouds' documented limits. */
  readonly forecast?: {
    readonly rotations: number;
    readonly perMinute: number;
    readonly durationMs: number;
  };
}

// ── Time, chance, and what is told to the outside ──────────────────────────────────────────────────────────────

export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  sleep(durationMs: number): Promise<void>;
}

/** Cryptographically secure random bytes. */
export type RandomBytes = (size: number) => Uint8Array;

/** A one-way function of a text: 64 hexadecimal digits. */
export type Digest = (text: string) => string;

/** One event for each thing done. No event has a field that could hold a password. */
export type RotationEvent =
  | {
      readonly type: "step";
      readonly step: Step;
      readonly secretId: string;
      /** With the instance: absent where no version is pending. */
      readonly versionId?: string;
      readonly instanceId?: string;
      readonly region?: string;
      /** Of the password task that this run follows, where it knows one. */
      readonly taskId?: number;
      readonly durationMs: number;
      /** Present where the step failed. */
      readonly error?: RotationError;
    }
  | {
      readonly type: "sent";
      readonly secretId: string;
      readonly instanceId: string;
      readonly region: string;
      readonly taskId: number;
    }
  | {
      readonly type: "refused";
      readonly secretId: string;
      readonly instanceId: string;
      readonly region: string;
      readonly error: RotationError;
    }
  | {
      readonly type: "task";
      readonly secretId: string;
      readonly instanceId: string;
      readonly region: string;
      readonly taskId: number;
      readonly state: Task["state"];
    }
  | { readonly type: "released"; readonly secretId: string; readonly versionId: string };

export type Observer = (event: RotationEvent) => void;
