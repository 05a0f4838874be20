import { parseConfig } from "../../lib/config.ts";
import { RotationError } from "../../lib/errors.ts";
import { parseNotifyConfig } from "../../lib/notify-config.ts";

export type Variables = Readonly<Record<string, string>>;

const MAX_BYTES = 4_096;
const RESERVED = /^(SCF_|QCLOUD_|TENCENTCLOUD_)/;

/** As SCF's API writes variables. */
export interface Environment {
  readonly Variables: readonly { readonly Key: string; readonly Value: string }[];
}

export function toEnvironment(variables: Variables): Environment {
  return { Variables: Object.entries(variables).map(([Key, Value]) => ({ Key, Value })) };
}

export function fromEnvironment(
  environment: { readonly Variables?: Environment["Variables"] | null | undefined } | null | undefined,
): Variables {
  return Object.fromEntries((environment?.Variables ?? []).map(({ Key, Value }) => [Key, Value]));
}

const FLEETS = ["ROTATION_SECRETS", "ROTATION_TAG", "ROTATION_PREFIX"];

/** Adds to the variables that are there. Who says anew what the fleet is takes back how it was said before. */
export function withThese(there: Variables, wanted: Variables): Variables {
  const isFleetNew = FLEETS.some((name) => name in wanted);
  const kept = Object.entries(there).filter(
    ([name]) => !(isFleetNew && FLEETS.includes(name)) || name in wanted,
  );
  return { ...Object.fromEntries(kept), ...wanted };
}

/**
 * Reads `NAME=VALUE`, and `NAME` alone, whose value is then taken from the environment: a key given so is in no list of
 * processes and in no shell's history.
 *
 * @throws RotationError `ConfigurationInvalid`
 */
export function readVariables(
  given: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): Variables {
  return Object.fromEntries(
    given.map((text) => {
      const [name = "", ...rest] = text.split("=");
      const value = rest.length > 0 ? rest.join("=") : environment[name];
      if (value) return [name, value];
      throw invalid(`${name}: it has no value, and SCF takes no empty ones`);
    }),
  );
}

/**
 * What the function would refuse when it runs, and what SCF would refuse now.
 *
 * @throws RotationError `ConfigurationInvalid`, without any value
 */
export function checkVariables(variables: Variables): void {
  for (const name of Object.keys(variables)) {
    if (RESERVED.test(name)) {
      const other = name.replace(/^TENCENTCLOUD_(SITE|ENDPOINT_URL|CREDENTIALS_SECRET_ID)$/, "TENCENT_$1");
      const hint = other === name ? "" : `, set ${other}`;
      throw invalid(`${name}: SCF keeps the prefix for itself${hint}`);
    }
    if (!/^[A-Za-z][A-Za-z0-9_]{1,63}$/.test(name)) {
      throw invalid(`${name}: SCF takes letters, digits and _, a letter first, 2 to 64 of them`);
    }
  }
  const bytes = Buffer.byteLength(JSON.stringify(variables));
  if (bytes > MAX_BYTES) {
    const hint = variables.ROTATION_SECRETS
      ? ": in the place of ROTATION_SECRETS set ROTATION_PREFIX or ROTATION_TAG"
      : "";
    throw invalid(`${bytes} bytes together, and SCF takes ${MAX_BYTES}${hint}`);
  }
  parseNotifyConfig(variables, "ssm");
  const { queueUrl } = parseConfig(variables, "ssm");
  if (queueUrl !== undefined) {
    throw invalid("ROTATION_QUEUE_URL: is for Lambda; on SCF set ROTATION_FAN_OUT_SIZE");
  }
}

function invalid(problem: string): RotationError {
  return new RotationError("ConfigurationInvalid", `Environment: ${problem}`, { effect: "none" });
}
