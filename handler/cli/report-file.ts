import { access, constants, stat, writeFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import type { Answer } from "../../lib/ports.ts";
import { renderReport, type TimedEvent } from "../report/report.ts";
import { UsageError } from "./exit.ts";
import type { Watcher } from "./session.ts";

export interface ReportFile extends Watcher {
  /** @throws UsageError where the disk does not take it after all */
  write(answer: Answer, startedAt: number, endedAt: number): Promise<void>;
}

/**
 * Records what a command does, for a page to be written when it has ended.
 *
 * @throws UsageError where the page could not be written, before anything is done
 */
export async function openReport(path: string): Promise<ReportFile> {
  await requireWritable(path);
  const events: TimedEvent[] = [];
  return {
    onEvent: (event, at) => void events.push({ at, event }),
    async write(answer, startedAt, endedAt) {
      try {
        await writeFile(path, renderReport({ startedAt, endedAt, answer, events }));
      } catch {
        throw new UsageError(
          `--report: ${path} could not be written; the work itself is done, as the answer says`,
        );
      }
    },
  };
}

async function requireWritable(path: string): Promise<void> {
  const existing = await stat(path).catch(() => undefined);
  if (existing?.isDirectory()) throw new UsageError(`--report: ${path} is a folder: name a file`);
  try {
    await access(existing === undefined ? dirname(resolve(path)) : path, constants.W_OK);
  } catch {
    throw new UsageError(`--report: ${path} cannot be written: make its folder, or allow it`);
  }
}
