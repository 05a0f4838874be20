import { rotationsPerSecond } from "../../lib/pace.ts";
import type { Action, Answer } from "../../lib/ports.ts";
import type { Composition } from "../compose.ts";
import { fleetOf, invoke } from "../invoke.ts";
import { answerText } from "./answer-text.ts";
import { ask, mayBeTouched, previewText, questionAbout } from "./confirm.ts";
import { EXIT, exitCodeOf, NotConfirmed, UsageError } from "./exit.ts";
import { leftText } from "./left.ts";
import { canShowLive, showLive, showNothing } from "./live.ts";
import { someNames } from "./names.ts";
import { jsonText, printable, printableIn } from "./printable.ts";
import { openReport, type ReportFile } from "./report-file.ts";
import { connect, type Watcher, watched } from "./session.ts";
import { QUESTION, type Stop, stopOnSignals } from "./stop.ts";

export interface ActOptions {
  readonly store?: string;
  readonly force?: true;
  readonly json?: true;
  readonly yes?: true;
  /** Path of the page to write. */
  readonly report?: string;
}

/** A call of one of the six actions. */
interface Call {
  readonly action: Action;
  readonly secretIds: readonly string[];
  readonly force: boolean;
}

const CHANGES: ReadonlySet<Action> = new Set(["rotate", "rollback", "abandon"]);
const isPerson = () => process.stdin.isTTY === true && process.stderr.isTTY === true;

/** Does one of the six actions, for a person or for a script, and returns the exit code. */
export async function act(action: Action, names: readonly string[], options: ActOptions): Promise<number> {
  const report = options.report === undefined ? undefined : await openReport(options.report);
  try {
    const composition = await connect(options.store);
    const secretIds = await fleetOf(composition, names.length > 0 ? names : undefined);
    const call = { action, secretIds, force: options.force === true };
    const { clock } = composition.context;
    const stop = stopOnSignals(clock);
    try {
      if (!options.yes && CHANGES.has(action) && secretIds.length > 1) await confirm(composition, call, stop);
      const startedAt = clock.now();
      const answer = await run(composition, call, stop, report);
      const isReported = await written(report, answer, startedAt, clock.now());
      tellAnswer(answer, call, options, stop);
      return isReported ? exitCodeOf(answer) : EXIT.failed;
    } finally {
      stop.release();
    }
  } finally {
    await report?.close();
  }
}

/** The work is done by then, so that its answer must not be lost with the page. */
async function written(
  report: ReportFile | undefined,
  answer: Answer,
  startedAt: number,
  endedAt: number,
): Promise<boolean> {
  try {
    await report?.write(answer, startedAt, endedAt);
    return true;
  } catch {
    process.stderr.write(
      "--report: the page could not be written; the work itself is done, as the answer says\n",
    );
    return false;
  }
}

function tellAnswer(answer: Answer, { force }: Call, { json, store }: ActOptions, stop: Stop): void {
  const shown = printableIn(answer);
  process.stdout.write(json ? jsonText(answer) : answerText(shown));
  const left = leftText(shown, { force, store }, stop.isAsked);
  if (left !== undefined) process.stderr.write(left);
}

/**
 * Of a rotation only what is due is touched, so that is found out before anybody is asked. What could not be looked at may be touched
 * as well.
 *
 * @throws UsageError where nobody can be asked; NotConfirmed
 */
async function confirm(composition: Composition, call: Call, stop: Stop): Promise<void> {
  const { action, secretIds } = call;
  if (!isPerson()) {
    throw new UsageError(
      `${action} may change ${secretIds.length} secrets, and nobody can be asked here: add --yes, or name one secret`,
    );
  }
  let question = `${action} all of them?`;
  if (action === "rotate") {
    const preview = printableIn(await run(composition, { ...call, action: "plan" }, stop));
    if (preview.results.filter(mayBeTouched).length <= 1 && !stop.isAsked) return;
    process.stderr.write(previewText(preview));
    question = questionAbout(preview);
  } else {
    const lines = someNames(secretIds.map(printable)).map((name) => `  ${name}\n`);
    process.stderr.write(`${action} of ${secretIds.length} secrets:\n${lines.join("")}`);
  }
  stop.meets(QUESTION);
  const isAllowed = !stop.isAsked && (await ask(question, stop.signal));
  if (!isAllowed || stop.isAsked) throw new NotConfirmed("Nothing was touched.");
}

async function run(composition: Composition, call: Call, stop: Stop, watcher: Watcher = {}): Promise<Answer> {
  const { config, context } = composition;
  // A log on standard error would be torn by lines that move.
  const isLive = canShowLive() && config.logLevel === "silent";
  const perSecond = rotationsPerSecond(config.store, config.callsPerSecond);
  const live = isLive ? showLive(context.clock, { total: call.secretIds.length, perSecond }) : showNothing();
  stop.meets({ changes: CHANGES.has(call.action), tell: live.tell });
  try {
    const request = { kind: "driven", scheduled: false, ...call } as const;
    return await invoke(watched(composition, [live, watcher], stop.deadline), request);
  } finally {
    live.end();
  }
}
