import { unzipSync } from "fflate";
import * as v from "valibot";
import { ApiError } from "../tencentdb/api-error.ts";

/** The runtimes on Node.js that are documented. */
const RUNTIMES = ["Nodejs16.13", "Nodejs18.15", "Nodejs20.19", "Nodejs22.21", "Nodejs24.11"];
const MAX_ZIP_BYTES = 50 * 1_048_576;

const whole = (least: number, most: number) =>
  v.pipe(v.number(), v.safeInteger(), v.minValue(least), v.maxValue(most));
const functionName = v.pipe(v.string(), v.regex(/^[A-Za-z](?:[A-Za-z0-9_-]{0,58})[A-Za-z0-9]$/));
const namespace = v.optional(v.string());
const target = { FunctionName: functionName, Namespace: namespace };
const reference = { ...target, Qualifier: v.optional(v.picklist(["$LATEST", "$DEFAULT"])) };

const code = v.strictObject({ ZipFile: v.pipe(v.string(), v.base64()) });
const variables = v.strictObject({
  Variables: v.array(v.strictObject({ Key: v.string(), Value: v.string() })),
});
const configuration = {
  Description: v.optional(v.pipe(v.string(), v.regex(/^[A-Za-z0-9 ,.\n\p{Script=Han}]{0,1000}$/u))),
  MemorySize: v.optional(
    v.pipe(
      v.number(),
      v.check((size) => size === 64 || (size >= 128 && size <= 3_072 && size % 128 === 0)),
    ),
  ),
  Timeout: v.optional(whole(1, 900)),
  Environment: v.optional(variables),
  VpcConfig: v.optional(v.strictObject({ VpcId: v.string(), SubnetId: v.string() })),
  Role: v.optional(v.string()),
  PublicNetConfig: v.optional(
    v.strictObject({
      PublicNetStatus: v.picklist(["ENABLE", "DISABLE"]),
      EipConfig: v.optional(v.strictObject({ EipStatus: v.picklist(["ENABLE", "DISABLE"]) })),
    }),
  ),
};
const handler = v.pipe(v.string(), v.regex(/^[A-Za-z][\w-]*\.[A-Za-z][\w-]*$/));
const trigger = {
  ...target,
  TriggerName: v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{1,100}$/)),
  Type: v.literal("timer"),
  Qualifier: v.optional(v.picklist(["$LATEST", "$DEFAULT"]), "$LATEST"),
};
const timer = {
  TriggerDesc: v.string(),
  Enable: v.optional(v.picklist(["OPEN", "CLOSE"])),
  CustomArgument: v.optional(v.string()),
};

/** What each action takes: these names and no other. */
export const PARAMETERS = {
  GetFunction: v.strictObject({ ...reference, ShowCode: v.optional(v.picklist(["TRUE", "FALSE"])) }),
  GetFunctionAddress: v.strictObject(reference),
  CreateFunction: v.strictObject({
    ...target,
    ...configuration,
    Code: code,
    Handler: handler,
    Runtime: v.picklist(RUNTIMES),
    Type: v.optional(v.literal("Event")),
  }),
  UpdateFunctionCode: v.strictObject({ ...target, Code: code, Handler: v.optional(handler) }),
  UpdateFunctionConfiguration: v.strictObject({ ...target, ...configuration }),
  DeleteFunction: v.strictObject(target),
  ListTriggers: v.strictObject({
    ...target,
    Offset: v.optional(whole(0, Number.MAX_SAFE_INTEGER), 0),
    Limit: v.optional(whole(1, 100), 20),
  }),
  CreateTrigger: v.strictObject({ ...trigger, ...timer }),
  UpdateTrigger: v.strictObject({ ...trigger, ...timer }),
  DeleteTrigger: v.strictObject(trigger),
  Invoke: v.strictObject({
    ...reference,
    InvocationType: v.optional(v.picklist(["RequestResponse", "Event"]), "RequestResponse"),
    ClientContext: v.optional(v.string(), "{}"),
    LogType: v.optional(v.picklist(["None", "Tail"])),
    RoutingKey: v.optional(v.string()),
  }),
  GetFunctionEventInvokeConfig: v.strictObject(reference),
  UpdateFunctionEventInvokeConfig: v.strictObject({
    ...target,
    AsyncTriggerConfig: v.strictObject({
      RetryConfig: v.array(v.strictObject({ RetryNum: whole(0, 2) })),
      MsgTTL: whole(60, 21_600),
    }),
  }),
} as const;

export type ActionName = keyof typeof PARAMETERS;
export type ParametersOf<Name extends ActionName> = v.InferOutput<(typeof PARAMETERS)[Name]>;

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
  const { success, output, issues } = v.safeParse(PARAMETERS[action], given);
  if (success) return output as ParametersOf<Name>;
  const [issue] = issues;
  const name = String(issue.path?.findLast(({ key }) => typeof key === "string")?.key);
  if (issue.expected === "never") {
    throw new ApiError("UnknownParameter", `The parameter \`${name}\` is not recognized.`);
  }
  if (issue.input === undefined) {
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
