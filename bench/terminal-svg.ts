import type { Screen, Span } from "./terminal-recording.ts";

const FONT_PX = 14;
const COLUMN_PX = 8.4;
const ROW_PX = 19;
const MARGIN_PX = 18;
/** How long the last screen stays until the first one comes again. */
const LAST_MS = 8_000;

const BACKGROUND = "#0d1117";
const FOREGROUND = "#d1d7e0";
/** The sixteen colours of a terminal, on the dark background. */
const COLORS = [
  ...["#656c76", "#f47067", "#57ab5a", "#d9a441", "#6cb6ff", "#dcbdfb", "#56d4dd", "#d1d7e0"],
  ...["#768390", "#ff938a", "#6bc46d", "#e9bd5a", "#96d0ff", "#e6d0ff", "#7ee4ec", "#f0f3f6"],
];

/**
 * What a terminal has shown, as an SVG that plays by itself, again and again. Each row is a strip of all that it ever shows, behind a window
 * of one row, and CSS moves the strip. Without animation it is the last screen. No script, no font, nothing from outside.
 */
export function drawScreens(title: string, screens: readonly Screen[]): string {
  const spans = screens.flatMap(({ rows }) => rows.flat());
  const columns = Math.max(...spans.map(({ column, text }) => column + text.length));
  const rows = Math.max(...screens.map((screen) => screen.rows.findLastIndex((row) => row.length > 0))) + 1;
  const width = Math.ceil(columns * COLUMN_PX + 2 * MARGIN_PX);
  const height = rows * ROW_PX + 2 * MARGIN_PX;
  const totalMs = (screens.at(-1)?.atMs ?? 0) + LAST_MS;
  const strips = Array.from({ length: rows }, (_, row) =>
    drawRow(
      row,
      screens.map(({ atMs, rows: all }) => ({ at: atMs / totalMs, content: drawSpans(all[row] ?? []) })),
    ),
  );
  const lines = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">`,
    `<title>${escaped(title)}</title>`,
    "<style>",
    `text{font:${FONT_PX}px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;fill:${FOREGROUND};white-space:pre}`,
    ".b{font-weight:bold}.d{opacity:.6}",
    COLORS.map((color, index) => `.c${index}{fill:${color}}`).join(""),
    `.s{animation:${totalMs}ms step-end infinite}`,
    "@media(prefers-reduced-motion:reduce){.s{animation:none}}",
    ...strips.map(({ keyframes }) => keyframes),
    "</style>",
    `<rect width="${width}" height="${height}" rx="10" fill="${BACKGROUND}"/>`,
    `<rect x=".5" y=".5" width="${width - 1}" height="${height - 1}" rx="9.5" fill="none" stroke="#3d444d"/>`,
    ...strips.map(({ strip }) => strip),
    "</svg>",
  ];
  return `${lines.filter(Boolean).join("\n")}\n`;
}

interface Moment {
  /** As a part of the whole time. */
  readonly at: number;
  readonly content: string;
}

function drawRow(
  row: number,
  moments: readonly Moment[],
): { readonly strip: string; readonly keyframes: string } {
  const changes = moments.filter(({ content }, index) => content !== moments[index - 1]?.content);
  // The last one first: where it is without animation.
  const contents = [...new Set(changes.map(({ content }) => content).reverse())];
  const window = `<svg aria-hidden="true" x="${MARGIN_PX}" y="${MARGIN_PX + row * ROW_PX}" height="${ROW_PX}">`;
  if (contents.length === 1) {
    return { strip: contents[0] === "" ? "" : `${window}${contents[0]}</svg>`, keyframes: "" };
  }
  const states = contents.map((content, index) =>
    index === 0 ? content : content && `<g transform="translate(0 ${index * ROW_PX})">${content}</g>`,
  );
  const steps = changes.map(({ at, content }) => {
    const top = contents.indexOf(content) * ROW_PX;
    return `${Number((at * 100).toFixed(2))}%{transform:translateY(${-top}px)}`;
  });
  return {
    strip: `${window}<g class="s" style="animation-name:r${row}">${states.join("")}</g></svg>`,
    keyframes: `@keyframes r${row}{${steps.join("")}}`,
  };
}

function drawSpans(spans: readonly Span[]): string {
  return spans
    .map(({ column, text, color, bold, dim }) => {
      const classes = [bold ? "b" : "", dim ? "d" : "", color === undefined ? "" : `c${color}`].filter(
        Boolean,
      );
      const named = classes.length > 0 ? ` class="${classes.join(" ")}"` : "";
      // Whatever font there is, the columns stay where they are.
      const fitted = text.length > 1 ? ` textLength="${px(text.length * COLUMN_PX)}"` : "";
      return `<text x="${px(column * COLUMN_PX)}" y="${FONT_PX}"${fitted}${named}>${escaped(text)}</text>`;
    })
    .join("");
}

const px = (value: number): number => Number(value.toFixed(1));

const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
