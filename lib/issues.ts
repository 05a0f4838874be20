import * as z from "zod/mini";
import en from "zod/v4/locales/en.js";

z.config(en());

interface Issue {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/** One line that names every problem: `port: must be …; region: must be …`. Holds no value. */
export function describeIssues(issues: readonly Issue[]): string {
  return issues.map((issue) => `${issue.path.join(".") || "(whole)"}: ${issue.message}`).join("; ");
}
