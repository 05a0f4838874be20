import { Command, Option } from "commander";
import { buildAll } from "../../build.ts";
import { credentialsFromEnvironment } from "../../handler/credentials.ts";
import { systemClock } from "../../lib/drivers/runtime.ts";
import { createTencentClient } from "../../lib/drivers/tencent-client.ts";
import { zipFolder } from "./code-zip.ts";
import { deploy, RUNTIME, SCHEDULE } from "./deployment.ts";
import { adviceOn, SCF_API_ERRORS } from "./scf-errors.ts";
import { readVariables } from "./variables.ts";

/** The code goes with the call, over whatever line there is. */
const TIMEOUT_MS = 120_000;

interface Options {
  readonly function: string;
  readonly region: string;
  readonly runtime?: string;
  readonly role?: string;
  readonly vpc?: string;
  readonly subnet?: string;
  readonly env: readonly string[];
  readonly schedule?: string;
  readonly code?: string;
  readonly dryRun?: true;
}

const program = new Command("deploy:scf")
  .description(
    "Makes the function on Tencent Cloud SCF, or brings the one that is there up to date. What is not given stays as it is.",
  )
  .requiredOption("--function <name>", "its name")
  .requiredOption("--region <region>", "where it runs, such as ap-guangzhou: the region of the VPC")
  .option("--runtime <name>", `of a new function, Node.js 20.19 or later: ${RUNTIME} where none is given`)
  .option("--role <name>", "its CAM role; a new function needs one")
  .option("--vpc <id>", "the VPC from which it reaches Redis")
  .option("--subnet <id>", "a subnet of that VPC")
  .addOption(
    new Option("--env <name[=value]>", "a variable; without a value it is taken from your environment")
      .argParser((text: string, earlier: readonly string[]) => [...earlier, text])
      .default([]),
  )
  .option("--schedule <cron>", `seven fields, seconds first, in UTC+8; a new timer: "${SCHEDULE}"`)
  .option("--code <folder>", "the built function; without it, it is built")
  .option("--dry-run", "say what would be called, and change nothing")
  .action(run);

await program.parseAsync();

async function run(options: Options): Promise<void> {
  const { function: functionName, region, runtime, role, vpc, subnet, schedule, dryRun = false } = options;
  try {
    if ((vpc === undefined) !== (subnet === undefined))
      program.error("error: --vpc and --subnet go together");
    const variables = readVariables(options.env, process.env);
    const credentials = credentialsFromEnvironment(process.env);
    const client = createTencentClient({
      service: "scf",
      version: "2018-04-16",
      region,
      errors: SCF_API_ERRORS,
      credentials: async () => credentials,
      site: process.env.TENCENTCLOUD_SITE === "intl" ? "intl" : undefined,
      endpointUrl: process.env.TENCENTCLOUD_ENDPOINT_URL || undefined,
      signal: new AbortController().signal,
      clock: systemClock,
      limiter: async () => {},
      timeoutMs: TIMEOUT_MS,
    });
    if (options.code === undefined) await buildAll();
    const code = await zipFolder(options.code ?? "dist/scf");
    const network = vpc !== undefined && subnet !== undefined ? { VpcId: vpc, SubnetId: subnet } : undefined;
    let changes = 0;
    await deploy(
      { functionName, code, runtime, role, vpc: network, variables, schedule },
      {
        client,
        clock: systemClock,
        dryRun,
        onCall({ action, params }) {
          changes += 1;
          print(`${dryRun ? "would call " : ""}${action} ${JSON.stringify(params, undefined, 2)}`);
        },
      },
    );
    print(changes === 0 ? "Nothing to change." : dryRun ? "Nothing was changed." : "Done.");
  } catch (error) {
    process.stderr.write(`${adviceOn(error)}\n`);
    process.exitCode = 1;
  }
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
