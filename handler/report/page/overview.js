import { exposureBars, line, marks, stepBars } from "./chart.js";
import { DATA } from "./data.js";
import { STEPS } from "./detail.js";
import { axis, duration, el, since } from "./format.js";

const SVG = "http://www.w3.org/2000/svg";

/** @param {string} tag @param {Record<string, string | number>} attributes @param {...Node} children */
function svg(tag, attributes, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(...children);
  return element;
}

/**
 * The whole run by the clock: a line for each rotation, in the order in which they began. One path for each colour, so that
 * thousands of them cost the browser little.
 * @param {(index: number) => void} open
 */
export function overview(open) {
  const begun = DATA.secrets
    .map((secret, index) => ({ ...secret, index }))
    .filter((secret) => secret.timeline !== undefined)
    .sort((a, b) => (a.timeline?.fromMs ?? 0) - (b.timeline?.fromMs ?? 0));
  const on = axis(0, DATA.spanMs, 12);
  const leastMs = (on.toMs - on.fromMs) / 500;
  const heightPx = Math.min(400, Math.max(120, begun.length));
  const leastRows = begun.length / heightPx;
  const gap = leastRows < 0.5 ? 0.1 : 0;
  /** @type {Map<string, string>} */
  const paths = new Map();
  begun.forEach(({ timeline }, row) => {
    if (timeline === undefined) return;
    for (const { fromMs, toMs, kind } of [...stepBars(timeline), ...exposureBars(timeline)]) {
      const color = kind.includes("broken") ? "broken" : (kind.split(" ")[0] ?? "");
      const width = Math.max(toMs - fromMs, leastMs);
      // What went wrong is seen also where a rotation is less than a pixel high.
      const isFlaw = color === "broken" || kind.includes("unended");
      const height = isFlaw ? Math.max(1, leastRows) : 1 - 2 * gap;
      paths.set(color, `${paths.get(color) ?? ""}M${fromMs} ${row + gap}h${width}v${height}h${-width}z`);
    }
  });
  // What matters most is drawn last.
  const order = [...STEPS, "exposure", "broken"].filter((color) => paths.has(color));
  const drawing = svg(
    "svg",
    {
      viewBox: `${on.fromMs} 0 ${on.toMs - on.fromMs} ${begun.length}`,
      preserveAspectRatio: "none",
      role: "img",
      "aria-label": `${begun.length} rotations in the order in which they began; the table tells of each`,
    },
    ...order.map((color) => svg("path", { class: color, d: paths.get(color) ?? "" })),
  );
  const frame = line(on, []);
  frame.classList.add("frame");
  frame.style.height = `${heightPx}px`;
  frame.append(drawing);
  const pointed = el("p", { class: "pointed" }, OVERVIEW_HINT);
  const at = (/** @type {MouseEvent} */ { clientY }) => {
    const { top, height } = frame.getBoundingClientRect();
    return begun[
      Math.min(
        begun.length - 1,
        Math.max(0, Math.floor(((Math.floor(clientY) - top) / height) * begun.length)),
      )
    ];
  };
  frame.addEventListener("pointermove", (event) => {
    const secret = at(event);
    if (secret?.timeline === undefined) return;
    const { fromMs, toMs } = secret.timeline;
    pointed.textContent = `${secret.secretId}: ${secret.status}, begun at ${since(fromMs)}, ${duration(toMs - fromMs)}`;
  });
  frame.addEventListener("pointerleave", () => {
    pointed.textContent = OVERVIEW_HINT;
  });
  frame.addEventListener("click", (event) => open(at(event)?.index ?? 0));
  return el("div", { class: "overview" }, el("h3", {}, "The run by the clock"), frame, marks(on), pointed);
}

const OVERVIEW_HINT =
  "Each line is a rotation, the first on top. Point at one to see which; a click opens it.";
