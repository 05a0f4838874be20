import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { IBufferCell, Terminal as TerminalType } from "@xterm/headless";
import xterm from "@xterm/headless";

interface Size {
  readonly columns: number;
  readonly rows: number;
}

/** Cells that stand beside each other and look the same. */
export interface Span {
  readonly column: number;
  readonly text: string;
  /** One of the terminal's sixteen colours; absent: the usual one. */
  readonly color?: number;
  readonly bold: boolean;
  readonly dim: boolean;
}

/** What a terminal shows from a moment on, row by row. */
export interface Screen {
  readonly atMs: number;
  readonly rows: readonly (readonly Span[])[];
}

interface Chunk {
  /** In which of the looks it is seen first. */
  readonly tick: number;
  readonly bytes: Buffer;
}

/** Screens are looked at this often: spinners turn more slowly then, and all else is there. */
const LOOK_MS = 200;
/** A screen on which nothing changes is there for so long at most: while the demo is built, for one. */
const IDLE_MS = 1_000;

/**
 * Runs a command in a pseudo-terminal, which script(1) of util-linux makes, and keeps what the terminal shows over time. The
 * command gets an environment of its own, so that nothing of this one can be seen.
 *
 * @throws Error where the command fails
 */
export async function record(command: string, size: Size): Promise<readonly Screen[]> {
  const chunks = await runInTerminal(command, size);
  const terminal = new xterm.Terminal({ cols: size.columns, rows: size.rows, allowProposedApi: true });
  const write = (data: string | Buffer) => new Promise<void>((done) => terminal.write(data, done));
  await write(`$ ${command}\r\n`);
  const screens: Screen[] = [{ atMs: 0, rows: rowsOf(terminal) }];
  let atMs = 0;
  for (const [index, { tick, bytes }] of chunks.entries()) {
    await write(bytes);
    atMs += Math.min((tick - (chunks[index - 1]?.tick ?? 0)) * LOOK_MS, IDLE_MS);
    if (chunks[index + 1]?.tick !== tick) screens.push({ atMs, rows: rowsOf(terminal) });
  }
  terminal.dispose();
  return screens;
}

async function runInTerminal(command: string, { columns, rows }: Size): Promise<readonly Chunk[]> {
  const home = await mkdtemp(join(tmpdir(), "picture-"));
  try {
    const child = spawn("script", ["-qefc", `stty cols ${columns} rows ${rows} && ${command}`, "/dev/null"], {
      env: { PATH: process.env.PATH, HOME: home, LANG: "C.UTF-8", TERM: "xterm-256color", SHELL: "/bin/sh" },
      stdio: ["ignore", "pipe", "inherit"],
    });
    const chunks: Chunk[] = [];
    const startedAt = performance.now();
    child.stdout.on("data", (bytes: Buffer) => {
      chunks.push({ tick: Math.ceil((performance.now() - startedAt) / LOOK_MS), bytes });
    });
    const code = await new Promise<number | null>((resolve, reject) => {
      child.on("error", reject);
      child.on("close", resolve);
    });
    if (code !== 0)
      throw new Error(`${command} ended with ${code}:\n${Buffer.concat(chunks.map(({ bytes }) => bytes))}`);
    return chunks;
  } finally {
    await rm(home, { recursive: true });
  }
}

function rowsOf({ buffer, rows, cols }: TerminalType): Screen["rows"] {
  const { active } = buffer;
  return Array.from({ length: rows }, (_, row) => {
    const line = active.getLine(active.viewportY + row);
    const spans: Span[] = [];
    for (let column = 0; column < cols; column += 1) {
      const cell = line?.getCell(column);
      if (cell === undefined || cell.getChars().trim() === "") continue;
      const next = spanOf(cell, column);
      const last = spans.at(-1);
      const longer = last && joined(last, next);
      if (longer) spans[spans.length - 1] = longer;
      else spans.push(next);
    }
    return spans;
  });
}

/** Bold, dim and sixteen colours are all that can be drawn. */
function spanOf(cell: IBufferCell, column: number): Span {
  const text = cell.getChars();
  const isPlain = cell.isFgDefault() || (cell.isFgPalette() && cell.getFgColor() < 16);
  if (!isPlain || !cell.isBgDefault() || cell.getWidth() !== 1) {
    throw new Error(`The picture has no way to draw "${text}" in column ${column}`);
  }
  const style = { bold: cell.isBold() !== 0, dim: cell.isDim() !== 0 };
  return { column, text, ...style, ...(!cell.isFgDefault() && { color: cell.getFgColor() }) };
}

/** What is no ASCII stands alone: its glyph may be of another font, with another width. */
function joined(last: Span, next: Span): Span | undefined {
  const gap = next.column - last.column - last.text.length;
  const isAlike = last.color === next.color && last.bold === next.bold && last.dim === next.dim;
  const areAscii = /^[ -~]+$/.test(last.text + next.text);
  if (gap > 1 || !isAlike || !areAscii) return undefined;
  return { ...last, text: last.text + " ".repeat(gap) + next.text };
}
