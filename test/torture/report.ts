/** What one module of the torture shows. */
export interface Report {
  readonly name: string;
  /** Different places of a run that were disturbed. */
  readonly points: number;
  readonly runs: number;
  readonly converged: number;
  /** Runs after which the password that opens Redis could not be read under a label of the secret. */
  readonly stranded: number;
  /** One line for each run that did not converge. */
  readonly failures: readonly string[];
}

export interface Tally {
  point(): void;
  /** `complaint`: what was not well in the end. */
  ran(what: string, complaint: string | undefined): void;
  report(name: string): Report;
}

export function createTally(): Tally {
  let points = 0;
  let runs = 0;
  let stranded = 0;
  const failures: string[] = [];
  return {
    point() {
      points += 1;
    },
    ran(what, complaint) {
      runs += 1;
      if (complaint === undefined) return;
      failures.push(`${what}: ${complaint}`);
      if (/opens? Redis/.test(complaint)) stranded += 1;
    },
    report: (name) => ({ name, points, runs, converged: runs - failures.length, stranded, failures }),
  };
}
