import * as v from "valibot";
import { RotationError } from "../errors.ts";
import { number, object } from "../schemas.ts";
import type { IdentityToken } from "./aws-identity-token.ts";
import { createTencentClient, type TencentConnection, type TencentCredentials } from "./tencent-client.ts";
import type { ApiErrorTable } from "./tencent-errors.ts";

/** Temporary credentials of a role, and their times in milliseconds since the epoch. */
interface RoleSession {
  readonly credentials: TencentCredentials;
  /** From then on new ones are asked for. */
  readonly renewAt: number;
  readonly expiresAt: number;
}

/** Where a session is kept from one provider to the next: by a warm function, across its invocations. */
export interface RoleSessionHolder {
  session?: RoleSession;
}

export interface TencentRoleOptions extends Omit<TencentConnection, "credentials"> {
  readonly identityToken: IdentityToken;
  /** Such as `qcs::cam::uin/100000000001:roleName/redis-rotation`. */
  readonly roleArn: string;
  /** The name of the OIDC identity provider in CAM. */
  readonly providerId: string;
  /** How the session is called in the audit log. */
  readonly sessionName: string;
  /** STS serves every region; a finance region has an STS of its own. */
  readonly region: string;
  /** How long the credentials are to be good. Default 3 600; the role's own maximum bounds it. */
  readonly durationSeconds?: number;
  readonly held: RoleSessionHolder;
}

/** STS, version 2018-08-13: the documented codes of AssumeRoleWithWebIdentity, and the common ones. */
export const STS_API_ERRORS: ApiErrorTable = new Map([
  ["RequestLimitExceeded", ["Throttled", "none"]],
  ["InvalidParameter.OverLimit", ["Throttled", "none"]],
  ["InternalError", ["CloudUnavailable", "none"]],
  ["InternalError.GetRoleError", ["RoleRefused", "none"]],
  ["InvalidParameter", ["RoleRefused", "none"]],
  ["UnauthorizedOperation", ["RoleRefused", "none"]],
  ["AuthFailure", ["RoleRefused", "none"]],
  ["ResourceNotFound", ["RoleRefused", "none"]],
]);

const RENEW_BEFORE_MS = 300_000;
/** Longer than a request is under way: what is sent with credentials arrives while they are good. */
const UNUSED_BEFORE_MS = 30_000;
/** While the old ones are good, a renewal that failed is not tried at each request. */
const TRY_AGAIN_AFTER_MS = 30_000;

const granted = object({
  Credentials: object({ TmpSecretId: v.string(), TmpSecretKey: v.string(), Token: v.string() }),
  /** Seconds since the epoch. */
  ExpiredTime: number,
});

/**
 * The credentials of a CAM role, for which an identity token is exchanged (STS, version 2018-08-13,
 * AssumeRoleWithWebIdentity, a call without a signature). They are asked for when they are first needed and again five
 * minutes before they expire, or when a quarter of their time is left where that is less; requests that need them at
 * the same time share one exchange. Where that fails for a passing reason, the old ones are used until 30 seconds
 * before they expire.
 *
 * @throws RotationError `RoleRefused`, what the API client throws, and what `identityToken` throws
 */
export function tencentRole(options: TencentRoleOptions): () => Promise<TencentCredentials> {
  const { clock, held, durationSeconds = 3_600 } = options;
  const client = createTencentClient({
    ...options,
    credentials: "unsigned",
    service: "sts",
    version: "2018-08-13",
    errors: STS_API_ERRORS,
  });
  let exchange: Promise<RoleSession> | undefined;

  const assumeRole = async (): Promise<RoleSession> => {
    const askedAt = clock.now();
    const token = await options.identityToken();
    const answer = await client({
      action: "AssumeRoleWithWebIdentity",
      params: {
        ProviderId: options.providerId,
        WebIdentityToken: token,
        RoleArn: options.roleArn,
        RoleSessionName: options.sessionName,
        DurationSeconds: durationSeconds,
      },
      answer: granted,
      // It leaves nothing behind that a second call would double.
      change: false,
      secrets: [token],
    }).catch(asRoleRefused);
    const { TmpSecretId, TmpSecretKey, Token } = answer.Credentials;
    // By the earlier of both clocks: this one may be slow.
    const expiresAt = Math.min(answer.ExpiredTime * 1_000, askedAt + durationSeconds * 1_000);
    const lifetimeMs = expiresAt - askedAt;
    return {
      credentials: { secretId: TmpSecretId, secretKey: TmpSecretKey, token: Token },
      renewAt: expiresAt - Math.min(RENEW_BEFORE_MS, lifetimeMs / 4),
      expiresAt,
    };
  };

  const renew = async (old: RoleSession | undefined): Promise<RoleSession> => {
    try {
      return await assumeRole();
    } catch (error) {
      const passing = error instanceof RotationError && error.passing;
      if (!passing || !isUsable(old)) throw error;
      return { ...old, renewAt: clock.now() + TRY_AGAIN_AFTER_MS };
    }
  };

  const isUsable = (session: RoleSession | undefined): session is RoleSession =>
    session !== undefined && clock.now() < session.expiresAt - UNUSED_BEFORE_MS;

  return async () => {
    let { session } = held;
    if (!isUsable(session) || clock.now() >= session.renewAt) {
      exchange ??= renew(session).finally(() => {
        exchange = undefined;
      });
      session = await exchange;
      held.session = session;
    }
    if (isUsable(session)) return session.credentials;
    throw new RotationError(
      "RoleRefused",
      "AssumeRoleWithWebIdentity: the credentials had expired when they came; the clocks differ, or their time is too short",
      { effect: "none" },
    );
  };
}

/** A refusal for which the table has no entry is one of the role all the same, and never one of a password. */
function asRoleRefused(error: unknown): never {
  if (!(error instanceof RotationError) || error.code !== "RequestRefused") throw error;
  const { message, requestId } = error;
  throw new RotationError("RoleRefused", message, { effect: "none", requestId });
}
