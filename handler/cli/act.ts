import { rotationsPerSecond } from "../../lib/pace.ts";
import type { Action, Answer } from "../../lib/ports.ts";
import type { Composition } from "../compose.ts";
import { fleetOf, invoke } from "../invoke.ts";
import { answerText, carryOnText } from "./answer-text.ts";
import { isAllowed, isTouched, previewText } from "./confirm.ts";
import { EXIT, exitCodeOf, UsageError } from "./exit.ts";
import { showLive, showNothing } from "./live.ts";
import { someNames } from "./names.ts";
import { openReport } from "./report-file.ts";
import { connect, type Watcher, watched } from "./session.ts";
import { type Stop, stopOnSignals } from "./stop.ts";

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
  const composition = await connect(options.store);
  const force = options.force === true;
  const secretIds = await fleetOf(composition, names.length > 0 ? names : undefined);
  const call = { action, secretIds, force };
  const report = options.report === undefined ? undefined : await openReport(options.report);
  const stop = stopOnSignals(composition.context.clock);
  try {
    if (!options.yes && CHANGES.has(action) && secretIds.length > 1) {
      if (!(await isConfirmed(composition, call, stop))) {
        process.stderr.write("Nothing was touched.\n");
        return EXIT.failed;
      }
    }
    const { clock } = composition.context;
    const startedAt = clock.now();
    const answer = await run(composition, call, stop, report);
    const endedAt = clock.now();
    process.stdout.write(options.json ? `${JSON.stringify(answer, undefined, 2)}\n` : answerText(answer));
    if (stop.isAsked && answer.summary.inProgress > 0) process.stderr.write(carryOnText(answer));
    await report?.write(answer, startedAt, endedAt);
    return exitCodeOf(answer);
  } finally {
    stop.release();
  }
}

/** Of a rotation only what is due is touched, so that is found out before anybody is asked. */
async function isConfirmed(composition: Composition, call: Call, stop: Stop): Promise<boolean> {
  const { action, secretIds } = call;
  if (!isPerson()) {
    throw new UsageError(
      `${action} may change ${secretIds.length} secrets, and nobody can be asked here: add --yes, or name one secret`,
    );
  }
  if (action !== "rotate") {
    const names = someNames(secretIds).map((name) => `  ${name}\n`);
    process.stderr.write(`${action} of ${secretIds.length} secrets:\n${names.join("")}`);
    return isAllowed(`${action} all of them?`);
  }
  const preview = await run(composition, { ...call, action: "plan" }, stop);
  if (stop.isAsked) return false;
  const touched = preview.results.filter(isTouched).length;
  if (touched <= 1) return true;
  process.stderr.write(previewText(preview));
  return isAllowed(`Rotate ${touched} secrets?`);
}

async function run(composition: Composition, call: Call, stop: Stop, watcher: Watcher = {}): Promise<Answer> {
  const { config, context } = composition;
  // A log on standard error would be torn by lines that move.
  const isLive = process.stderr.isTTY === true && config.logLevel === "silent";
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
