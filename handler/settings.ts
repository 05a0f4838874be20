import { readFileSync } from "node:fs";
import { type Config, parseConfig } from "../lib/config.ts";
import { type ProxySettings, parseProxy } from "../lib/drivers/proxy-settings.ts";
import type { TencentCredentials } from "../lib/drivers/tencent-client.ts";
import { parseEndpoint } from "../lib/drivers/tencent-route.ts";
import { RotationError } from "../lib/errors.ts";
import { parseNotifyConfig } from "../lib/notify-config.ts";
import type { Invocation } from "./compose.ts";
import { credentialsFromEnvironment } from "./credentials.ts";
import { requireFanOut } from "./fan-out.ts";

export interface Settings {
  readonly config: Config;
  /** PEM. */
  readonly ca: string | undefined;
  /** Where the secrets are, if they are in SSM. */
  readonly ssmRegion: string;
  readonly proxy: ProxySettings | undefined;
  /** Undefined where they come from a secret or a role. */
  readonly credentials: TencentCredentials | undefined;
}

/**
 * All that can be known of an environment without asking anybody.
 *
 * @throws RotationError `ConfigurationInvalid`, naming everything that is wrong at once; `CredentialsMissing` where it is
 *   only that
 */
export function readSettings(invocation: Invocation): Settings {
  const { environment, defaultStore } = invocation;
  const found: RotationError[] = [];
  const attempt = <T>(read: () => T): T | undefined => {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof RotationError)) throw error;
      found.push(error);
      return undefined;
    }
  };
  const set = (name: string) => environment[`TENCENTCLOUD_${name}`] || environment[`TENCENT_${name}`];

  const config = attempt(() => parseConfig(environment, defaultStore));
  const ca = attempt(() => readBundle(environment.REDIS_CA_BUNDLE));
  const endpointUrl = set("ENDPOINT_URL");
  // What is no URL at all has been named by then.
  if (endpointUrl && URL.canParse(endpointUrl)) attempt(() => parseEndpoint(endpointUrl));
  attempt(() => config && requireFanOut(invocation, config));
  attempt(() => parseNotifyConfig(environment, defaultStore));
  const proxy = attempt(() => parseProxy(environment));
  const isElsewhere = set("CREDENTIALS_SECRET_ID") || set("ROLE_ARN") || set("PROVIDER_ID");
  const credentials = isElsewhere ? undefined : attempt(() => credentialsFromEnvironment(environment));
  const isSsm = (environment.SECRET_STORE || defaultStore) === "ssm";
  const ssmRegion = isSsm ? attempt(() => regionOf(invocation)) : "";

  const [first, ...others] = found;
  if (first === undefined && config !== undefined) {
    return { config, ca, ssmRegion: ssmRegion ?? "", proxy, credentials };
  }
  if (first !== undefined && others.length === 0) throw first;
  const messages = found.map(({ message }) => message.replace(/^Environment: /, ""));
  throw new RotationError("ConfigurationInvalid", `Environment: ${messages.join("; ")}`, { effect: "none" });
}

function regionOf({ environment, region }: Invocation): string {
  const found = environment.SECRET_STORE_REGION || region || environment.TENCENTCLOUD_REGION;
  if (found) return found;
  throw new RotationError(
    "ConfigurationInvalid",
    "Environment: SECRET_STORE_REGION: set it to the region of the secrets in SSM, such as ap-guangzhou",
    { effect: "none" },
  );
}

function readBundle(path: string | undefined): string | undefined {
  try {
    return path ? readFileSync(path, "utf8") : undefined;
  } catch (cause) {
    throw new RotationError("ConfigurationInvalid", `Environment: REDIS_CA_BUNDLE: ${path} cannot be read`, {
      effect: "none",
      cause,
    });
  }
}
