import type { FleetRow } from "./fleet.ts";
import { boundSeconds } from "./fleet-figures.ts";

const TITLE = "Time to rotate a fleet in one region, by its size";
const WIDTH = 800;
const HEIGHT = 420;
const MARGIN = { left: 76, right: 250, top: 44, bottom: 52 };
/** Powers of ten: secrets, and seconds. */
const X = [0, 4] as const;
const Y = [0.8, 5.8] as const;

const LINES = [
  { label: "plain loop", color: "#b45309", pick: (row: FleetRow) => row.way === "plain loop" },
  {
    label: "this function, SSM",
    color: "#0f766e",
    pick: (row: FleetRow) => row.way === "fleet" && row.store === "ssm",
  },
  {
    label: "this function, Secrets Manager",
    color: "#1d4ed8",
    pick: (row: FleetRow) => row.way === "fleet" && row.store === "aws",
  },
  {
    label: "this function, no store's limit",
    color: "#7c3aed",
    pick: (row: FleetRow) => row.way === "fleet" && row.store === "unlimited",
  },
] as const;

const x = (size: number): number => scale(Math.log10(size), X, MARGIN.left, WIDTH - MARGIN.right);
const y = (seconds: number): number => scale(Math.log10(seconds), Y, HEIGHT - MARGIN.bottom, MARGIN.top);

/** How long a fleet takes by its size, both in powers of ten, as SVG. Dashed: the bound of the TencentDB API. */
export function drawChart(rows: readonly FleetRow[]): string {
  const sizes = [...new Set(rows.map(({ size }) => size))];
  const bound = sizes.map((size) => [size, boundSeconds(size, "unlimited")] as const);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="system-ui, sans-serif" font-size="12">`,
    `<title>${TITLE}</title>`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#ffffff"/>`,
    text(MARGIN.left, 24, TITLE, 'font-size="15" fill="#111827"'),
    ...axes(),
    line(bound, "#6b7280", 'stroke-dasharray="5 4"'),
    ...LINES.flatMap(({ label, color, pick }, index) => {
      const points = rows.filter(pick).map(({ size, seconds }) => [size, seconds] as const);
      return [line(points, color), ...points.map((point) => dot(point, color)), legend(index, label, color)];
    }),
    legend(LINES.length, "bound: 20 a second, one task", "#6b7280"),
    "</svg>",
    "",
  ].join("\n");
}

function axes(): string[] {
  const grid = (x1: number, y1: number, x2: number, y2: number) =>
    `<line x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}" stroke="#e5e7eb"/>`;
  const [bottom, right] = [HEIGHT - MARGIN.bottom, WIDTH - MARGIN.right];
  const TICKS: readonly (readonly [number, string])[] = [
    [10, "10 s"],
    [60, "1 min"],
    [600, "10 min"],
    [3_600, "1 h"],
    [36_000, "10 h"],
    [360_000, "100 h"],
  ];
  return [
    ...TICKS.flatMap(([seconds, label]) => [
      grid(MARGIN.left, y(seconds), right, y(seconds)),
      text(MARGIN.left - 8, y(seconds) + 4, label, 'text-anchor="end" fill="#374151"'),
    ]),
    ...[1, 100, 1_000, 10_000].flatMap((size) => [
      grid(x(size), MARGIN.top, x(size), bottom),
      text(x(size), bottom + 20, size.toLocaleString("en"), 'text-anchor="middle" fill="#374151"'),
    ]),
    text((MARGIN.left + right) / 2, HEIGHT - 12, "secrets", 'text-anchor="middle" fill="#374151"'),
  ];
}

function line(points: readonly (readonly [number, number])[], color: string, more = ""): string {
  const path = points.map(([size, seconds]) => `${x(size).toFixed(1)},${y(seconds).toFixed(1)}`).join(" ");
  return `<polyline points="${path}" fill="none" stroke="${color}" stroke-width="2" ${more}/>`;
}

function dot([size, seconds]: readonly [number, number], color: string): string {
  return `<circle cx="${x(size).toFixed(1)}" cy="${y(seconds).toFixed(1)}" r="3.5" fill="${color}"/>`;
}

function legend(index: number, label: string, color: string): string {
  const top = MARGIN.top + 12 + index * 22;
  const left = WIDTH - MARGIN.right + 14;
  return (
    `<rect x="${left}" y="${top - 9}" width="12" height="4" fill="${color}"/>` +
    text(left + 18, top - 3, label, 'fill="#111827"')
  );
}

function text(left: number, top: number, content: string, attributes: string): string {
  return `<text x="${left.toFixed(1)}" y="${top.toFixed(1)}" ${attributes}>${content}</text>`;
}

function scale(value: number, [from, to]: readonly [number, number], start: number, end: number): number {
  return start + ((value - from) / (to - from)) * (end - start);
}
