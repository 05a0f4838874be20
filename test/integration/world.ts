import { readFileSync } from "node:fs";
import { join } from "node:path";
import { inject } from "vitest";
import { redisProbe } from "../../lib/drivers/redis-probe.ts";
import type { Action, Answer, SecretResult } from "../../lib/ports.ts";
import type { LocalCloud } from "../cloud/cloud.ts";
import { type FunctionOptions, type FunctionProcess, startFunction } from "../cloud/function-process.ts";
import { secretName } from "../cloud/secrets.ts";

type Environment = Readonly<Record<string, string>>;
type Label = "AWSPENDING" | "AWSCURRENT" | "AWSPREVIOUS";

export const SCHEDULE = { source: "aws.events", "detail-type": "Scheduled Event" };

const BUNDLES = {
  lambda: { file: "lambda/index.js", exported: "handler" },
  scf: { file: "scf/index.js", exported: "main_handler" },
} as const;

/** The SDK complains on standard error where Node is older than its next versions need. */
export const QUIET = { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true" };

/** Path of a built file, such as `cli.js`. */
export function built(file: string): string {
  return join(inject("bundles"), file);
}

export function startBuilt(
  platform: keyof typeof BUNDLES,
  environment: Environment,
  options: Pick<FunctionOptions, "onLog" | "timeoutMs"> = {},
): Promise<FunctionProcess> {
  const { file, exported } = BUNDLES[platform];
  return startFunction({
    bundle: built(file),
    exported,
    environment: { ...QUIET, ...environment },
    ...options,
  });
}

/** The environment without some of its variables. */
export function without(environment: Environment, ...names: readonly string[]): Environment {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !names.includes(name)));
}

/** A manual invocation for the secrets of these instances. */
export async function ask(
  lambda: Pick<FunctionProcess, "invoke">,
  action: Action,
  ...instanceIds: readonly string[]
): Promise<Answer> {
  return (await lambda.invoke({ action, secrets: instanceIds.map(secretName) })) as Answer;
}

export function onlyResult({ results }: Answer): SecretResult {
  const [result, ...others] = results;
  if (result === undefined || others.length > 0) throw new Error(`There are ${results.length} results`);
  return result;
}

export function versionAt(cloud: LocalCloud, instanceId: string, label: Label) {
  const { versions } = cloud.secretsManager.inspect(secretName(instanceId));
  return versions.find(({ stages }) => stages.includes(label));
}

export function valueAt(cloud: LocalCloud, instanceId: string, label: Label): Record<string, unknown> {
  return JSON.parse(versionAt(cloud, instanceId, label)?.content?.SecretString ?? "{}");
}

export function passwordAt(cloud: LocalCloud, instanceId: string, label: Label): string {
  return String(valueAt(cloud, instanceId, label).password);
}

/** Asks the real Redis, past everything that the function says of itself. */
export async function answerOf(cloud: LocalCloud, instanceId: string, password: string): Promise<string> {
  const { host, port, ssl } = valueAt(cloud, instanceId, "AWSCURRENT");
  const probe = redisProbe({ ca: readFileSync(cloud.environment.REDIS_CA_BUNDLE ?? "", "utf8") });
  const target = { host: String(host), port: Number(port), ssl: ssl === true, username: "default", password };
  return (await probe(target)).answer;
}

/** What both passwords are worth, old first. */
export function answersOf(cloud: LocalCloud, instanceId: string, old: string): Promise<string[]> {
  const fresh = passwordAt(cloud, instanceId, "AWSCURRENT");
  return Promise.all([old, fresh].map((password) => answerOf(cloud, instanceId, password)));
}

/** Both services' calls for an instance and its secret, by the time at which they arrived. */
export function callsFor(cloud: LocalCloud, instanceId: string) {
  const store = cloud.secretsManager.calls.filter(({ secretId }) => secretId === secretName(instanceId));
  const control = cloud.tencentDb.calls.filter((call) => call.instanceId === instanceId);
  return { store: store.map(nameAndTime), control: control.map(nameAndTime) };
}

function nameAndTime({ action, at }: { readonly action: string; readonly at: number }) {
  return { action, at };
}
