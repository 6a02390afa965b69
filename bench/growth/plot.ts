// Curves as text for a terminal, and as plain SVG for a document.
// Leaves to others: measuring (curves.ts).
import { threeDigits } from "../numbers.js";
import type { Curve, Point } from "./curves.js";

/** The metrics of a curve, with their titles. */
export const METRICS = [
  { key: "startMs", title: "start to ready", unit: "ms" },
  { key: "memoryMiB", title: "RssAnon", unit: "MiB" },
  { key: "throughput", title: "produce", unit: "MB/s" },
  { key: "lookupUs", title: "fetch at a random old offset", unit: "µs" },
] as const;

type MetricKey = (typeof METRICS)[number]["key"];

const BAR_CELLS = 40;

/** How a metric grew from the smallest to the largest size, in words. */
export function growthOf(curve: Curve, key: MetricKey): string {
  const [first, last] = [curve.points[0], curve.points.at(-1)];
  if (first === undefined || last === undefined) return "";
  return `× ${threeDigits(last[key] / first[key])} for × ${last.x / first.x}`;
}

/** A bar for each point, under the name of each metric. */
export function textOf(curve: Curve): string {
  const width = Math.max(...curve.points.map(({ x }) => `${x}`.length));
  const blocks = METRICS.map(({ key, title, unit }) => {
    const highest = highestOf(curve.points, key);
    const lines = curve.points.map((point) => {
      const bar = "█".repeat(Math.max(1, Math.round((point[key] / highest) * BAR_CELLS)));
      return `  ${`${point.x}`.padStart(width)} ${bar} ${threeDigits(point[key])}\n`;
    });
    return `  ${title}, ${unit}: ${growthOf(curve, key)}\n${lines.join("")}`;
  });
  return `\n${curve.title} (${curve.unit})\n\n${blocks.join("\n")}`;
}

const PANEL = { width: 230, height: 170, left: 46, right: 14, top: 34, bottom: 30 };

/** Four panels side by side: x is logarithmic, y starts at 0. */
export function svgOf(curve: Curve): string {
  const width = PANEL.width * METRICS.length;
  const panels = METRICS.map((metric, i) => panelOf(curve, metric, i * PANEL.width));
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${PANEL.height + 20}" font-family="sans-serif" font-size="10">
<title>${curve.title}</title>
<rect width="100%" height="100%" fill="#fff"/>
<text x="8" y="14" font-size="12" font-weight="bold">${curve.title} (${curve.unit})</text>
<g transform="translate(0 20)">
${panels.join("\n")}
</g>
</svg>
`;
}

function panelOf(curve: Curve, metric: (typeof METRICS)[number], left: number): string {
  const { points } = curve;
  const { key, title, unit } = metric;
  const [plotWidth, plotHeight] = [
    PANEL.width - PANEL.left - PANEL.right,
    PANEL.height - PANEL.top - PANEL.bottom,
  ];
  const [from, to] = [Math.log(points[0]?.x ?? 1), Math.log(points.at(-1)?.x ?? 1)];
  const highest = highestOf(points, key);
  const xOf = (x: number): number =>
    left + PANEL.left + (to > from ? (Math.log(x) - from) / (to - from) : 0.5) * plotWidth;
  const yOf = (y: number): number => PANEL.top + (1 - y / highest) * plotHeight;
  const at = (point: Point): string => `${xOf(point.x).toFixed(1)},${yOf(point[key]).toFixed(1)}`;
  const zero = PANEL.top + plotHeight;
  const axis = (x: number): string => x.toFixed(1);
  return [
    `<text x="${left + 8}" y="${PANEL.top - 14}">${title}, ${unit}</text>`,
    `<path d="M${axis(left + PANEL.left)} ${PANEL.top}V${zero}h${plotWidth}" fill="none" stroke="#999"/>`,
    `<text x="${left + PANEL.left - 4}" y="${PANEL.top + 4}" text-anchor="end">${threeDigits(highest)}</text>`,
    `<text x="${left + PANEL.left - 4}" y="${zero}" text-anchor="end">0</text>`,
    ...points.map(
      ({ x }) => `<text x="${axis(xOf(x))}" y="${zero + 14}" text-anchor="middle">${x}</text>`,
    ),
    `<polyline points="${points.map(at).join(" ")}" fill="none" stroke="#06c" stroke-width="1.5"/>`,
    ...points.map((point) => {
      const [x, y] = at(point).split(",");
      return `<circle cx="${x}" cy="${y}" r="2.5" fill="#06c"/>`;
    }),
  ].join("\n");
}

function highestOf(points: readonly Point[], key: MetricKey): number {
  return Math.max(...points.map((point) => point[key]), Number.MIN_VALUE);
}
