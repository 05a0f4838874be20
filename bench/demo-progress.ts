import { Listr } from "listr2";
import type { LocalCloud } from "../test/cloud/cloud.ts";
import type { LogLine } from "../test/cloud/function-process.ts";
import { DEMO_FLEET } from "./demo-fleet.ts";

export interface Tracker {
  readonly onLog: (line: LogLine) => void;
  /** Tells of each thing that the function logs about a secret, until `end`. */
  follow(secretName: string, onLine: (line: LogLine) => void, end: Promise<unknown>): Promise<void>;
}

/** Shares the log of one function out to those who follow one secret each. */
export function trackSecrets(): Tracker {
  const followers = new Set<(line: LogLine) => void>();
  return {
    onLog: (line) => {
      for (const follower of followers) follower(line);
    },
    async follow(secretName, onLine, end) {
      await new Promise<void>((resolve, reject) => {
        // Steps name the secret by its ARN, results by its name.
        const follower = (line: LogLine) => {
          if (!String(line.secretId).includes(secretName)) return;
          onLine(line);
          if (line.msg === "result") resolve();
        };
        followers.add(follower);
        end.then(() => resolve(), reject).finally(() => followers.delete(follower));
      });
    },
  };
}

/** A line for each instance, until the run ends. */
export async function showProgress(
  cloud: LocalCloud,
  tracker: Tracker,
  title: string,
  instanceIds: readonly string[],
  run: Promise<unknown>,
): Promise<void> {
  console.log(`\n${title}\n`);
  const tasks = instanceIds.map((instanceId) => {
    const title = `${instanceId}  ${regionOf(instanceId).padEnd(15)}`;
    return {
      title,
      task: (_: unknown, task: { title: string }) =>
        tracker.follow(
          cloud.secrets.name(instanceId),
          (line) => {
            task.title = `${title}  ${describeLine(line)}`;
          },
          run,
        ),
    };
  });
  await new Listr(tasks, { concurrent: true, exitOnError: false }).run();
}

const regionOf = (instanceId: string): string =>
  DEMO_FLEET.find((instance) => instance.instanceId === instanceId)?.region ?? "";

/** What a line of the log says, in a few words. */
function describeLine(line: LogLine): string {
  switch (line.msg) {
    case "step":
      return `${line.step} done in ${line.durationMs} ms`;
    case "sent":
      return `password sent, task ${line.taskId}`;
    case "task":
      return `task ${line.taskId} ${line.state}`;
    case "result":
      return String(line.status);
    default:
      return String(line.msg);
  }
}
