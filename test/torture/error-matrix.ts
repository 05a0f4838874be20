import { ERRORS } from "../../lib/errors.ts";
import { isPasswordAction } from "../cloud/tencentdb/password-rules.ts";
import { record } from "./crash-matrix.ts";
import { converge, type Ending, FLOWS, type Flow } from "./flows.ts";
import { createTally, type Report } from "./report.ts";
import { STATES, type State } from "./states.ts";
import { concerns, TROUBLES, type Trouble } from "./troubles.ts";
import type { Call, Passing, World } from "./world.ts";

/** How often calls of one action meet the trouble: from one call on, and until the run ends at most. */
const EXTENTS = { once: 1, "for a while": 3, "for good": Number.POSITIVE_INFINITY } as const;
type Extent = keyof typeof EXTENTS;

/** How long a run may last, and one call that hangs beyond that. */
const REMAINING_MS = 300_000;
const OVERRUN_MS = 45_000;

export interface ErrorMatrixOptions {
  /** Of all cases, each how manyeth. Default 1: all. */
  readonly each?: number;
  readonly flows?: readonly Flow[];
}

/** Every trouble at every call of every flow, and every state from every call on. */
export async function errorMatrix({ each = 1, flows = FLOWS }: ErrorMatrixOptions = {}): Promise<Report> {
  const tally = createTally();
  let cases = 0;
  const isChosen = () => {
    cases += 1;
    return cases % each === 0;
  };
  for (const flow of flows) {
    for (const call of await record(flow, await flow.begin())) {
      tally.point();
      for (const trouble of TROUBLES) {
        if (!concerns(trouble, call, flow.api)) continue;
        for (const extent of Object.keys(EXTENTS) as Extent[]) {
          if (!isChosen()) continue;
          const what = `${flow.name}: ${trouble.name} ${extent} at ${call.action} (call ${call.index})`;
          tally.ran(what, await meet(flow, call, trouble, extent));
        }
      }
      for (const state of STATES) {
        if (state.begins === "first" && call.index > 0) continue;
        if ((state.deceives && flow.isBlind) || !isChosen()) continue;
        tally.ran(
          `${flow.name}: ${state.name} from call ${call.index} on`,
          await liveThrough(flow, call, state),
        );
      }
    }
  }
  return tally.report("error matrix");
}

/** The complaint about a run that meets a trouble, and about those that come after it; undefined where all is well. */
async function meet(flow: Flow, call: Call, trouble: Trouble, extent: Extent): Promise<string | undefined> {
  const world = await flow.begin();
  let hits = 0;
  const passing: Passing = async ({ index, port, action }, effect) => {
    const isMet =
      index >= call.index && port === call.port && action === call.action && hits < EXTENTS[extent];
    if (!isMet) return effect();
    hits += 1;
    return trouble.instead(effect);
  };
  const ending = await runOnce(flow, world, passing);
  const passwords = flow.passwords + (trouble.costsPassword && isPasswordAction(call.action) ? 1 : 0);
  return (
    ending.complaint ??
    misjudged(ending, { call, trouble, extent, hits }) ??
    (await converge(flow, world, passwords))
  );
}

async function liveThrough(flow: Flow, call: Call, state: State): Promise<string | undefined> {
  const world = await flow.begin();
  const { auth } = state;
  const passing: Passing = async ({ index, port }, effect) => {
    if (index === call.index) state.begin(world);
    return auth !== undefined && port === "probe" && index >= call.index ? auth : effect();
  };
  const { complaint, status, error } = await runOnce(flow, world, passing);
  await state.end(world);
  const gaveUp = state.isEndured && status !== "rotated" ? `it gave up: ${error?.code}` : undefined;
  return complaint ?? gaveUp ?? (await converge(flow, world));
}

async function runOnce(
  flow: Flow,
  world: World,
  passing: Passing,
): Promise<Ending & { complaint: string | undefined }> {
  const { clock } = world.rig;
  const startedAt = clock.now();
  const life = world.life({ passing, remainingMs: REMAINING_MS });
  const ending = await flow.run(world, life);
  const isLate = clock.now() - startedAt > flow.invocations * REMAINING_MS + OVERRUN_MS;
  return {
    ...ending,
    complaint:
      undocumented(world, ending) ??
      blindSend(life.calls) ??
      (isLate ? "it ran on beyond its time" : undefined),
  };
}

/** After a refusal, a lost reply or a failed task, nothing is sent before Redis and the tasks were asked again. */
function blindSend(calls: readonly Call[]): string | undefined {
  // The elder spelling is the same request once more, where the endpoint does not know the newer one.
  const sends = calls.filter(({ action }) => isPasswordAction(action) && action !== "ModfiyInstancePassword");
  const isBlind = sends.slice(1).some(({ index }, before) => {
    const between = calls.slice(sends[before]?.index, index).map(({ action }) => action);
    return !between.includes("AUTH") || !between.some((action) => action.startsWith("DescribeTask"));
  });
  return isBlind ? "a password was sent again without a look" : undefined;
}

/** What is wrong with the answer itself. */
function undocumented(world: World, { status, error }: Ending): string | undefined {
  const told = world.rig.events.map((event) => (event.type === "refused" ? event.error.message : ""));
  if (world.leaks(JSON.stringify([error, told]))) return "a password was told";
  if (status === "rotated" || (status === "in-progress" && error === undefined)) return undefined;
  if (error === undefined) return `it ended ${status} without an error`;
  if (!(error.code in ERRORS)) return `its code ${error.code} is not documented`;
  if (error.code === "Internal") return "it ended with a defect";
  return ["none", "applied", "unknown"].includes(error.effect) && error.message !== ""
    ? undefined
    : "its error says too little";
}

/** The most often that one run may try a call that keeps failing. Polls go on for as long as the run has time. */
const MOST_TRIES: Readonly<Record<Trouble["kind"], Readonly<Record<string, number>>>> = {
  passing: { "a change": 12, DescribeTaskInfo: 300, DescribeTaskList: 300, AUTH: 600 },
  // A poll that is refused while a task runs leaves the rest to AUTH. A value that is not there may come later, and so
  // may a label that was moved.
  final: { DescribeTaskInfo: 120, GetSecretValue: 48, UpdateSecretVersionStage: 4 },
};

const MOST_WAITS = 60;
const BUSY =
  /^(ResourceInUse|ResourceUnavailable\.Instance(Status|State|Locked|UnLocked)|LimitExceeded\.Repl|UnsupportedOperation\.Insp|1070[27])/;

/** Whether a passing trouble was not got over, or one for good was tried too often. */
function misjudged(
  { status, error }: Ending,
  met: { readonly call: Call; readonly trouble: Trouble; readonly extent: Extent; readonly hits: number },
): string | undefined {
  const { call, trouble, extent, hits } = met;
  const { kind, port } = trouble;
  // Where nobody can say whether the password was taken, sending it again after a look is as good as waiting.
  const isOpen = trouble.isUnheardOf === true && isPasswordAction(call.action);
  const isOfChange = isPasswordAction(call.action);
  const tried = isOfChange ? "a change" : call.action;
  // Behind another flow a run waits for as long as it has time.
  if (isOfChange && kind === "passing" && BUSY.test(trouble.name)) {
    return hits > MOST_WAITS ? `tried ${hits} times` : undefined;
  }
  const most = MOST_TRIES[isOpen ? "passing" : kind][tried] ?? (kind === "final" ? 1 : 4);
  if (hits > most) return `tried ${hits} times`;
  if (kind === "final") return undefined;
  if (port === "probe") {
    // Before anything is touched, one look that says nothing is enough to touch nothing.
    return extent === "once" && status !== "rotated" && error?.code !== "RedisUnreachable"
      ? "not got over"
      : undefined;
  }
  if (extent === "for good") return status !== "rotated" && hits < 3 ? `given up after ${hits}` : undefined;
  // The SDK of Secrets Manager gives up after three attempts.
  const isGotOver = extent === "once" || port === "controlPlane";
  return isGotOver && status !== "rotated" ? `not got over: ${error?.code}` : undefined;
}
