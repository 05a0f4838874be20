import { Command, Option } from "commander";
import { asRotationError } from "../lib/errors.ts";
import type { Action, Answer } from "../lib/ports.ts";
import { compose } from "./compose.ts";
import { invoke } from "./invoke.ts";

const EXIT = { good: 0, failed: 1, usage: 2, inProgress: 3 } as const;
const USAGE_CODES: readonly string[] = [
  "ConfigurationInvalid",
  "CredentialsMissing",
  "StoreCredentialsMissing",
];
/** A run by hand has no platform that ends it. */
const RUN_MS = 3_600_000;

const ACTIONS: Record<Action, string> = {
  rotate: "rotate what is due, or carry on with what is pending",
  plan: "say what a rotation would do, and what would stop it, without touching anything",
  status: "say what the secret manager holds",
  verify: "say which version's password opens Redis",
  rollback: "put the previous password back into Redis and the secret manager",
  abandon: "give up a pending rotation whose password never reached Redis",
};

interface Options {
  readonly store?: string;
  readonly force?: true;
  readonly json?: true;
}

const program = new Command("redis-rotation")
  .description("Rotates the passwords of TencentDB for Redis and keeps them in a secret manager.")
  .exitOverride((error) => process.exit(error.exitCode === 0 ? EXIT.good : EXIT.usage));

for (const [action, description] of Object.entries(ACTIONS) as [Action, string][]) {
  program
    .command(action)
    .description(description)
    .argument("[secret...]", "names of secrets; default: ROTATION_SECRETS, ROTATION_TAG or ROTATION_PREFIX")
    .addOption(new Option("--store <kind>", "the secret manager").choices(["aws", "ssm"]))
    .option("--force", "whatever the age of the current version")
    .option("--json", "one JSON document on standard output")
    .action((secrets: string[], options: Options) => run(action, secrets, options));
}

await program.parseAsync();

async function run(action: Action, secrets: string[], options: Options): Promise<void> {
  try {
    const composition = await compose({
      environment: {
        LOG_LEVEL: "silent",
        ...process.env,
        ...(options.store && { SECRET_STORE: options.store }),
      },
      remainingMs: RUN_MS,
      defaultStore: "aws",
      // Standard output is for the answer alone.
      log: { bindings: {}, fd: 2 },
    });
    const answer = await invoke(composition, {
      kind: "driven",
      action,
      secretIds: secrets.length > 0 ? secrets : undefined,
      force: options.force === true,
      scheduled: false,
    });
    if (answer === undefined) return;
    process.stdout.write(options.json ? `${JSON.stringify(answer, undefined, 2)}\n` : render(answer));
    process.exitCode = exitCode(answer);
  } catch (error) {
    const { code, advice } = asRotationError(error);
    process.stderr.write(`${code}: ${advice}\n`);
    process.exitCode = USAGE_CODES.includes(code) ? EXIT.usage : EXIT.failed;
  }
}

function exitCode({ summary }: Answer): number {
  if (summary.failed > 0 || summary.drift > 0) return EXIT.failed;
  return summary.inProgress > 0 ? EXIT.inProgress : EXIT.good;
}

function render({ results, forecast }: Answer): string {
  const width = Math.max(0, ...results.map(({ secretId }) => secretId.length));
  if (results.length === 0) return "No secret was found: see ROTATION_TAG and ROTATION_PREFIX\n";
  const lines = results
    .map(({ secretId, status, instanceId, region, taskId, dueAt, durationMs, error }) => {
      const due = dueAt && `due ${dueAt.slice(0, 16)}Z`;
      const facts = [
        instanceId,
        region,
        taskId && `task ${taskId}`,
        due,
        `${(durationMs / 1000).toFixed(1)} s`,
      ];
      const line = `${secretId.padEnd(width)}  ${status.padEnd(11)}  ${facts.filter(Boolean).join("  ")}\n`;
      return error ? `${line}  ${error.code}: ${error.message}\n` : line;
    })
    .join("");
  if (!forecast) return lines;
  const { rotations, perMinute, durationMs } = forecast;
  return `${lines}${rotations} to rotate, ${perMinute} a minute, about ${Math.ceil(durationMs / 60_000)} min\n`;
}
