import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { stripVTControlCharacters } from "node:util";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type LocalCloud, startCloud } from "../cloud/cloud.ts";
import { BUNDLES_NODE } from "../cloud/function-process.ts";
import { secretName } from "../cloud/secrets.ts";
import { answersOf, built, passwordAt, QUIET } from "./world.ts";

const IDS = ["crs-one", "crs-two", "crs-three"] as const;
const TASK_MS = 1_500;
const CTRL_C = "\x03";
/** What is good is green. */
const GREEN = "\x1b[32m";

let cloud: LocalCloud;

beforeAll(async () => {
  const instances = IDS.map((instanceId) => ({ instanceId, region: "ap-guangzhou" }));
  cloud = await startCloud({ instances, taskDurationMs: TASK_MS, taskTailMs: 200 });
});
afterAll(() => cloud?.close());

/** The command in a pseudo terminal, as somebody sits before it. */
function sitBefore(args: string, variables: Readonly<Record<string, string>> = {}) {
  const command = `stty cols 120 rows 40; exec '${BUNDLES_NODE}' '${built("cli.js")}' ${args}`;
  const terminal = spawn("script", ["--quiet", "--flush", "--return", "--command", command, "/dev/null"], {
    env: {
      PATH: process.env.PATH,
      TERM: "xterm-256color",
      SHELL: "/bin/sh",
      ...QUIET,
      ...cloud.environment,
      ...variables,
    },
    stdio: ["pipe", "pipe", "inherit"],
  });
  let raw = "";
  terminal.stdout.on("data", (data) => {
    raw += data;
  });
  const ended = new Promise<number | null>((resolve) => terminal.once("exit", resolve));
  return {
    ended,
    raw: () => raw,
    screen: () => stripVTControlCharacters(raw),
    /** The signal meets the command itself. */
    end: (signal: NodeJS.Signals) => {
      const children = readFileSync(`/proc/${terminal.pid}/task/${terminal.pid}/children`, "utf8");
      process.kill(Number(children.split(" ")[0]), signal);
    },
    /** As when the window is closed, or the line drops. */
    close: () => terminal.kill("SIGKILL"),
    type: (keys: string) => terminal.stdin.write(keys),
    sees: (text: RegExp) =>
      expect.poll(() => stripVTControlCharacters(raw), { timeout: 15_000, interval: 20 }).toMatch(text),
  };
}

const passwords = () => IDS.map((id) => passwordAt(cloud, id, "AWSCURRENT"));
const sends = () => cloud.tencentDb.calls.filter(({ action }) => action === "ResetPassword").length;

async function expectSound(): Promise<void> {
  for (const id of IDS) {
    expect(await answersOf(cloud, id, "no-password-of-anybody-1")).toEqual(["rejected", "accepted"]);
  }
}

describe("redis-rotation on a terminal", () => {
  let before: (string | undefined)[];
  let sentBefore: number;
  beforeEach(() => {
    before = passwords();
    sentBefore = sends();
  });

  it("asks before it rotates several secrets, and touches nothing after a no", async () => {
    const terminal = sitBefore("rotate --force");
    await terminal.sees(/3 of 3 secrets would be rotated, in about \d+ s:\s+redis\/crs-one\s/);
    await terminal.sees(/Rotate 3 secrets\?/);
    terminal.type("n");
    expect(await terminal.ended).toBe(1);
    expect(terminal.screen()).toMatch(/Nothing was touched\.\s*$/);
    expect([passwords(), sends()]).toEqual([before, sentBefore]);
  });

  it("takes Ctrl-C for a no", async () => {
    const terminal = sitBefore("rollback");
    await terminal.sees(/rollback all of them\?/);
    terminal.type(CTRL_C);
    expect(await terminal.ended).toBe(1);
    expect(passwords()).toEqual(before);
  });

  it("takes the question back when it is told to end", async () => {
    const terminal = sitBefore("rollback");
    await terminal.sees(/rollback all of them\?/);
    terminal.end("SIGTERM");
    expect(await terminal.ended).toBe(1);
    expect(passwords()).toEqual(before);
  });

  it("asks also where secrets cannot be looked at, since they may be rotated all the same", async () => {
    const [, ...others] = IDS;
    for (const instanceId of others) {
      const fault = { kind: "error", name: "AccessDeniedException" } as const;
      cloud.secretsManager.failNext("DescribeSecret", fault, { secretId: secretName(instanceId) });
    }
    const terminal = sitBefore("rotate --force");
    await terminal.sees(/2 cannot be as it looks/);
    await terminal.sees(/Rotate 1, and try the other 2 as well\?/);
    terminal.type("n");
    expect(await terminal.ended).toBe(1);
    expect(passwords()).toEqual(before);
  });

  it("sees through what has been sent also where the terminal is closed", async () => {
    const [one] = IDS;
    const terminal = sitBefore(`rotate --force ${secretName(one)}`);
    await terminal.sees(/crs-one .*task \d+ running/);
    terminal.close();
    await expect.poll(() => passwordAt(cloud, one, "AWSCURRENT"), { timeout: 15_000 }).not.toBe(before[0]);
    await expectSound();
  });

  it("shows each secret's step, a bar, and what came of it", async () => {
    const terminal = sitBefore("rotate --force");
    await terminal.sees(/Rotate 3 secrets\?/);
    terminal.type("y");
    expect(await terminal.ended).toBe(0);
    expect(terminal.screen()).toMatch(/redis\/crs-two +\d\.\d s {2}setSecret: task \d+ running/);
    expect(terminal.screen()).toMatch(/━+─+ 1\/3 {2}1 rotated, about \d+ s left/);
    expect(terminal.screen()).toMatch(/redis\/crs-three {2}rotated .*\s+3 secrets: 3 rotated\s*$/);
    expect(terminal.raw()).toContain(GREEN);
    expect(passwords().filter((password, index) => password === before[index])).toEqual([]);
    await expectSound();
  });

  it("has no colours with NO_COLOR", async () => {
    const terminal = sitBefore("status", { NO_COLOR: "1" });
    expect(await terminal.ended).toBe(0);
    expect(terminal.screen()).toMatch(/3 secrets: /);
    expect(terminal.raw()).not.toContain(GREEN);
  });

  it("draws nothing over a log that goes to the same terminal", async () => {
    const terminal = sitBefore("status", { LOG_LEVEL: "info" });
    expect(await terminal.ended).toBe(0);
    expect(terminal.screen()).toMatch(/"msg":"result"/);
    expect(terminal.screen()).not.toMatch(/─/);
  });

  it("begins nothing more after Ctrl-C, sees through what has been sent, and says how to carry on", async () => {
    const terminal = sitBefore("rotate --force --yes");
    await terminal.sees(/task \d+ running/);
    terminal.type(CTRL_C);
    expect(await terminal.ended).toBe(3);
    expect(terminal.screen()).toMatch(/Stopping\. What has been sent to Redis is seen through/);
    expect(terminal.screen()).toMatch(
      /3 secrets: (?=.*1 rotated)(?=.*2 in-progress).*\s+Do this for what is left, .*\s+redis-rotation rotate --force --yes redis\/crs-\w+ redis\/crs-\w+\s/,
    );
    expect(sends()).toBe(sentBefore + 1);
    expect(passwords().filter((password, index) => password === before[index])).toHaveLength(2);
    await expectSound();
  });

  it("leaves a task behind after Ctrl-C twice, and carries on with it without sending again", async () => {
    const [one] = IDS;
    const terminal = sitBefore(`rotate --force ${secretName(one)}`);
    await terminal.sees(/crs-one .*task \d+ running/);
    terminal.type(CTRL_C);
    await terminal.sees(/Ctrl-C again/);
    terminal.type(CTRL_C);
    expect(await terminal.ended).toBe(3);
    expect(terminal.screen()).toMatch(/crs-one {2}in-progress .*\s+InProgress: .* while waiting for task/);
    expect(await sitBefore(`rotate ${secretName(one)}`).ended).toBe(0);
    expect(sends()).toBe(sentBefore + 1);
    await expectSound();
  });
});
