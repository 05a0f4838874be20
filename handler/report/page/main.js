import { marks, rowChart } from "./chart.js";
import { DATA } from "./data.js";
import { createFilter } from "./filter.js";
import { axis, el } from "./format.js";
import { overview } from "./overview.js";
import { createRows, makeSortable } from "./table.js";

/** @import { Timeline } from "../timeline.ts" */

/** As long as the run is no longer than this many rotations, the rows can share its clock and still show their steps. */
const SHARED = 3;

document.getElementById("unscripted")?.remove();
chooseScheme();
const table = document.querySelector("table");
if (table) fill(table);

/** @param {HTMLTableElement} table */
function fill(table) {
  const { entries, toggle } = createRows();
  if (entries.length === 1) return toggle(0, true);
  const filter = createFilter(entries);
  document.getElementById("tools")?.append(filter.box);
  makeSortable(table, entries);

  /** Shows one row, whatever is filtered. @param {number} index */
  function open(index) {
    const row = entries[index]?.row;
    if (row?.hidden) filter.reset();
    toggle(index, true);
    row?.scrollIntoView({ block: "center" });
    row?.querySelector("button")?.focus({ preventScroll: true });
  }
  document.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest('a[href^="#row-"]') : null;
    if (!link) return;
    event.preventDefault();
    open(Number(link.getAttribute("href")?.slice("#row-".length)));
  });

  const timelines = DATA.secrets.flatMap(({ timeline }) => timeline ?? []);
  if (timelines.length === 0) return;
  const { usualMs, longestMs } = lengths(timelines);
  const isShared = DATA.spanMs <= SHARED * usualMs;
  // One that took far longer than the others is cut off: at its scale, they would show nothing.
  const shared = axis(0, isShared ? DATA.spanMs : Math.min(longestMs, 2 * usualMs), 6);
  for (const { row, secret } of entries) {
    const shiftMs = isShared ? 0 : (secret.timeline?.fromMs ?? 0);
    const on = { ...shared, fromMs: shared.fromMs + shiftMs, toMs: shared.toMs + shiftMs };
    if (secret.timeline) row.querySelector(".track")?.append(rowChart(secret.timeline, on));
  }
  const head = table.querySelector("th.axis");
  head?.append(el("small", {}, isShared ? "since the run began" : "since each began"), marks(shared));
  if (!isShared) document.getElementById("overview")?.append(overview(open));
}

/** How long nearly all of them took at most, and how long the longest. @param {readonly Timeline[]} timelines */
function lengths(timelines) {
  const sorted = timelines.map(({ fromMs, toMs }) => toMs - fromMs).toSorted((a, b) => a - b);
  const [usualMs = 0, longestMs = 0] = [sorted[Math.ceil(0.9 * sorted.length) - 1], sorted.at(-1)];
  return { usualMs, longestMs };
}

function chooseScheme() {
  const choice = document.querySelector("fieldset.scheme");
  choice?.removeAttribute("hidden");
  choice?.addEventListener("change", ({ target }) => {
    if (target instanceof HTMLInputElement) document.documentElement.dataset.scheme = target.value;
  });
}
