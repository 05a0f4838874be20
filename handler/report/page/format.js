/** What a line stands for: marks every so often, counted from zero. @typedef {{ fromMs: number, toMs: number, everyMs: number, zeroMs: number }} Axis */

/**
 * An element with its attributes and children. Texts stay texts.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Record<string, string | undefined>} [attributes]
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

/** @param {number} ms */
export function duration(ms) {
  if (Math.round(ms) < 1000) return `${Math.round(ms)} ms`;
  if (Math.round(ms / 100) < 600) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** @param {number} value */
export function count(value) {
  return value.toLocaleString("en").replaceAll(",", "\u202f");
}

/** A moment of the run as `+3.2 s`. @param {number} ms */
export function since(ms) {
  return `+${(ms / 1000).toFixed(ms < 60_000 ? 2 : 1)} s`;
}

/** A mark of an axis: no more digits than its distance to the next one needs. @param {number} ms @param {number} everyMs */
export function tickText(ms, everyMs) {
  if (everyMs >= 60_000) return `${Math.round(ms / 60_000)} min`;
  const digits = everyMs >= 1000 ? 0 : everyMs >= 100 ? 1 : everyMs >= 10 ? 2 : 3;
  return `${(ms / 1000).toFixed(digits)} s`;
}

const TICKS_MS = [
  1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 30_000, 60_000, 120_000, 300_000,
  600_000, 1_800_000, 3_600_000,
];

/** An axis that begins at a mark, with at most so many of them. @param {number} fromMs @param {number} toMs @param {number} marks @param {number} [zeroMs] @returns {Axis} */
export function axis(fromMs, toMs, marks, zeroMs = fromMs) {
  const spanMs = Math.max(toMs - fromMs, 5);
  const everyMs = TICKS_MS.find((ms) => spanMs / ms <= marks) ?? 7_200_000;
  const firstMs = zeroMs + Math.floor((fromMs - zeroMs) / everyMs) * everyMs;
  return { fromMs: firstMs, toMs: fromMs + spanMs, everyMs, zeroMs };
}
