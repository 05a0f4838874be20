import { unzipSync } from "fflate";
import * as z from "zod/mini";
import { ApiError } from "../tencentdb/api-error.ts";

/** The runtimes on Node.js that are documented. */
const RUNTIMES = ["Nodejs16.13", "Nodejs18.15", "Nodejs20.19", "Nodejs22.21", "Nodejs24.11"];
const MAX_ZIP_BYTES = 50 * 1_048_576;

const functionName = z.string().check(z.regex(/^[A-Za-z](?:[A-Za-z0-9_-]{0,58})[A-Za-z0-9]$/));
const namespace = z.optional(z.string());
const target = { FunctionName: functionName, Namespace: namespace };
const reference = { ...target, Qualifier: z.optional(z.enum(["$LATEST", "$DEFAULT"])) };

const code = z.strictObject({ ZipFile: z.base64() });
const variables = z.strictObject({
  Variables: z.array(z.strictObject({ Key: z.string(), Value: z.string() })),
});
const configuration = {
  Description: z.optional(z.string().check(z.regex(/^[A-Za-z0-9 ,.\n\p{Script=Han}]{0,1000}$/u))),
  MemorySize: z.optional(
    z.int().check(z.refine((size) => size === 64 || (size >= 128 && size <= 3_072 && size % 128 === 0))),
  ),
  Timeout: z.optional(z.int().check(z.minimum(1), z.maximum(900))),
  Environment: z.optional(variables),
  VpcConfig: z.optional(z.strictObject({ VpcId: z.string(), SubnetId: z.string() })),
  Role: z.optional(z.string()),
  PublicNetConfig: z.optional(
    z.strictObject({
      PublicNetStatus: z.enum(["ENABLE", "DISABLE"]),
      EipConfig: z.optional(z.strictObject({ EipStatus: z.enum(["ENABLE", "DISABLE"]) })),
    }),
  ),
};
const handler = z.string().check(z.regex(/^[A-Za-z][\w-]*\.[A-Za-z][\w-]*$/));
const trigger = {
  ...target,
  TriggerName: z.string().check(z.regex(/^[A-Za-z0-9_-]{1,100}$/)),
  Type: z.literal("timer"),
  Qualifier: z._default(z.enum(["$LATEST", "$DEFAULT"]), "$LATEST"),
};
const timer = {
  TriggerDesc: z.string(),
  Enable: z.optional(z.enum(["OPEN", "CLOSE"])),
  CustomArgument: z.optional(z.string()),
};

/** What each action takes: these names and no other. */
export const PARAMETERS = {
  GetFunction: z.strictObject({ ...reference, ShowCode: z.optional(z.enum(["TRUE", "FALSE"])) }),
  GetFunctionAddress: z.strictObject(reference),
  CreateFunction: z.strictObject({
    ...target,
    ...configuration,
    Code: code,
    Handler: handler,
    Runtime: z.enum(RUNTIMES),
    Type: z.optional(z.literal("Event")),
  }),
  UpdateFunctionCode: z.strictObject({ ...target, Code: code, Handler: z.optional(handler) }),
  UpdateFunctionConfiguration: z.strictObject({ ...target, ...configuration }),
  DeleteFunction: z.strictObject(target),
  ListTriggers: z.strictObject({
    ...target,
    Offset: z._default(z.int().check(z.minimum(0)), 0),
    Limit: z._default(z.int().check(z.minimum(1), z.maximum(100)), 20),
  }),
  CreateTrigger: z.strictObject({ ...trigger, ...timer }),
  UpdateTrigger: z.strictObject({ ...trigger, ...timer }),
  DeleteTrigger: z.strictObject(trigger),
  Invoke: z.strictObject({
    ...reference,
    InvocationType: z._default(z.enum(["RequestResponse", "Event"]), "RequestResponse"),
    ClientContext: z._default(z.string(), "{}"),
    LogType: z.optional(z.enum(["None", "Tail"])),
    RoutingKey: z.optional(z.string()),
  }),
  GetFunctionEventInvokeConfig: z.strictObject(reference),
  UpdateFunctionEventInvokeConfig: z.strictObject({
    ...target,
    AsyncTriggerConfig: z.strictObject({
      RetryConfig: z.array(z.strictObject({ RetryNum: z.int().check(z.minimum(0), z.maximum(2)) })),
      MsgTTL: z.int().check(z.minimum(60), z.maximum(21_600)),
    }),
  }),
} as const;

export type ActionName = keyof typeof PARAMETERS;
export type ParametersOf<Name extends ActionName> = z.infer<(typeof PARAMETERS)[Name]>;

/** The code for a bad value, by the parameter that holds it. */
const CODES: Readonly<Record<string, string>> = {
  FunctionName: "InvalidParameter.FunctionName",
  Timeout: "LimitExceeded.Timeout",
  RetryNum: "LimitExceeded.RetryNum",
  MsgTTL: "LimitExceeded.MsgTTL",
  ZipFile: "InvalidParameterValue.ZipFileBase64BinasciiError",
};

/** @throws ApiError */
export function parametersOf<Name extends ActionName>(
  action: Name,
  given: Readonly<Record<string, unknown>>,
): ParametersOf<Name> {
  const { success, data, error } = PARAMETERS[action].safeParse(given);
  if (success) return data as ParametersOf<Name>;
  const issue = error.issues[0];
  if (issue?.code === "unrecognized_keys") {
    throw new ApiError("UnknownParameter", `The parameter \`${issue.keys[0]}\` is not recognized.`);
  }
  const path = issue?.path ?? [];
  const value = path.reduce<unknown>((outer, key) => (outer as Record<PropertyKey, unknown>)?.[key], given);
  const name = String(path.findLast((key) => typeof key === "string"));
  if (value === undefined) {
    throw new ApiError("MissingParameter", `The request is missing a required parameter \`${name}\`.`);
  }
  throw new ApiError(CODES[name] ?? `InvalidParameterValue.${name}`, `The value of ${name} is not valid.`);
}

/** The zip file itself. @throws ApiError where it is none */
export function zipOf(base64: string): Buffer {
  const zip = Buffer.from(base64, "base64");
  try {
    if (zip.length <= MAX_ZIP_BYTES && Object.keys(unzipSync(zip)).length > 0) return zip;
  } catch {
    // Told below.
  }
  throw new ApiError("InvalidParameterValue.ZipFile", "The file is not a standard zip file.");
}

/** Seven fields: seconds, minutes, hours, day of month, month, day of week, year; or the JSON that holds them. */
export function cronOf(description: string): string {
  const cron = description.startsWith("{") ? String(JSON.parse(description).cron) : description;
  if (/^([\d*/,\-?LW#]+|[A-Z,-]+)( ([\d*/,\-?LW#]+|[A-Z,-]+)){6}$/.test(cron)) return cron;
  throw new ApiError("InvalidParameterValue.TriggerDesc", "The cron expression is not valid.");
}
