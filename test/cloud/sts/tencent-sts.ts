import { randomBytes } from "node:crypto";
import type { Clock } from "../../../lib/ports.ts";
import { ApiError } from "../tencentdb/api-error.ts";
import type { Fields } from "../tencentdb/define-action.ts";
import { requireRegion } from "../tencentdb/endpoints.ts";
import { BrokenReply, createFaultQueue, type FaultQueue } from "../tencentdb/faults.ts";
import type { ApiRequest } from "../tencentdb/model.ts";
import { readParameters } from "../tencentdb/parameters.ts";
import type { Credential } from "../tencentdb/tc3.ts";
import { type Claims, type KeySet, readToken } from "./identity-issuer.ts";

/** An OIDC identity provider for roles, as CAM's CreateOIDCConfig makes one. */
export interface IdentityProvider {
  readonly name: string;
  /** IdentityUrl. */
  readonly issuer: string;
  readonly clientIds: readonly string[];
  /** What IdentityKey holds, read when it is needed. */
  readonly keySet: () => KeySet;
}

/** A role, and whom its trust policy lets assume it: `string_equal` on `oidc:iss`, `oidc:aud` and `oidc:sub`. */
export interface FederatedRole {
  readonly arn: string;
  readonly provider: string;
  readonly trusted: {
    readonly iss: readonly string[];
    readonly aud: readonly string[];
    readonly sub: readonly string[];
  };
  /** The longest session. Default 7 200. */
  readonly maxSeconds?: number;
}

export interface TencentStsOptions {
  readonly clock: Clock;
  readonly providers: readonly IdentityProvider[];
  readonly roles: readonly FederatedRole[];
  /** Where the temporary keys are put, for the server that checks signatures. */
  readonly credentials: Credential[];
}

export interface TencentSts {
  /** A service of startTencentServer. */
  dispatch(request: ApiRequest, authenticate?: () => void): Promise<Fields>;
  readonly unsignedActions: readonly string[];
  readonly failNext: FaultQueue["failNext"];
  readonly calls: readonly Pick<ApiRequest, "action" | "host" | "region">[];
  /** Every temporary key that was given, for assertions. */
  readonly granted: readonly Credential[];
}

const ASSUME = "AssumeRoleWithWebIdentity";
const WHO = "GetCallerIdentity";
const VERSION = "2018-08-13";

const CALLER = {
  Type: "CAMUser",
  AccountId: "100000000001",
  UserId: "100000000002",
  PrincipalId: "100000000002",
  Arn: "qcs::cam::uin/100000000001:uin/100000000002",
};

/** Tencent Cloud STS, for AssumeRoleWithWebIdentity and GetCallerIdentity, which takes every caller for one user. Its errors have the codes that the action's document lists. */
export function createTencentSts(options: TencentStsOptions): TencentSts {
  const { clock } = options;
  const faults = createFaultQueue();
  const granted: Credential[] = [];
  const calls: Pick<ApiRequest, "action" | "host" | "region">[] = [];

  function claimsOf(token: string, { issuer, clientIds, keySet }: IdentityProvider): Claims {
    const refused = (why: string) =>
      new ApiError("InvalidParameter.WebIdentityTokenError", `The token: ${why}.`);
    const claims = readToken(token, keySet());
    if (typeof claims === "string") throw refused(claims);
    const nowSeconds = clock.now() / 1_000;
    if (claims.iss !== issuer) throw refused("its issuer is not the identity provider's");
    if (!audiencesOf(claims).some((audience) => clientIds.includes(audience))) {
      throw refused("its audience is no client id of the identity provider");
    }
    if (!(claims.exp > nowSeconds)) throw refused("it has expired");
    if (!((claims.nbf ?? claims.iat) <= nowSeconds + 60)) throw refused("it is not valid yet");
    return claims;
  }

  function assumeRole({ parameters, method }: ApiRequest): Fields {
    const given = readParameters(
      {
        ProviderId: "string!",
        WebIdentityToken: "string!",
        RoleArn: "string!",
        RoleSessionName: "string!",
        DurationSeconds: "integer",
      },
      parameters,
      method === "GET",
    );
    const { DurationSeconds: seconds = 7_200, RoleArn: arn, RoleSessionName: sessionName } = given;
    const provider = options.providers.find(({ name }) => name === given.ProviderId);
    if (provider === undefined)
      throw new ApiError("InvalidParameter.ParamError", "No such identity provider.");
    if (!/^[\w+=,.@-]{2,128}$/.test(sessionName)) {
      throw new ApiError("InvalidParameter.ParamError", "RoleSessionName is not valid.");
    }
    const claims = claimsOf(given.WebIdentityToken, provider);
    const role = options.roles.find((each) => each.arn === arn && each.provider === provider.name);
    if (role === undefined || !isTrusted(claims, role)) {
      throw new ApiError("UnauthorizedOperation", "The identity is not allowed to assume the role.");
    }
    if (seconds < 1 || seconds > Math.min(43_200, role.maxSeconds ?? 7_200)) {
      throw new ApiError("InvalidParameter.ParamError", "DurationSeconds is out of range.");
    }
    const expiredTime = Math.floor(clock.now() / 1_000) + seconds;
    const [secretId, secretKey, token] = [`AKID${newKey()}`, newKey(), newKey() + newKey()];
    const credential = { secretId, secretKey, token, expiresAtMs: expiredTime * 1_000 };
    options.credentials.push(credential);
    granted.push(credential);
    return {
      Credentials: { Token: token, TmpSecretId: secretId, TmpSecretKey: secretKey },
      ExpiredTime: expiredTime,
      Expiration: new Date(expiredTime * 1_000).toISOString(),
    };
  }

  return {
    calls,
    granted,
    unsignedActions: [ASSUME],
    failNext: faults.failNext,
    async dispatch(request, authenticate) {
      const { action, host, region, version } = request;
      calls.push({ action, host, region });
      authenticate?.();
      if (version !== VERSION)
        throw new ApiError("NoSuchVersion", "The requested API version does not exist.");
      if (action !== ASSUME && action !== WHO)
        throw new ApiError("InvalidAction", "The request action is not valid.");
      requireRegion(host, region);
      const fault = faults.take(action, undefined);
      if (fault === undefined) return action === WHO ? CALLER : assumeRole(request);
      if (fault.kind !== "error") throw new BrokenReply(fault);
      throw new ApiError(fault.code, fault.message ?? "This error is made on purpose.");
    },
  };
}

function isTrusted(claims: Claims, { trusted }: FederatedRole): boolean {
  return (
    trusted.iss.includes(claims.iss) &&
    trusted.sub.includes(claims.sub) &&
    audiencesOf(claims).some((audience) => trusted.aud.includes(audience))
  );
}

function audiencesOf({ aud }: Claims): readonly string[] {
  return typeof aud === "string" ? [aud] : aud;
}

function newKey(): string {
  return randomBytes(24).toString("base64url");
}
