import { Agent } from "node:https";
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { RotationError } from "../errors.ts";
import { throughProxy } from "./proxy-agent.ts";
import type { ProxySettings } from "./proxy-settings.ts";

export interface SecretsManagerClientOptions {
  /** Region of the secrets; default: AWS_REGION; in the command also the profile's, and the machine's own. */
  readonly region?: string;
  /** The way to `https:` endpoints, where there is no direct one. */
  readonly proxy?: ProxySettings | undefined;
  /** For one attempt's answer. Default 5 000. */
  readonly requestTimeoutMs?: number;
}

const CONNECTION_TIMEOUT_MS = 2_000;

/**
 * The client of AWS Secrets Manager: three attempts a call, 2 s for each to connect. The SDK itself reads the
 * credentials, AWS_ENDPOINT_URL_SECRETS_MANAGER and AWS_ENDPOINT_URL.
 *
 * @throws RotationError `ConfigurationInvalid` where no region is set
 */
export async function secretsManagerClient(
  options: SecretsManagerClientOptions = {},
): Promise<SecretsManagerClient> {
  const { region = "", proxy, requestTimeoutMs = 5_000 } = options;
  const client = new SecretsManagerClient({
    ...(region !== "" && { region }),
    maxAttempts: 3,
    requestHandler: {
      connectionTimeout: CONNECTION_TIMEOUT_MS,
      requestTimeout: requestTimeoutMs,
      // Without it a request that is too slow is only complained about on the console, and goes on.
      throwOnRequestTimeout: true,
      // requestTimeout ends with the answer's first byte: this one also watches over the rest.
      socketTimeout: requestTimeoutMs,
      ...(proxy && {
        httpsAgent: throughProxy(new Agent({ keepAlive: true }), proxy, CONNECTION_TIMEOUT_MS),
      }),
    },
  });
  try {
    await client.config.region();
  } catch (cause) {
    client.destroy();
    throw new RotationError(
      "ConfigurationInvalid",
      "No usable region for AWS Secrets Manager: set AWS_REGION or SECRET_STORE_REGION to the region of the secrets",
      { effect: "none", cause },
    );
  }
  return client;
}

/**
 * Where the SDK sends the requests of a client like this one, unless AWS_ENDPOINT_URL or the service's own variable sends them elsewhere.
 * The others have a host under every suffix that Secrets Manager has one under. Default: in the client's region.
 */
export async function endpointOf(
  { config }: SecretsManagerClient,
  service: "secretsmanager" | "sts" | "sns" | "events",
  region?: string,
): Promise<URL> {
  const [Region, UseFIPS, UseDualStack] = await Promise.all([
    region ?? config.region(),
    config.useFipsEndpoint(),
    config.useDualstackEndpoint(),
  ]);
  const { url } = config.endpointProvider({ Region, UseFIPS, UseDualStack });
  return new URL(url.href.replace("//secretsmanager", `//${service}`));
}
