/**
 * Whoever reads the output may go before its end, and a terminal may be closed. The work goes on: in the middle of a rotation
 * nothing is worse than to end. A disk that is full is a failure all the same.
 */
export function outliveReaders(exitCode: number): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", ({ code }: NodeJS.ErrnoException) => {
      if (code !== "EPIPE" && code !== "EIO" && stream === process.stdout) {
        process.once("exit", () => {
          process.exitCode = exitCode;
        });
      }
    });
  }
}
