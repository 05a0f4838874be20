import { Command, Option } from "commander";
import type { Action } from "../lib/ports.ts";
import manifest from "../package.json" with { type: "json" };
import { type ActOptions, act } from "./cli/act.ts";
import { addCompletion } from "./cli/completion.ts";
import { addDoctor } from "./cli/doctor.ts";
import { describeThrown, EXIT, toExitCode, UsageError } from "./cli/exit.ts";
import { addInit } from "./cli/init.ts";
import { jsonText } from "./cli/printable.ts";
import { outliveReaders } from "./cli/streams.ts";

interface ActionHelp {
  readonly description: string;
  readonly example: string;
}

const ACTIONS: Readonly<Record<Action, ActionHelp>> = {
  rotate: {
    description: "rotate what is due, or carry on with what is pending",
    example: "rotate redis/orders --force",
  },
  plan: {
    description: "say what a rotation would do, and what would stop it, without touching anything",
    example: "plan",
  },
  status: { description: "say what the secret manager holds", example: "status redis/orders redis/sessions" },
  verify: { description: "say which version's password opens Redis", example: "verify --json" },
  rollback: {
    description:
      "put the previous password back into Redis and the secret manager; a second time goes forward again",
    example: "rollback redis/orders",
  },
  abandon: {
    description: "give up a pending rotation whose password never reached Redis",
    example: "abandon redis/orders",
  },
};

// The functions run on Node 22; the command runs on what its user has, and the AWS SDK would say so at each call.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= "true";

outliveReaders(EXIT.failed);

const program = new Command("redis-rotation")
  .description("Rotates the passwords of TencentDB for Redis and keeps them in a secret manager.")
  .version(manifest.version)
  .exitOverride(({ exitCode, message }) => {
    if (exitCode === 0) process.exit(EXIT.good);
    const error = describeThrown(new UsageError(message.replace(/^error: /, "")));
    if (process.argv.includes("--json")) process.stdout.write(jsonText({ error }));
    process.exit(EXIT.usage);
  })
  .showHelpAfterError("(--help tells what there is)")
  .addHelpText(
    "after",
    `
Exit codes: 0 good, 1 failed, 2 usage or configuration, 3 in progress.
Settings come from the environment: ROTATION_SECRETS, SECRET_STORE, TENCENTCLOUD_SECRET_ID and others.`,
  );

for (const [action, { description, example }] of Object.entries(ACTIONS) as [Action, ActionHelp][]) {
  program
    .command(action)
    .description(description)
    .argument("[secret...]", "names of secrets; default: ROTATION_SECRETS, ROTATION_TAG or ROTATION_PREFIX")
    .addOption(new Option("--store <kind>", "the secret manager").choices(["aws", "ssm"]))
    .option("--force", "whatever the age of the current version")
    .option("--json", "one JSON document on standard output")
    .option("--report <file.html>", "write what was done as a page of HTML")
    .option("-y, --yes", "do not ask before several secrets are changed")
    .addHelpText("after", `\nExample:\n  $ redis-rotation ${example}`)
    .action(async (secrets: string[], options: ActOptions) => {
      process.exitCode = await toExitCode(options.json === true, () => act(action, secrets, options));
    });
}
addDoctor(program);
addInit(program);
addCompletion(program, process.env);

await program.parseAsync();
