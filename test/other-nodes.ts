/** `npm run test:nodes`: the tests of the built bundles, with the bundles on other versions of Node. */
import { spawnSync } from "node:child_process";
import { otherNodes } from "./nodes.ts";

const TESTS = ["test/build.test.ts", "test/integration/lambda.test.ts", "test/integration/bundles.test.ts"];

const nodes = await otherNodes();
if (nodes.length === 0) console.log("The registry has no other Node for this machine: nothing is tested.");
for (const { version, path } of nodes) {
  console.log(`\nThe bundles on Node ${version}`);
  const { status } = spawnSync("npx", ["--no-install", "vitest", "run", ...TESTS], {
    stdio: "inherit",
    env: { ...process.env, BUNDLES_NODE: path },
  });
  if (status !== 0) process.exitCode = 1;
}
