import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

/** What a client says of itself, one word a line. Anything else is a failure, told in words. */
type Word = "done" | "refused" | "lost" | "read";

export interface ClientProcess {
  /** How often it has said so. */
  count(word: Word): number;
  /** All that it has said besides. */
  readonly failures: readonly string[];
  /** Until it has said it so many times more. Rejects when the process ends before. */
  more(word: Word, times: number): Promise<void>;
  /** Lets it end by itself, within 10 s. @returns its exit code, null where it had to be killed */
  end(): Promise<number | null>;
}

export function startClient(
  [program = "", ...args]: readonly string[],
  environment: Readonly<Record<string, string>>,
): ClientProcess {
  const child = spawn(program, args, {
    env: { PATH: process.env.PATH ?? "", PYTHONDONTWRITEBYTECODE: "1", ...environment },
    stdio: ["pipe", "pipe", "inherit"],
  });
  const counts: Record<Word, number> = { done: 0, refused: 0, lost: 0, read: 0 };
  const failures: string[] = [];
  const waiting = new Set<() => void>();
  const exited = once(child, "exit");
  createInterface({ input: child.stdout }).on("line", (line) => {
    if (line in counts) counts[line as Word] += 1;
    else failures.push(line);
    for (const look of waiting) look();
  });

  return {
    count: (word) => counts[word],
    failures,
    async more(word, times) {
      const goal = counts[word] + times;
      const reached = new Promise<void>((resolve) => {
        const look = () => {
          if (counts[word] < goal) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
      });
      const ended = exited.then(() => Promise.reject(new Error(`The client ended: ${failures.join("; ")}`)));
      await Promise.race([reached, ended]);
    },
    async end() {
      child.stdin.end();
      const patience = setTimeout(() => child.kill("SIGKILL"), 10_000);
      const [code] = await exited;
      clearTimeout(patience);
      return code;
    },
  };
}
