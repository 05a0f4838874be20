import { DATA } from "./data.js";
import { detail } from "./detail.js";
import { el } from "./format.js";

/** @import { PageSecret } from "../report.ts" */
/** @typedef {{ secret: PageSecret, row: HTMLTableRowElement, more?: HTMLTableRowElement }} Entry */

/** What a column is sorted by. @type {Record<string, (secret: PageSecret) => string | number>} */
const KEYS = {
  secret: ({ secretId }) => secretId,
  status: ({ status }) => STATUSES.indexOf(status),
  begun: ({ timeline }) => timeline?.fromMs ?? Number.POSITIVE_INFINITY,
  exposure: ({ exposureMs, timeline }) => {
    const mayBeOpen = timeline?.exposure !== undefined && timeline.exposure.toMs === undefined;
    return mayBeOpen ? Number.POSITIVE_INFINITY : (exposureMs ?? -1);
  },
  due: ({ dueAt }) => dueAt ?? "",
  took: ({ durationMs }) => durationMs,
};

/** The worst first. */
export const STATUSES = ["failed", "drift", "in-progress", "planned", "rotated", "ok", "not-due"];

/** Figures are looked at from the greatest down. */
const DOWN_FIRST = ["exposure", "took"];

/** The rows of the table, each with a button that opens it. */
export function createRows() {
  const entries = DATA.secrets.map((secret, index) => {
    const row = /** @type {HTMLTableRowElement} */ (document.getElementById(`row-${index}`));
    const name = /** @type {HTMLElement} */ (row.querySelector(".name"));
    const button = el("button", { type: "button", "aria-expanded": "false" });
    button.append(...name.childNodes);
    name.append(button);
    return /** @type {Entry} */ ({ secret, row });
  });

  /** @param {number} index @param {boolean} [wanted] */
  function toggle(index, wanted) {
    const entry = entries[index];
    if (entry === undefined) return;
    const { row, secret } = entry;
    const opens = row.classList.toggle("opened", wanted);
    if (opens && !entry.more) {
      const cell = el("td", { colspan: String(row.cells.length) }, detail(secret));
      entry.more = el("tr", { class: "more", id: `more-${index}` }, cell);
      row.after(entry.more);
    }
    const button = row.querySelector("button");
    button?.setAttribute("aria-expanded", String(opens));
    button?.setAttribute("aria-controls", `more-${index}`);
    if (entry.more) entry.more.hidden = !opens;
  }

  entries.forEach(({ row }, index) => {
    row.addEventListener("click", ({ target }) => {
      const isSelecting = getSelection()?.toString() !== "";
      if (!isSelecting || (target instanceof Element && target.closest("button"))) toggle(index);
    });
  });
  return { entries, toggle };
}

/** Makes each head of the table a button that sorts by its column. @param {HTMLTableElement} table @param {readonly Entry[]} entries */
export function makeSortable(table, entries) {
  for (const head of table.querySelectorAll("th[data-key]")) {
    const key = head.getAttribute("data-key") ?? "";
    const of = KEYS[key];
    if (of === undefined) continue;
    const button = el("button", { type: "button" });
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const before = head.getAttribute("aria-sort");
      const isDown = before === null ? DOWN_FIRST.includes(key) : before === "ascending";
      for (const other of table.querySelectorAll("th[aria-sort]")) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", isDown ? "descending" : "ascending");
      const sign = isDown ? -1 : 1;
      const sorted = entries.toSorted((a, b) => sign * compare(of(a.secret), of(b.secret)));
      table.tBodies[0]?.append(...sorted.flatMap(({ row, more }) => (more ? [row, more] : [row])));
    });
  }
}

const collator = new Intl.Collator("en", { numeric: true });

/** @param {string | number} a @param {string | number} b */
function compare(a, b) {
  if (typeof a === "number" && typeof b === "number") return a === b ? 0 : a - b;
  return collator.compare(String(a), String(b));
}
