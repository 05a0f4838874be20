import { execFile } from "node:child_process";
import { BUNDLES_NODE } from "../cloud/function-process.ts";
import { QUIET } from "./world.ts";

export interface Outcome {
  readonly exit: number | string | null | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  /** Path of the built command. */
  readonly file: string;
  readonly environment: Readonly<Record<string, string>>;
  /** What standard input holds. Default: nothing. */
  readonly input?: string;
  /** Default: this process's. */
  readonly cwd?: string;
}

/** Runs the built command to its end. */
export function runCommand(args: readonly string[], options: CommandOptions): Promise<Outcome> {
  const { file, environment, input = "", cwd } = options;
  const env = { PATH: process.env.PATH, ...QUIET, ...environment };
  return new Promise((resolve) => {
    const child = execFile(BUNDLES_NODE, [file, ...args], { env, cwd }, (error, stdout, stderr) => {
      resolve({ exit: error === null ? 0 : error.code, stdout, stderr });
    });
    // One that does not read its input may have ended by then.
    child.stdin?.on("error", () => {}).end(input);
  });
}
