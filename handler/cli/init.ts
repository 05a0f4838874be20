import { type Command, Option } from "commander";
import { PASSWORD_APIS, parseSecretValue } from "../../lib/secret-value.ts";
import { compose } from "../compose.ts";
import { EXIT, toExitCode, UsageError } from "./exit.ts";
import { fileText, nextSteps, requireFree, writePrivate } from "./init/file.ts";
import { findInstance, proveIt } from "./init/look.ts";
import { readPassword } from "./init/password.ts";
import { type InitOptions, jsonOf, parseDraft } from "./init/value.ts";
import { jsonText, printableIn } from "./printable.ts";
import { invocationOf } from "./session.ts";

/** Adds `init`. */
export function addInit(program: Command): void {
  program
    .command("init")
    .description("write the JSON of a secret for an instance, once its password has opened Redis")
    .argument("<instance-id>", "such as crs-5a4py64p")
    .requiredOption("--region <region>", "the instance's region, such as ap-guangzhou")
    .option("--username <name>", "a custom account; default: the default account")
    .option("--usernames <a,b>", "two custom accounts that take turns")
    .addOption(new Option("--api <api>", "the action that changes the password").choices(PASSWORD_APIS))
    .option("--host <host>", "where Redis is reached; default: the instance's private address")
    .option("--port <port>", "default: the instance's")
    .option("--ssl", "speak TLS with Redis; default: what Redis speaks")
    .option("--no-ssl", "do not")
    .option("--no-probe", "do not ask Redis: where there is no path to it, as with VERIFY=task")
    .option("--password-stdin", "read the current password from standard input, and not from the terminal")
    .addOption(
      new Option("--store <kind>", "the secret manager that the JSON is for").choices(["aws", "ssm"]),
    )
    .option("--name <secret>", "the secret's name; default: redis/<instance-id>, in SSM redis-<instance-id>")
    .option("--out <file>", "default: <instance-id>.json; -: standard output")
    .option("--json", "one JSON document about the file, without the password, on standard output")
    .addHelpText(
      "after",
      "\nNo file is overwritten.\n\nExample:\n  $ redis-rotation init crs-5a4py64p --region ap-guangzhou",
    )
    .action(async (instanceId: string, options: InitOptions) => {
      process.exitCode = await toExitCode(options.json === true, () => init(instanceId, options));
    });
}

async function init(instanceId: string, options: InitOptions): Promise<number> {
  const { region, out = `${instanceId}.json`, json = false } = options;
  const isPiped = out === "-";
  if (isPiped && json) throw new UsageError("--json and --out - both write to standard output: choose one");
  const draft = parseDraft(instanceId, options);
  const { environment, defaultStore, ...invocation } = invocationOf(undefined);
  const store = options.store ?? (environment.SECRET_STORE || defaultStore);
  const secretName = nameOf(store, instanceId, options);
  if (!isPiped) requireFree(out);

  // No secret manager is asked, so none has to be set up.
  const ownStore = { SECRET_STORE: "ssm", SECRET_STORE_REGION: region };
  const { context } = await compose({
    ...invocation,
    defaultStore,
    environment: { ...environment, ...ownStore },
  });
  const found = await findInstance(context, draft);
  const password = await readPassword(options, `Current password of ${draft.username} on ${instanceId}`);
  const address = options.probe
    ? await proveIt(context, { ...draft, password }, found, options.ssl)
    : { ...found.address, ssl: options.ssl ?? false };
  if (!options.probe) process.stderr.write(`Redis was not asked: neither the password nor ssl is proven.\n`);

  const value = jsonOf(instanceId, { ...options, ...address }, password);
  parseSecretValue(value, secretName);
  const text = fileText(store, secretName, value);
  if (isPiped) {
    process.stdout.write(text);
    return EXIT.good;
  }
  const { username, usernames, api } = draft;
  const account = { username, ...(usernames && { usernames }), api };
  const written = { file: writePrivate(out, text), secretName, store, instanceId, region, ...address };
  const about = { ...written, ...account, proven: options.probe };
  const storeRegion = environment.SECRET_STORE_REGION || undefined;
  process.stdout.write(json ? jsonText(about) : nextSteps(printableIn({ ...about, storeRegion })));
  return EXIT.good;
}

function nameOf(store: string, instanceId: string, { name }: InitOptions): string {
  if (store !== "ssm") return name ?? `redis/${instanceId}`;
  const secretName = name ?? `redis-${instanceId}`;
  if (/^[\w-]{1,128}$/.test(secretName)) return secretName;
  throw new UsageError("--name: SSM takes letters, digits, _ and -, 128 at most");
}
