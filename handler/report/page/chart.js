import { DATA } from "./data.js";
import { duration, el, tickText } from "./format.js";

/** @import { Timeline } from "../timeline.ts" */
/** @import { Axis } from "./format.js" */

/** @typedef {{ fromMs: number, toMs: number, kind: string, label: string }} Bar */

/** Puts a box on a line that stands for an axis. What lies beyond the axis is cut off by the line. @param {HTMLElement} box @param {Axis} on @param {number} fromMs @param {number} [toMs] */
export function place(box, on, fromMs, toMs) {
  const share = (/** @type {number} */ ms) =>
    `${((100 * (ms - on.fromMs)) / (on.toMs - on.fromMs)).toFixed(3)}%`;
  box.style.left = share(fromMs);
  if (toMs !== undefined) box.style.width = share(on.fromMs + toMs - fromMs);
  return box;
}

/** A line of bars over the marks of an axis. @param {Axis} on @param {readonly Bar[]} bars */
export function line(on, bars) {
  const track = el("div", { class: "line" });
  track.style.setProperty("--every", `${(100 * on.everyMs) / (on.toMs - on.fromMs)}%`);
  for (const { fromMs, toMs, kind, label } of bars) {
    track.append(place(el("i", { class: kind, title: label }), on, fromMs, toMs));
  }
  return track;
}

/** The marks of an axis in words. @param {Axis} on */
export function marks(on) {
  const scale = el("div", { class: "marks", "aria-hidden": "true" });
  for (let ms = on.fromMs; ms < on.toMs - on.everyMs * 0.4; ms += on.everyMs) {
    scale.append(place(el("span", {}, tickText(ms - on.zeroMs, on.everyMs)), on, ms));
  }
  return scale;
}

/** @param {Timeline} timeline @returns {Bar[]} */
export function stepBars({ steps }) {
  return steps.map(({ step, fromMs, toMs, failed }) => ({
    fromMs,
    toMs,
    kind: failed ? `${step} broken` : step,
    label: `${step} ${failed ? `failed with ${failed} after` : "took"} ${duration(toMs - fromMs)}`,
  }));
}

/** @param {Timeline} timeline @returns {Bar[]} */
export function taskBars({ tasks, toMs: endMs }) {
  return tasks.map(({ taskId, fromMs, toMs = endMs, state }) => ({
    fromMs,
    toMs,
    kind: `task ${state}`,
    label: `task ${taskId} ${state}, seen for ${duration(toMs - fromMs)}`,
  }));
}

/** @param {Timeline} timeline @returns {Bar[]} */
export function exposureBars({ exposure }) {
  if (exposure === undefined) return [];
  const { fromMs, knownMs, toMs = DATA.spanMs } = exposure;
  const isOpen = exposure.toMs === undefined;
  const kind = isOpen ? "exposure maybe unended" : fromMs === undefined ? "exposure maybe" : "exposure";
  const known = { fromMs: knownMs, toMs, kind, label: exposureText(exposure) };
  if (fromMs === undefined || fromMs === knownMs) return [known];
  return [{ fromMs, toMs: knownMs, kind: "exposure maybe", label: exposureText(exposure) }, known];
}

/** @param {NonNullable<Timeline["exposure"]>} exposure */
function exposureText({ fromMs, toMs }) {
  if (toMs === undefined) return "exposed, it may be, when this run ended";
  return fromMs === undefined
    ? "exposed since before this run first looked"
    : `exposed for at most ${duration(toMs - fromMs)}`;
}

/** One rotation on one row: steps, task, exposure. @param {Timeline} timeline @param {Axis} on */
export function rowChart(timeline, on) {
  const bars = [stepBars(timeline), taskBars(timeline), exposureBars(timeline)];
  const label = bars.flat().map((bar) => bar.label);
  const isCut = timeline.toMs > on.toMs;
  return el(
    "div",
    {
      class: isCut ? "chart cut" : "chart",
      role: "img",
      "aria-label": [...new Set(label)].join(", "),
    },
    ...bars.map((each) => line(on, each)),
  );
}
