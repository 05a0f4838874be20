/** Runs the local cloud until Ctrl-C, for trying the product by hand. Its keys are made at the start and open nothing else. */
import { DEMO_FLEET, taskDurationMs } from "../../bench/demo-fleet.ts";
import { startCloud } from "./cloud.ts";
import { secretName } from "./secrets.ts";

const TRY = [
  ["node dist/cli.js status", "what the secret manager holds"],
  ["node dist/cli.js plan", "what a rotation would do, and what would stop it"],
  ["node dist/cli.js rotate", "rotate what is due: all of it"],
  ["node dist/cli.js verify", "which password opens Redis"],
  [`node dist/cli.js rotate --force ${secretName("crs-5a4py64p")}`, "one of them once more"],
  [`node dist/cli.js rollback ${secretName("crs-5a4py64p")}`, "and back to the password before"],
] as const;

// From the start: a Ctrl-C while Redis is starting must not leave half a cloud behind. And for good: npm passes the
// terminal's signal on, so that it comes twice.
const stop = new Promise<void>((resolve) => {
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => resolve());
});
const cloud = await startCloud({
  instances: DEMO_FLEET,
  taskDurationMs,
});

const width = Math.max(...TRY.map(([command]) => command.length));
console.log(`# TencentDB with ${DEMO_FLEET.length} instances and Secrets Manager, on 127.0.0.1 until Ctrl-C.
# In another terminal, after npm run build:
`);
for (const [name, value] of Object.entries(cloud.environment)) console.log(`export ${name}='${value}'`);
console.log();
for (const [command, what] of TRY) console.log(`# ${command.padEnd(width)}  ${what}`);

await stop;
console.log("\n# Closing");
await cloud.close();
