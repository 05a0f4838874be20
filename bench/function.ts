import { join } from "node:path";
import type { LocalCloud } from "../test/cloud/cloud.ts";
import { type FunctionProcess, startFunction } from "../test/cloud/function-process.ts";

/** The AWS SDK complains on standard error where Node is older than its next versions need. */
export const QUIET = { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true" };

/** The built Lambda function in a local cloud. What it warns of goes to standard error. */
export function startLambda(
  folder: string,
  cloud: LocalCloud,
  settings: Readonly<Record<string, string>> = {},
): Promise<FunctionProcess> {
  return startFunction({
    bundle: join(folder, "lambda/index.js"),
    exported: "handler",
    environment: { ...cloud.environment, ...QUIET, LOG_LEVEL: "warn", ...settings },
    onLog: (line) => console.error(JSON.stringify(line)),
  });
}
