import { exposureBars, line, marks, place, stepBars, taskBars } from "./chart.js";
import { DATA } from "./data.js";
import { axis, duration, el, since } from "./format.js";

/** @import { PageSecret } from "../report.ts" */
/** @import { Timeline } from "../timeline.ts" */
/** @import { Bar } from "./chart.js" */

export const STEPS = /** @type {const} */ (["createSecret", "setSecret", "testSecret", "finishSecret"]);

/** All that is known of one secret, at a scale of its own. @param {PageSecret} secret */
export function detail(secret) {
  const { timeline, error } = secret;
  const box = el("div", { class: "detail" });
  if (error) box.append(el("p", { class: "message" }, el("code", {}, error.code), ` ${error.message}`));
  if (timeline) box.append(lanes(timeline));
  box.append(facts(secret));
  if (timeline) box.append(happenings(timeline));
  return box;
}

/** A line for each step, each task, and the exposure window; its end, where a client was exposed, twice. @param {Timeline} timeline */
function lanes(timeline) {
  const whole = axis(timeline.fromMs, timeline.toMs, 8);
  const near = enlarged(timeline);
  const axes = near ? [whole, near] : [whole];
  const all = el("div", {
    class: near ? "lanes twice" : "lanes",
    role: "img",
    "aria-label": "The timeline, drawn; the list below tells the same",
  });
  all.append(el("span"), ...axes.map(marks), el("span"));
  /** @param {string} name @param {readonly Bar[]} bars @param {string} figure */
  const lane = (name, bars, figure) => {
    const lines = axes.map((on) => line(on, bars));
    if (near) {
      lines[0]?.prepend(place(el("i", { class: "near" }), whole, near.fromMs, near.toMs));
      lines[1]?.classList.add("near");
    }
    all.append(el("span", { class: "lane" }, name), ...lines, el("span", { class: "figure" }, figure));
  };
  const steps = stepBars(timeline);
  for (const step of STEPS) {
    const bars = steps.filter(({ kind }) => kind.startsWith(step));
    if (bars.length > 0) lane(step, bars, duration(total(bars)));
  }
  taskBars(timeline).forEach((bar, index) => {
    const { taskId, state } = timeline.tasks[index] ?? {};
    lane(`task ${taskId}`, [bar], String(state));
  });
  const exposure = exposureBars(timeline);
  if (exposure.length > 0) lane("exposure", exposure, exposureFigure(timeline));
  return all;
}

/** @param {readonly Bar[]} bars */
const total = (bars) => bars.reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0);

/** The proof, the promotion and the exposure window, where they are too short to be seen. @param {Timeline} timeline */
function enlarged({ steps, exposure, fromMs, toMs }) {
  const last = steps.filter(({ step }) => step === "testSecret" || step === "finishSecret");
  const times = last.flatMap((bar) => [bar.fromMs, bar.toMs]);
  if (exposure) times.push(exposure.fromMs ?? exposure.knownMs, exposure.toMs ?? toMs);
  if (times.length === 0) return undefined;
  const [first, end] = [Math.min(...times), Math.max(...times)];
  const marginMs = Math.max(2, (end - first) * 0.12);
  if (end - first > (toMs - fromMs) / 4) return undefined;
  return axis(first - marginMs, end + marginMs, 5, fromMs);
}

/** @param {Timeline} timeline */
function exposureFigure({ exposure }) {
  if (exposure?.toMs === undefined) return "may be open";
  return exposure.fromMs === undefined ? "not seen" : `≤ ${duration(exposure.toMs - exposure.fromMs)}`;
}

/** @param {PageSecret} secret */
function facts({ versionId, taskId, error, timeline, dueAt }) {
  /** @type {[string, string | undefined][]} */
  const known = [
    [
      "begun",
      timeline &&
        new Date(DATA.startedAt + timeline.fromMs).toISOString().replace("T", " ").replace("Z", " UTC"),
    ],
    ["version", versionId],
    ["task", taskId === undefined ? undefined : String(taskId)],
    ["due", dueAt],
    ["effect", error?.effect],
    ["request", error?.requestId],
  ];
  const list = el("dl", { class: "facts" });
  for (const [name, value] of known) {
    if (value) list.append(el("div", {}, el("dt", {}, name), el("dd", {}, value)));
  }
  return list;
}

/** What happened, in order. @param {Timeline} timeline */
function happenings({ steps, tasks, moments, exposure, fromMs: zero }) {
  /** @type {[number, string][]} */
  const lines = [];
  for (const { step, fromMs, toMs, failed } of steps) {
    lines.push([
      toMs,
      `${step} ${failed ? `failed with ${failed}` : "done"} after ${duration(toMs - fromMs)}`,
    ]);
  }
  for (const { taskId, fromMs, toMs, state, sent } of tasks) {
    lines.push([fromMs, sent ? `password sent: task ${taskId} runs` : `task ${taskId} seen`]);
    if (toMs !== undefined) lines.push([toMs, `task ${taskId} ${state}`]);
  }
  for (const { atMs, type, code, message } of moments) {
    lines.push([
      atMs,
      type === "refused" ? `refused: ${code}: ${message}` : "the pending version was released",
    ]);
  }
  if (exposure?.fromMs !== undefined)
    lines.push([exposure.fromMs, "the last look at which Redis did not take the new password"]);
  if (exposure) lines.push([exposure.knownMs, "Redis takes the new password"]);
  const list = el("ol", { class: "happenings" });
  for (const [atMs, text] of lines.sort(([a], [b]) => a - b)) {
    list.append(el("li", {}, el("span", { class: "at" }, since(atMs - zero)), text));
  }
  return list;
}
