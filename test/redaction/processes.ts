import { type ChildProcess, fork, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { stripVTControlCharacters } from "node:util";
import { BUNDLES_NODE } from "../cloud/function-process.ts";
import { built, QUIET } from "../integration/world.ts";
import type { Places } from "./places.ts";

type Environment = Readonly<Record<string, string>>;

export interface Heard {
  /** What a function answered, or undefined where it threw. */
  readonly answer?: unknown;
  /** What it threw, as a platform is told. */
  readonly error?: { readonly name: string; readonly message: string };
}

export interface WatchedFunction {
  /** Never rejects: what was thrown is in a place and is told. */
  invoke(event: unknown): Promise<Heard>;
  close(): Promise<void>;
}

export interface Run {
  readonly exit: number | null;
  readonly stdout: string;
}

export interface CommandOptions {
  /** For its standard input. Default: nothing. */
  readonly input?: string;
  /** Keys that are typed on a pseudo terminal once it shows the text. Default: there is no terminal. */
  readonly keys?: readonly (readonly [RegExp, string])[];
  /** The one file in its working directory that it writes a password to, for its owner alone. */
  readonly keepsIn?: string;
}

export interface Processes {
  startFunction(
    platform: "lambda" | "scf",
    label: string,
    environment: Environment,
  ): Promise<WatchedFunction>;
  runCommand(args: readonly string[], environment: Environment, options?: CommandOptions): Promise<Run>;
  /** The processes that were given credentials, as their platform or their user does. */
  readonly given: ReadonlySet<number>;
}

const HOST = fileURLToPath(new URL("../cloud/function-host.mjs", import.meta.url));
const BUNDLES = {
  lambda: ["lambda/index.js", "handler"],
  scf: ["scf/index.js", "main_handler"],
} as const;
const SCF_CONTEXT = {
  function_name: "redis-rotation",
  function_version: "$LATEST",
  namespace: "default",
  tencentcloud_region: "ap-guangzhou",
};
/** As much as there is: of the log, and of every module that can be made to talk. */
const LOUD = { LOG_LEVEL: "trace", DEBUG: "*" };

/** Real processes of the built bundles, each in folders of its own. Whatever comes out of them becomes a place. */
export function watchedProcesses(places: Places): Processes {
  const given = new Set<number>();

  /** A place for what the stream brings, once it has ended. */
  const listen = (stream: NodeJS.ReadableStream | null) => {
    const chunks: Buffer[] = [];
    stream?.on("data", (chunk: Buffer) => chunks.push(chunk));
    return () => Buffer.concat(chunks).toString();
  };

  return {
    given,
    async startFunction(platform, label, environment) {
      const [file, exported] = BUNDLES[platform];
      const folders = await ownFolders();
      const child = fork(HOST, [built(file), exported], {
        cwd: folders.work,
        env: { PATH: process.env.PATH, ...QUIET, ...LOUD, ...folders.variables, ...environment },
        execPath: BUNDLES_NODE,
        execArgv: [],
        silent: true,
      });
      given.add(child.pid ?? 0);
      const [stdout, stderr] = [listen(child.stdout), listen(child.stderr)];
      const closed = once(child, "close");
      await once(child, "message");
      let running: Promise<unknown> = Promise.resolve();
      const invoke = async (event: unknown): Promise<Heard> => {
        const id = randomUUID();
        const context =
          platform === "scf" ? SCF_CONTEXT : { awsRequestId: id, functionName: "redis-rotation" };
        child.send({ id, event, timeoutMs: 300_000, context });
        const [{ answer, error }] = await once(child, "message");
        if (error === undefined) places.add("replies", label, JSON.stringify(answer) ?? "");
        else places.add("errors", label, JSON.stringify(error));
        return { answer, error };
      };
      return {
        // A platform gives one invocation at a time to an instance.
        invoke(event) {
          const heard = running.then(() => invoke(event));
          running = heard;
          return heard;
        },
        async close() {
          if (!given.delete(child.pid ?? 0)) return;
          child.kill();
          await closed;
          places.add("standard output", label, stdout());
          places.add("standard error", label, stderr());
          await folders.search(places, label);
        },
      };
    },

    async runCommand(args, environment, { input, keys, keepsIn } = {}) {
      const label = `redis-rotation ${args.join(" ")}${keys ? " on a terminal" : ""}`;
      const folders = await ownFolders();
      const env = { PATH: process.env.PATH, ...QUIET, ...folders.variables, ...environment };
      const child = keys
        ? onTerminal(args, env, folders.work)
        : spawn(BUNDLES_NODE, [built("cli.js"), ...args], { cwd: folders.work, env: { ...LOUD, ...env } });
      given.add(child.pid ?? 0);
      const [stdout, stderr] = [listen(child.stdout), listen(child.stderr)];
      const closed = once(child, "close");
      if (keys) await type(child, stdout, keys);
      else child.stdin?.end(input ?? "");
      const [exit] = await closed;
      places.add("standard output", label, stdout());
      places.add("standard error", label, stderr());
      await folders.search(places, label, keepsIn);
      return { exit, stdout: stdout() };
    },
  };
}

function onTerminal(args: readonly string[], env: NodeJS.ProcessEnv, cwd: string): ChildProcess {
  const command = `stty cols 120 rows 40; exec '${BUNDLES_NODE}' '${built("cli.js")}' ${args.join(" ")}`;
  return spawn("script", ["--quiet", "--flush", "--return", "--command", command, "/dev/null"], {
    cwd,
    env: { TERM: "xterm-256color", SHELL: "/bin/sh", ...env },
  });
}

async function type(
  child: ChildProcess,
  screen: () => string,
  keys: readonly (readonly [RegExp, string])[],
): Promise<void> {
  for (const [text, typed] of keys) {
    while (child.exitCode === null && !text.test(stripVTControlCharacters(screen()))) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    child.stdin?.write(typed);
  }
}

/** A home, a folder for temporary files and a working directory, all empty. */
async function ownFolders() {
  const root = await mkdtemp(join(tmpdir(), "redaction-"));
  const [home, temporary, work] = ["home", "tmp", "work"].map((name) => join(root, name)) as [
    string,
    string,
    string,
  ];
  for (const folder of [home, temporary, work]) await mkdir(folder);
  return {
    work,
    variables: { HOME: home, TMPDIR: temporary },
    /** Every name and every file is a place, and so is an empty folder. A page of HTML is a report. */
    async search(places: Places, label: string, keepsIn?: string) {
      for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
        const path = join(entry.parentPath, entry.name);
        const isKept = keepsIn !== undefined && path === join(work, keepsIn);
        if (isKept && ((await stat(path)).mode & 0o777) !== 0o600)
          throw new Error("Others may read the password");
        const text = entry.isFile() && !isKept ? await readFile(path, "latin1") : "";
        const kind = entry.name.endsWith(".html") ? "reports" : "files left behind";
        places.add(kind, label, `${relative(root, path)}\n${text}`);
      }
      await rm(root, { recursive: true, force: true });
    },
  };
}
