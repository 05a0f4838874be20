import { ApiError } from "../tencentdb/api-error.ts";

export type Variables = Readonly<Record<string, string>>;

const MAX_BYTES = 4_096;
const RESERVED = /^(SCF_|QCLOUD_|TENCENTCLOUD_)/;

/**
 * Refuses the variables of a function that SCF refuses. The documents limit their size to 4 KB and do not say how it is
 * counted: here as JSON.
 *
 * @throws ApiError
 */
export function checkVariables(variables: readonly { readonly Key: string; readonly Value: string }[]): void {
  const names = new Set<string>();
  for (const { Key, Value } of variables) {
    if (RESERVED.test(Key)) {
      throw new ApiError(
        "InvalidParameterValue.EnvironmentSystemProtect",
        `The environment variable ${Key} is protected.`,
      );
    }
    if (!/^[A-Za-z][A-Za-z0-9_]{1,63}$/.test(Key) || Value === "" || names.has(Key)) {
      throw new ApiError(
        "InvalidParameterValue.Environment",
        `The environment variable ${Key} is not valid.`,
      );
    }
    names.add(Key);
  }
  const text = JSON.stringify(Object.fromEntries(variables.map(({ Key, Value }) => [Key, Value])));
  if (Buffer.byteLength(text) > MAX_BYTES) {
    throw new ApiError(
      "InvalidParameterValue.EnvironmentExceededLimit",
      "The size of the environment variables exceeds 4KB.",
    );
  }
}

export interface Identity {
  readonly functionName: string;
  readonly region: string;
  readonly runtime: string;
}

export const NAMESPACE = "default";
export const APP_ID = "1250000000";
export const UIN = "100000000001";

/** What SCF sets for a function on Node.js, as its documents list it: the same for every invocation. */
export function builtInVariables({ functionName, region, runtime }: Identity): Variables {
  return {
    TENCENTCLOUD_RUNENV: "SCF",
    TENCENTCLOUD_REGION: region,
    TENCENTCLOUD_APPID: APP_ID,
    TENCENTCLOUD_UIN: UIN,
    TENCENTCLOUD_TZ: "UTC",
    SCF_RUNTIME: runtime,
    SCF_NAMESPACE: NAMESPACE,
    SCF_FUNCTIONNAME: functionName,
    SCF_FUNCTIONVERSION: "$LATEST",
    _SCF_SERVER_PORT: "28902",
    USER_CODE_ROOT: "/var/user/",
    NODE_PATH: "/var/user:/var/user/node_modules:/opt:/opt/node_modules",
    PWD: "/var/user",
    HOME: "/home/qcloud",
    USER: "qcloud",
    LOGNAME: "qcloud",
    LANG: "en_US.UTF8",
    LC_ALL: "en_US.UTF8",
  };
}
