import { styleText } from "node:util";
import { type Command, Option } from "commander";
import { type Check, exitCodeOf, reportOf } from "./doctor/checks.ts";
import { examine } from "./doctor/examine.ts";
import { checkLines, summaryText } from "./doctor/text.ts";
import { toExitCode } from "./exit.ts";
import { jsonText, printableIn } from "./printable.ts";
import { invocationOf } from "./session.ts";

interface DoctorOptions {
  readonly store?: string;
  readonly json?: true;
}

/** Adds `doctor`. */
export function addDoctor(program: Command): void {
  program
    .command("doctor")
    .description("check credentials, permissions, network and clock, and say how to mend what is wrong")
    .argument("[secret...]", "names of secrets; default: ROTATION_SECRETS, ROTATION_TAG or ROTATION_PREFIX")
    .addOption(new Option("--store <kind>", "the secret manager").choices(["aws", "ssm"]))
    .option("--json", "one JSON document on standard output")
    .addHelpText("after", "\nIt changes nothing.\n\nExample:\n  $ redis-rotation doctor redis/orders")
    .action(async (secrets: string[], options: DoctorOptions) => {
      process.exitCode = await toExitCode(options.json === true, () => doctor(secrets, options));
    });
}

async function doctor(secretIds: readonly string[], { store, json }: DoctorOptions): Promise<number> {
  const checks: Check[] = [];
  const waiting = json ? undefined : showWaiting();
  for await (const some of examine(invocationOf(store), secretIds)) {
    checks.push(...some);
    waiting?.end();
    if (!json) process.stdout.write(checkLines(printableIn(some)));
    waiting?.begin();
  }
  waiting?.end();
  const report = reportOf(checks);
  process.stdout.write(json ? jsonText(report) : summaryText(report));
  return exitCodeOf(checks);
}

/** On a terminal something stands there while nothing is found yet: a large fleet takes minutes. */
function showWaiting() {
  const { stderr } = process;
  if (!stderr.isTTY) return undefined;
  return {
    begin: () => stderr.write(styleText("dim", "checking …")),
    end: () => stderr.cursorTo(0) && stderr.clearLine(0),
  };
}
