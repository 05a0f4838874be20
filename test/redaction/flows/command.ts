import pLimit from "p-limit";
import { expect } from "vitest";
import { inScene, type Proof, trickyPassword } from "../scene.ts";
import { FLEET } from "./lambda.ts";

const instances = FLEET;

/** Every command: for people and for scripts, with and without a log. */
const COMMANDS: readonly (readonly string[])[] = [
  ["plan"],
  ["status"],
  ["verify"],
  ["rotate", "--force", "--yes"],
  ["rollback", "--yes"],
  ["abandon", "--yes"],
];

const BAD_USAGE: readonly (readonly string[])[] = [
  [],
  ["--version"],
  ["--help"],
  ["rotat"],
  ["rotate", "--all"],
  ["rotate", "--store", "vault"],
  ["rotate", "--force", "redis/a", "redis/b"],
  ["status", "redis/missing"],
  ["completion", "bash"],
  ["complete", "--", "rotate", ""],
  ["status", "--store", "ssm", "redis/crs-reset"],
];

export const commands = (proof: Proof) =>
  inScene(proof, { instances }, async ({ environment }) => {
    const { runCommand } = proof.processes;
    for (const command of COMMANDS) {
      for (const options of [["--report", "page.html"], ["--json"]]) {
        const { exit, stdout } = await runCommand([...command, ...options], environment);
        // One of the fleet cannot be rotated.
        expect([command, exit]).toEqual([command, 1]);
        expect(stdout).toContain("crs-tls");
      }
    }
    const mistakes: readonly Readonly<Record<string, string>>[] = [
      { TENCENTCLOUD_SECRET_KEY: "", AWS_SECRET_ACCESS_KEY: "" },
      { TENCENTCLOUD_ENDPOINT_URL: `https://user:${environment.TENCENTCLOUD_SECRET_KEY}@127.0.0.1` },
      { AWS_ENDPOINT_URL_SECRETS_MANAGER: `https://user:${environment.AWS_SECRET_ACCESS_KEY}@127.0.0.1:9` },
    ];
    const atOnce = pLimit(3);
    const run = (args: readonly string[], variables = {}) =>
      atOnce(() => runCommand(args, { ...environment, ...variables }));
    await Promise.all([
      ...[[], ["--json"], ["redis/missing"]].map((options) => run(["doctor", ...options])),
      ...BAD_USAGE.map((args) => run(args)),
      ...mistakes.flatMap((variables) =>
        ["plan", "doctor"].flatMap((command) => [
          run([command], variables),
          run([command, "--json"], variables),
        ]),
      ),
    ]);
  });

/** The one command that is given a password: from standard input, and on a terminal; the right one and a wrong one. */
export const init = (proof: Proof) => {
  const password = trickyPassword();
  proof.marks.add("Redis passwords", password, `x${password}`);
  const instanceId = "crs-begin001";
  const region = "ap-guangzhou";
  return inScene(proof, { instances: [{ instanceId, region, password }] }, async ({ environment }) => {
    const { runCommand } = proof.processes;
    const args = ["init", instanceId, "--region", region];
    const keepsIn = `${instanceId}.json`;
    const piped = (given: string, options: readonly string[]) =>
      runCommand([...args, "--password-stdin", ...options], environment, { input: `${given}\n`, keepsIn });
    for (const options of [[], ["--json"], ["--store", "ssm"], ["--no-probe"]]) {
      const { exit } = await piped(password, options);
      expect([options, exit]).toEqual([options, 0]);
    }
    for (const options of [[], ["--json"], ["--port", "1"], ["--username", "nobody"], ["--port", "x"]]) {
      const { exit } = await piped(`x${password}`, options);
      expect([options, exit]).not.toEqual([options, 0]);
    }
    const keys = [[/Current password/, `${password}\r`]] as const;
    expect((await runCommand(args, environment, { keys, keepsIn })).exit).toBe(0);
  });
};

/** Before a person: a question, what moves, and Ctrl-C. */
export const terminal = (proof: Proof) =>
  inScene(proof, { instances: instances.slice(0, 4), taskDurationMs: 1_500 }, async ({ environment }) => {
    const { runCommand } = proof.processes;
    const sit = (args: readonly string[], keys: readonly (readonly [RegExp, string])[]) =>
      runCommand(args, environment, { keys });
    expect((await sit(["rotate", "--force"], [[/Rotate 4 secrets\?/, "y"]])).exit).toBe(0);
    expect((await sit(["rollback"], [[/rollback all of them\?/, "n"]])).exit).toBe(1);
    expect((await sit(["verify"], [])).exit).toBe(0);
    const ctrlC = "\x03";
    expect((await sit(["rotate", "--force", "--yes"], [[/task \d+ running/, ctrlC]])).exit).toBe(3);
  });
