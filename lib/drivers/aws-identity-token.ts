import type { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import type { RotationError } from "../errors.ts";
import type { Clock } from "../ports.ts";
import { endpointOf } from "./aws-client.ts";
import { type AwsPost, awsPost, awsUrl, element } from "./aws-post.ts";
import { passingCode } from "./aws-refusal.ts";
import { withRetries } from "./tencent-client.ts";

export interface AwsIdentityTokenOptions {
  /**
   * Lends its region, credentials, signer, and connections: a client of AWS STS of its own would add 38 kB to the
   * bundles, for one call.
   */
  readonly client: SecretsManagerClient;
  /** Who is to accept the token. */
  readonly audience: string;
  /** Default: STS's own endpoint in the client's region. The global endpoint does not serve the action. */
  readonly endpointUrl?: string | undefined;
  readonly clock: Clock;
  /** Aborted at the run's deadline. */
  readonly signal: AbortSignal;
}

/** Asks for a token that tells who the function is, as a JSON Web Token. */
export type IdentityToken = () => Promise<string>;

const ACTION = "GetWebIdentityToken";
/** RSA with SHA-256: every verifier of OpenID Connect tokens has to know it. The other choice is ES384. */
const SIGNING_ALGORITHM = "RS256";
/** The action's own default. The token is exchanged at once. */
const TOKEN_SECONDS = 300;

/** The errors whose text helps and does not quote the request. A refused signature's quotes the session token. */
const TOLD = [
  "AccessDenied",
  "AccessDeniedException",
  "OutboundWebIdentityFederationDisabledException",
  "SessionDurationEscalationException",
  "RegionDisabledException",
];

/**
 * Identity tokens of the AWS credentials that the client has, from AWS STS (API version 2011-06-15, GetWebIdentityToken:
 * IAM User Guide, "Outbound identity federation"). Asked again after a passing failure.
 *
 * @throws RotationError `ConfigurationInvalid`, `IdentityTokenRefused`, `StoreCredentialsMissing`, `Throttled`, `CloudUnavailable`,
 * `CloudUnreachable`, `NoAnswer`, `InProgress`; the effect is always `none`
 */
export function awsIdentityToken(options: AwsIdentityTokenOptions): IdentityToken {
  const { audience, client, clock, signal } = options;
  const post = awsPost({ client, service: "sts", what: `${ACTION} (AWS STS)`, clock, signal });

  const endpoint = async (): Promise<URL> => {
    if (options.endpointUrl !== undefined) {
      return awsUrl(options.endpointUrl, "AWS_ENDPOINT_URL_STS or AWS_ENDPOINT_URL");
    }
    return endpointOf(client, "sts");
  };

  const send = async (): Promise<string> => {
    const body = new URLSearchParams({
      Action: ACTION,
      Version: "2011-06-15",
      "Audience.member.1": audience,
      SigningAlgorithm: SIGNING_ALGORITHM,
      DurationSeconds: String(TOKEN_SECONDS),
    }).toString();
    const headers = { "content-type": "application/x-www-form-urlencoded" };
    const { status, text } = await post.send({ url: await endpoint(), headers, body });
    if (status !== 200) throw refused(post, status, text);
    const token = element(text, "WebIdentityToken");
    if (token !== undefined && /^[\w-]+\.[\w-]+\.[\w-]+$/.test(token)) return token;
    throw post.refusal("NoAnswer", "the answer is not what the API promises");
  };

  return () => withRetries({ change: false }, clock, send);
}

function refused({ refusal }: AwsPost, status: number, text: string): RotationError {
  const name = element(text, "Code")?.replace(/\W/g, "") ?? `HTTP ${status}`;
  const code = passingCode(status, name) ?? "IdentityTokenRefused";
  const message = TOLD.includes(name) ? element(text, "Message")?.slice(0, 500) : undefined;
  return refusal(code, message === undefined ? name : `${name}: ${message}`, element(text, "RequestId"));
}
