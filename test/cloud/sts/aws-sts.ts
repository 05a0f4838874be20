import type { Clock } from "../../../lib/ports.ts";
import { AwsApiError } from "../secrets-manager/aws-api-error.ts";
import type { IdentityIssuer } from "./identity-issuer.ts";

/** What the caller's policy allows for `sts:GetWebIdentityToken`. */
export interface IdentityTokenGrant {
  /** `sts:IdentityTokenAudience`. */
  readonly audiences: readonly string[];
  /** `sts:DurationSeconds`, at most. Default 3 600. */
  readonly maxSeconds?: number;
  /** `sts:SigningAlgorithm`. Default: either. */
  readonly algorithm?: string;
}

export interface Principal {
  /** The role's, whatever the session: `arn:aws:iam::123456789012:role/redis-rotation`. */
  readonly arn: string;
  /** Milliseconds since the epoch. Default: the credentials last. */
  readonly credentialsExpireAtMs?: number;
}

export interface AwsStsOptions {
  readonly clock: Clock;
  readonly newId: () => string;
  readonly issuer: IdentityIssuer;
  readonly grant: IdentityTokenGrant;
}

type Form = Readonly<Record<string, string>>;

export interface IssuedToken {
  readonly token: string;
  readonly expiration: Date;
}

export interface AwsSts {
  /** Outbound identity federation of the account. At first: on. */
  federation: "on" | "off";
  grant: IdentityTokenGrant;
  /** Fails the next calls, in order. */
  failNext(status: number, code: string, message?: string): void;
  /** Every token that was issued, for assertions. */
  readonly issued: readonly string[];
  /** GetWebIdentityToken with the fields of its form. @throws AwsApiError */
  call(principal: Principal, form: Form): IssuedToken;
}

const KNOWN = new Set(["Action", "Version", "SigningAlgorithm", "DurationSeconds"]);

/** AWS STS, for GetWebIdentityToken alone: a state machine that lives by the given clock and knows no transport. */
export function createAwsSts(options: AwsStsOptions): AwsSts {
  const { clock, issuer } = options;
  const faults: AwsApiError[] = [];
  const issued: string[] = [];

  const sts: AwsSts = {
    federation: "on",
    grant: options.grant,
    issued,
    failNext(status, code, message = "Made to fail.") {
      faults.push(new AwsApiError(code, message, status));
    },
    call({ arn, credentialsExpireAtMs = Number.POSITIVE_INFINITY }, form) {
      const fault = faults.shift();
      if (fault !== undefined) throw fault;
      const { audiences, algorithm, seconds } = parametersOf(form);
      const { grant } = sts;
      const isGranted =
        audiences.every((audience) => grant.audiences.includes(audience)) &&
        seconds <= (grant.maxSeconds ?? 3_600) &&
        (grant.algorithm ?? algorithm) === algorithm;
      if (!isGranted) {
        const text = `User: ${arn} is not authorized to perform: sts:GetWebIdentityToken on resource: *`;
        throw new AwsApiError("AccessDenied", text, 403);
      }
      if (sts.federation === "off") {
        const text = "The outbound web identity federation feature is not enabled for this account.";
        throw new AwsApiError("OutboundWebIdentityFederationDisabledException", text, 403);
      }
      const iat = Math.floor(clock.now() / 1_000);
      const exp = iat + seconds;
      if (exp * 1_000 > credentialsExpireAtMs) {
        const text =
          "The requested token duration would extend the session beyond its original expiration time.";
        throw new AwsApiError("SessionDurationEscalationException", text, 403);
      }
      const aud = audiences.length === 1 ? String(audiences[0]) : audiences;
      const token = issuer.issue({ aud, sub: arn, iat, exp, jti: options.newId() }, algorithm);
      issued.push(token);
      return { token, expiration: new Date(exp * 1_000) };
    },
  };
  return sts;
}

function parametersOf(form: Form) {
  const invalid = (text: string) => new AwsApiError("ValidationError", text, 400);
  if (form.Action !== "GetWebIdentityToken" || form.Version !== "2011-06-15") {
    throw new AwsApiError("InvalidAction", "Could not find operation for that version.", 400);
  }
  const audiences: string[] = [];
  for (const [name, value] of Object.entries(form)) {
    if (KNOWN.has(name)) continue;
    if (name !== `Audience.member.${audiences.length + 1}`) throw invalid(`${name} is not known here.`);
    audiences.push(value);
  }
  const algorithm = form.SigningAlgorithm;
  const seconds = Number(form.DurationSeconds ?? 300);
  if (audiences.length < 1 || audiences.length > 10) throw invalid("Audience must have 1 to 10 members.");
  if (audiences.some((audience) => audience.length < 1 || audience.length > 1_000)) {
    throw invalid("A member of Audience must have 1 to 1000 characters.");
  }
  if (algorithm !== "RS256" && algorithm !== "ES384") throw invalid("SigningAlgorithm is RS256 or ES384.");
  if (!Number.isInteger(seconds) || seconds < 60 || seconds > 3_600) {
    throw invalid("DurationSeconds is 60 to 3600.");
  }
  return { audiences, algorithm, seconds } as const;
}
