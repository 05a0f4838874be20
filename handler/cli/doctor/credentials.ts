/** Where the credentials come from, and whether each cloud accepts them. Nothing of them is shown. */
import { secretsManagerClient } from "../../../lib/drivers/aws-client.ts";
import { systemClock } from "../../../lib/drivers/runtime.ts";
import { tencentCaller } from "../../../lib/drivers/tencent-caller.ts";
import { asRotationError, RotationError } from "../../../lib/errors.ts";
import type { Composition, Invocation } from "../../compose.ts";
import { credentialVariables } from "../../credentials.ts";
import type { Settings } from "../../settings.ts";
import { type Check, check, finding, good } from "./checks.ts";
import { stsRegionOf } from "./network.ts";

const AWS_REFUSALS =
  /: (ExpiredTokenException|IncompleteSignature|InvalidClientTokenId|InvalidSignatureException|MissingAuthenticationTokenException|RequestExpired|UnrecognizedClientException)/;

/** Whether Tencent Cloud does not know, or not believe, who calls: then it says nothing of what the caller may do. */
export function isTencentKeyRefused({ code, message }: RotationError): boolean {
  return code === "CredentialsRejected" || /: AuthFailure(?!\.UnauthorizedOperation)/.test(message);
}

/** The same of AWS. */
export function isAwsKeyRefused({ code, message }: RotationError): boolean {
  return code === "StoreCredentialsMissing" || AWS_REFUSALS.test(message);
}

export function needsAws({ config }: Settings): boolean {
  return config.store === "aws" || config.credentialsSecretId !== undefined || config.role !== undefined;
}

/** `mayAsk`: STS answers. */
export function tencentCheck(
  { environment }: Invocation,
  settings: Settings,
  composing: Promise<Composition>,
  mayAsk: boolean,
): Promise<Check> {
  const source = tencentSource(environment, settings);
  return check(systemClock, ["credentials", "Tencent Cloud"], async () => {
    try {
      const { connection } = await composing;
      if (!mayAsk) return { status: "unknown", found: `from ${source}: no STS to ask; other calls tell` };
      const caller = await tencentCaller({ ...connection, region: stsRegionOf(settings) })();
      return good(`from ${source}: accepted${caller === undefined ? "" : ` as ${caller}`}`);
    } catch (thrown) {
      const error = asRotationError(thrown);
      const found = { ...finding(error), found: `from ${source}: ${error.message}` };
      // Whether they are good, others of its calls tell.
      return error.code === "CloudUnreachable" ? { ...found, status: "unknown" } : found;
    }
  });
}

function tencentSource(environment: Invocation["environment"], { config }: Settings): string {
  if (config.role) return `an identity token of AWS for ${config.role.roleArn}`;
  if (config.credentialsSecretId) return `the secret ${config.credentialsSecretId} of Secrets Manager`;
  return `the environment (${credentialVariables(environment).join(", ")})`;
}

/** The names under which the AWS SDK's providers sign what they give. The first one is the nearest. */
const AWS_SOURCES: Readonly<Record<string, string>> = {
  CREDENTIALS_STS_ASSUME_ROLE: "a profile's role",
  CREDENTIALS_STS_ASSUME_ROLE_WEB_ID: "a web identity token",
  CREDENTIALS_STS_WEB_ID_TOKEN: "a web identity token",
  CREDENTIALS_ENV_VARS: "the environment (AWS_ACCESS_KEY_ID)",
  CREDENTIALS_SSO: "a session of IAM Identity Center",
  CREDENTIALS_SSO_LEGACY: "a session of IAM Identity Center",
  CREDENTIALS_LOGIN: "a session of aws login",
  CREDENTIALS_PROCESS: "a profile's process",
  CREDENTIALS_PROFILE: "a profile",
  CREDENTIALS_HTTP: "the container's endpoint",
  CREDENTIALS_IMDS: "the machine's own role",
};

/** `ask`: any call that Secrets Manager answers whomever it knows, if only with a refusal. */
export function awsCheck({ config, proxy }: Settings, ask: () => Promise<unknown>): Promise<Check> {
  return check(systemClock, ["credentials", "AWS"], async () => {
    const { storeRegion } = config;
    const client = await secretsManagerClient({ ...(storeRegion && { region: storeRegion }), proxy });
    const identity: object = await client.config.credentials().catch(() => {
      const message = "the AWS SDK finds no credentials";
      throw new RotationError("StoreCredentialsMissing", message, { effect: "none" });
    });
    client.destroy();
    const signed = "$source" in identity ? Object.keys(identity.$source ?? {}) : [];
    const [source = "the AWS SDK's own search"] = Object.entries(AWS_SOURCES).flatMap(([name, words]) =>
      signed.includes(name) ? [words] : [],
    );
    try {
      await ask();
    } catch (thrown) {
      const error = asRotationError(thrown);
      if (isAwsKeyRefused(error)) return { ...finding(error), found: `from ${source}: ${error.message}` };
      if (error.code === "StoreUnavailable") {
        return { ...finding(error), status: "unknown", found: `from ${source}: ${error.message}` };
      }
    }
    return good(`from ${source}: accepted`);
  });
}
