import { setMaxListeners } from "node:events";
import type { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import type { HttpResponse } from "@smithy/core/protocols";
import { type ErrorCode, RotationError } from "../errors.ts";
import type { Clock } from "../ports.ts";
import { READ_PAUSES_MS } from "./tencent-client.ts";

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
const MAX_ANSWER_BYTES = 64 * 1024;

const NEVER_CONNECTED = ["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH"];
const THROTTLED = ["Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequestsException"];
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
  const { audience, clock, signal } = options;
  const { config } = options.client;
  setMaxListeners(0, signal);

  const endpoint = async (): Promise<URL> => {
    if (options.endpointUrl !== undefined) return endpointOf(options.endpointUrl);
    const [Region, UseFIPS, UseDualStack] = await Promise.all([
      config.region(),
      config.useFipsEndpoint(),
      config.useDualstackEndpoint(),
    ]);
    // STS has a host under every suffix that Secrets Manager has one under.
    const { url } = config.endpointProvider({ Region, UseFIPS, UseDualStack });
    return new URL(url.href.replace("//secretsmanager", "//sts"));
  };

  const signed = async () => {
    const { protocol, hostname, port, host, pathname } = await endpoint();
    const body = new URLSearchParams({
      Action: ACTION,
      Version: "2011-06-15",
      "Audience.member.1": audience,
      SigningAlgorithm: SIGNING_ALGORITHM,
      DurationSeconds: String(TOKEN_SECONDS),
    }).toString();
    const request = {
      method: "POST",
      protocol,
      hostname,
      ...(port && { port: Number(port) }),
      path: pathname,
      query: {},
      headers: {
        host,
        "content-type": "application/x-www-form-urlencoded",
        "content-length": String(Buffer.byteLength(body)),
      },
      body,
    };
    try {
      const signer = await config.signer();
      return await signer.sign(request, { signingService: "sts", signingDate: new Date(clock.now()) });
    } catch {
      throw refusal("StoreCredentialsMissing", "no AWS credentials were found");
    }
  };

  const send = async (): Promise<string> => {
    const request = await signed();
    let status: number;
    let text: string;
    try {
      const handled = await config.requestHandler.handle(request, { abortSignal: signal });
      const response: HttpResponse = handled.response;
      status = response.statusCode;
      text = await textOf(response.body);
    } catch (error) {
      throw lost(error, signal.aborted);
    }
    if (status !== 200) throw refused(status, text);
    const token = element(text, "WebIdentityToken");
    if (token !== undefined && /^[\w-]+\.[\w-]+\.[\w-]+$/.test(token)) return token;
    throw refusal("NoAnswer", "the answer is not what the API promises");
  };

  return async () => {
    for (let sent = 0; ; sent++) {
      try {
        return await send();
      } catch (error) {
        const pauseMs = READ_PAUSES_MS[sent];
        const again = error instanceof RotationError && error.passing && error.code !== "InProgress";
        if (!again || pauseMs === undefined) throw error;
        await clock.sleep(pauseMs);
      }
    }
  };
}

function endpointOf(endpointUrl: string): URL {
  if (URL.canParse(endpointUrl)) return new URL(endpointUrl);
  throw new RotationError("ConfigurationInvalid", "AWS_ENDPOINT_URL_STS or AWS_ENDPOINT_URL is not a URL", {
    effect: "none",
  });
}

function refused(status: number, text: string): RotationError {
  const name = element(text, "Code")?.replace(/\W/g, "") ?? `HTTP ${status}`;
  const requestId = element(text, "RequestId");
  const code: ErrorCode =
    status >= 500
      ? "CloudUnavailable"
      : status === 429 || THROTTLED.includes(name)
        ? "Throttled"
        : "IdentityTokenRefused";
  const message = TOLD.includes(name) ? element(text, "Message")?.slice(0, 500) : undefined;
  return refusal(code, message === undefined ? name : `${name}: ${message}`, requestId);
}

/** Of what failed below HTTP only the kind is told. */
function lost(error: unknown, aborted: boolean): RotationError {
  if (aborted) return refusal("InProgress", "stopped at the deadline");
  const kind = error instanceof Error && "code" in error ? String(error.code) : "";
  if (NEVER_CONNECTED.includes(kind)) return refusal("CloudUnreachable", `no connection (${kind})`);
  return refusal("NoAnswer", kind === "" ? "no answer in time, or one that cannot be read" : kind);
}

/** Nothing that the call may have done is left behind: each has the effect `none`. No cause: it holds the request. */
function refusal(code: ErrorCode, text: string, requestId?: string): RotationError {
  return new RotationError(code, `${ACTION} (AWS STS): ${text}`, { effect: "none", requestId });
}

function element(xml: string, name: string): string | undefined {
  return new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1]?.trim();
}

async function textOf(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.byteLength;
    if (size > MAX_ANSWER_BYTES) throw new Error("The answer is too long");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
