import { createLogUpdate } from "log-update";
import type { Clock } from "../../lib/ports.ts";
import { followProgress, type ProgressOptions } from "./progress.ts";
import { progressText } from "./progress-text.ts";
import type { Watcher } from "./session.ts";

const REDRAW_MS = 100;

export interface Live extends Watcher {
  /** A line that stays, above what moves. */
  tell(text: string): void;
  /** Takes away what moves. */
  end(): void;
}

/** Shows on a terminal, on standard error, how a run is coming along. */
export function showLive(clock: Clock, options: Omit<ProgressOptions, "startedAt">): Live {
  const { stderr } = process;
  const { onEvent, onResult, at } = followProgress({ ...options, startedAt: clock.now() });
  const update = createLogUpdate(stderr, { showCursor: false });
  let isOver = false;
  const draw = () => {
    if (isOver) return;
    update(progressText(at(clock.now()), clock.now(), { columns: stderr.columns, rows: stderr.rows }));
  };
  const redraw = async () => {
    while (!isOver) {
      draw();
      await clock.sleep(REDRAW_MS);
    }
  };
  void redraw();
  return {
    ...(onEvent && { onEvent }),
    ...(onResult && { onResult }),
    tell(text) {
      update.clear();
      stderr.write(`${text}\n`);
      draw();
    },
    end() {
      isOver = true;
      update.clear();
      update.done();
    },
  };
}

/** Lines can be moved only on a terminal that knows its size. */
export function canShowLive(): boolean {
  const { isTTY, columns, rows } = process.stderr;
  return isTTY === true && columns > 0 && rows > 0;
}

/** Where there is no terminal, or a log has it for itself: only what is told. */
export function showNothing(): Live {
  return { tell: (text) => void process.stderr.write(`${text}\n`), end() {} };
}
