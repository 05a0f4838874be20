/**
 * Rotates real redis-servers through the built bundles in a local cloud, and shows what came of it: `npm run demo`, or one
 * cloud alone: `npm run demo -- --cloud tencent`.
 */
import { Command, Option } from "commander";
import { buildAll } from "../build.ts";
import { demonstrateAws } from "./demo-aws.ts";
import { demonstrateTencent } from "./demo-tencent.ts";

const DEMOS = { aws: demonstrateAws, tencent: demonstrateTencent };

const { cloud } = new Command("demo")
  .addOption(new Option("--cloud <name>", "one cloud alone").choices(Object.keys(DEMOS)))
  .parse()
  .opts<{ cloud?: keyof typeof DEMOS }>();

await buildAll();
for (const [name, demonstrate] of Object.entries(DEMOS)) {
  if (cloud !== undefined && cloud !== name) continue;
  if (!(await demonstrate())) process.exitCode = 1;
}
