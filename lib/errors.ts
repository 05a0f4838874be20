/** What a failed call did to the far end. `unknown`: it may have been carried out (a time-out, a lost reply). */
export type Effect = "none" | "applied" | "unknown";

interface Meaning {
  /** `soon`: may pass by itself, tried again within the run. `never`: the same call will fail the same way. */
  readonly retry: "soon" | "never";
  /** What the operator does next. */
  readonly next: string;
}

/** Every code that an answer or a log can carry: stable, one meaning each. */
export const ERRORS = {
  // Before anything is touched.
  ConfigurationInvalid: { retry: "never", next: "Correct the named environment variables." },
  EventInvalid: { retry: "never", next: "Correct the named fields of the payload." },
  SecretInvalid: { retry: "never", next: "Correct the named fields of the secret's JSON." },
  PolicyContradiction: {
    retry: "never",
    next: "Change PASSWORD_LENGTH or the instance's own password policy so that one password can satisfy both.",
  },
  CredentialsMissing: {
    retry: "never",
    next: "Give the function a role, or set TENCENTCLOUD_SECRET_ID and TENCENTCLOUD_SECRET_KEY.",
  },
  IdentityTokenRefused: {
    retry: "never",
    next: "Enable outbound identity federation in the AWS account, and grant the function's role sts:GetWebIdentityToken for the audience.",
  },
  RoleRefused: {
    retry: "never",
    next: "Compare the identity provider and the role's trust policy in CAM with docs/credentials.md.",
  },
  AccountNotFound: {
    retry: "never",
    next: "Create the account on the instance, or correct username in the secret.",
  },
  AlternationTooSoon: {
    retry: "never",
    next: "Wait until every client has read the current version, or lower ALTERNATION_INTERVAL_MINUTES.",
  },
  RedisUnreachable: {
    retry: "never",
    next: "Give the function a network path to the instance (VPC, security group, REDIS_CA_BUNDLE), or set VERIFY=task; an api that asks for the old password needs the path.",
  },
  InstancePasswordFree: {
    retry: "never",
    next: "Switch the instance's password-free access off, or take the secret out of the rotation.",
  },
  // The secret manager.
  StoreCredentialsMissing: {
    retry: "never",
    next: "Give the function a role that may use Secrets Manager, or set the AWS SDK's variables.",
  },
  SecretNotFound: { retry: "never", next: "Create the secret, or correct its name and SECRET_STORE_REGION." },
  StoreDenied: {
    retry: "never",
    next: "Grant the function's role the named action on the secret and its KMS key.",
  },
  StoreThrottled: { retry: "soon", next: "Nothing: the next run carries on." },
  StoreUnavailable: { retry: "soon", next: "Nothing: the next run carries on." },
  StoreConflict: { retry: "soon", next: "Nothing: another run moved the stages; the next run looks again." },
  StoreRefused: {
    retry: "never",
    next: "Read the message: the secret manager refuses the call for this secret.",
  },
  RotationDisabled: { retry: "never", next: "Enable rotation on the secret before invoking a managed step." },
  VersionNotPending: {
    retry: "never",
    next: "Start the rotation anew: the token is not the pending version.",
  },
  // The control plane.
  InstanceNotFound: { retry: "never", next: "Correct instanceId and region in the secret." },
  InstanceGone: {
    retry: "never",
    next: "The instance is isolated or deleted: take the secret out of the rotation.",
  },
  InstanceBusy: { retry: "soon", next: "Nothing: another flow holds the instance; the next run carries on." },
  AccessDenied: {
    retry: "never",
    next: "Grant the credentials the named action on what the message names (a policy of CAM, or of IAM for a queue of AWS).",
  },
  CredentialsRejected: {
    retry: "never",
    next: "Nothing where the platform renews the credentials: the next run has fresh ones. Else set valid ones, and check the clock.",
  },
  Throttled: { retry: "soon", next: "Nothing: the next run carries on." },
  CloudUnavailable: { retry: "soon", next: "Nothing: the next run carries on." },
  CloudUnreachable: { retry: "soon", next: "Check the function's route to the API endpoint and its DNS." },
  NoAnswer: { retry: "soon", next: "Nothing: the next run looks whether the call was carried out." },
  PasswordRefused: { retry: "never", next: "Compare the instance's password rule with the message." },
  OldPasswordError: {
    retry: "never",
    next: "Put the password that opens Redis into the secret, or set another one in the console and put that into it.",
  },
  RequestRefused: { retry: "never", next: "Read the message: the API refuses the call for this instance." },
  TaskFailed: {
    retry: "never",
    next: "See the task in the console; the next run sends the same password again.",
  },
  // The proof.
  NewPasswordRejected: {
    retry: "never",
    next: "Verify the secret: current still names the old password. The next run looks again and carries on.",
  },
  CurrentPasswordRejected: {
    retry: "never",
    next: "Put the right password and address into the secret, or rotate by hand with force: that sets a new password.",
  },
  OldPasswordAccepted: {
    retry: "never",
    next: "Check for proxies or replicas that still take the old password.",
  },
  NotVerified: {
    retry: "never",
    next: "The pending version holds the password that Redis has now. Restore the path to it, or set VERIFY=task.",
  },
  Drift: {
    retry: "never",
    next: "Rotate it now, without force, where the pending password opens Redis: nothing is sent; roll back where the previous one does; else rotate with force: that sets a new one on both sides.",
  },
  RotationPending: {
    retry: "never",
    next: "Rotate it: that finishes what is pending. To abandon it is possible where Redis has not got its password.",
  },
  // The run.
  FleetStopped: {
    retry: "never",
    next: "Mend what the failed results name; the next run begins with those that were left.",
  },
  InProgress: { retry: "soon", next: "Nothing: the next run carries on." },
  Internal: { retry: "never", next: "Report the message: this is a defect." },
} as const satisfies Record<string, Meaning>;

export type ErrorCode = keyof typeof ERRORS;

export interface RotationErrorOptions {
  readonly effect: Effect;
  /** The request's id at the cloud that failed, for its support. */
  readonly requestId?: string | undefined;
  /** For the logs. Never an error that carries a password: not a Redis reply, not a JSON parse error of a secret. */
  readonly cause?: unknown;
}

/** The only error that leaves a port. Its message and cause hold no password, key, signature or token. */
export class RotationError extends Error {
  override readonly name = "RotationError";
  readonly code: ErrorCode;
  readonly effect: Effect;
  readonly requestId?: string;

  constructor(code: ErrorCode, message: string, options: RotationErrorOptions) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.effect = options.effect;
    if (options.requestId !== undefined) this.requestId = options.requestId;
  }

  /** Whether the same call may succeed when it is made again later. */
  get passing(): boolean {
    return ERRORS[this.code].retry === "soon";
  }

  /** What the operator does next. */
  get next(): string {
    return ERRORS[this.code].next;
  }

  /** What happened, and what the operator does next. */
  get advice(): string {
    return `${this.message.replace(/\.+$/, "")}. ${this.next}`;
  }
}

/** What was thrown, as a RotationError. A defect's message may quote anything, so only its kind and place are told. */
export function asRotationError(thrown: unknown): RotationError {
  if (thrown instanceof RotationError) return thrown;
  const kind = thrown instanceof Error ? thrown.name : typeof thrown;
  const place = thrown instanceof Error ? /\n\s+(at .*)/.exec(thrown.stack ?? "")?.[1] : undefined;
  const what = place === undefined ? kind : `${kind} ${place}`;
  return new RotationError("Internal", `Unexpected ${what}`, { effect: "unknown" });
}
