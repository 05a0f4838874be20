import { type FileHandle, open, unlink } from "node:fs/promises";
import type { Answer } from "../../lib/ports.ts";
import { renderReport, type TimedEvent } from "../report/report.ts";
import { UsageError } from "./exit.ts";
import type { Watcher } from "./session.ts";

/** How every report begins. What begins otherwise is somebody's, and is not written over. */
const BEGINNING = "<!doctype html>";

export interface ReportFile extends Watcher {
  write(answer: Answer, startedAt: number, endedAt: number): Promise<void>;
  /** Leaves no empty file behind where nothing was written. */
  close(): Promise<void>;
}

/**
 * Records what a command does, for a page to be written when it has ended. The file is opened before anything is done.
 *
 * @throws UsageError where it is no path for a page, cannot be written, or is something else than a report
 */
export async function openReport(path: string): Promise<ReportFile> {
  // The name of a secret, where the path was forgotten, has no such ending.
  if (!/\.html?$/i.test(path)) throw new UsageError(`--report: "${path}" must be the path of an .html file`);
  const { file, isNew } = await openFile(path);
  const events: TimedEvent[] = [];
  let isWritten = false;
  return {
    onEvent: (event, at) => void events.push({ at, event }),
    async write(answer, startedAt, endedAt) {
      await file.truncate();
      await file.write(renderReport({ startedAt, endedAt, answer, events }), 0);
      isWritten = true;
    },
    async close() {
      await file.close();
      if (isNew && !isWritten) await unlink(path);
    },
  };
}

async function openFile(path: string): Promise<{ readonly file: FileHandle; readonly isNew: boolean }> {
  try {
    return { file: await open(path, "wx"), isNew: true };
  } catch (error) {
    if (codeOf(error) !== "EEXIST") throw cannotWrite(path, error);
  }
  const file = await open(path, "r+").catch((error: unknown) => {
    throw cannotWrite(path, error);
  });
  const { buffer } = await file.read(Buffer.alloc(BEGINNING.length), 0, BEGINNING.length, 0);
  if (buffer.toString() === BEGINNING) return { file, isNew: false };
  await file.close();
  throw new UsageError(`--report: ${path} is there already and is no report: name another file`);
}

function cannotWrite(path: string, error: unknown): UsageError {
  return new UsageError(`--report: ${path} cannot be written (${codeOf(error)}): name another file`);
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "unknown";
}
