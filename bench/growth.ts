// `bun run bench:growth`: how cost grows with partitions, connections, segments and the size of a log, as curves.
// Leaves to others: figures beside a probe (e2e.ts).
//
//   --only CURVES      some of: partitions, connections, segments, log
//   --points LIST      sizes of the first three curves (1,10,100,1000)
//   --log-mb LIST      sizes of the log in MB (100,300,1000,3000,10000); all of it is written, once
//   --svg DIR          writes growth-CURVE.svg there as well
//   --dir DIR          directory for the data, on a real disk
//   --json, --markdown, --tiny   as for bench:e2e
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Bench, SCALES } from "./e2e/setup.js";
import { Section } from "./report.js";
import { threeDigits } from "./numbers.js";
import { byConnections, byLogSize, byPartitions, bySegments, type Curve } from "./growth/curves.js";
import { growthOf, METRICS, svgOf, textOf } from "./growth/plot.js";

const CURVES: Readonly<Record<string, (bench: Bench, points: number[]) => Promise<Curve>>> = {
  partitions: byPartitions,
  connections: byConnections,
  segments: bySegments,
  log: byLogSize,
};

const { values } = parseArgs({
  options: {
    only: { type: "string", default: Object.keys(CURVES).join(",") },
    points: { type: "string" },
    "log-mb": { type: "string" },
    svg: { type: "string" },
    dir: { type: "string" },
    tiny: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    markdown: { type: "boolean", default: false },
  },
});

const numbers = (list: string): number[] => list.split(",").map(Number);
const points = numbers(values.points ?? (values.tiny ? "1,3" : "1,10,100,1000"));
const sizes = numbers(values["log-mb"] ?? (values.tiny ? "1,2" : "100,300,1000,3000,10000"));
const names = values.only.split(",");
const unknown = names.filter((name) => CURVES[name] === undefined);
if (unknown.length > 0 || [...points, ...sizes].some((size) => !(size > 0))) {
  console.error(`curves are ${Object.keys(CURVES).join(", ")}; sizes are numbers above 0`);
  process.exit(2);
}

using bench = new Bench(values.tiny ? SCALES.tiny : SCALES.whole, values.dir);
if (values.svg !== undefined) mkdirSync(values.svg, { recursive: true });
const curves: Curve[] = [];
for (const name of names) {
  const curve = await CURVES[name]!(bench, name === "log" ? sizes : points);
  curves.push(curve);
  if (!values.json) process.stdout.write(values.markdown ? tableOf(curve).markdown : textOf(curve));
  if (values.svg !== undefined) writeFileSync(join(values.svg, `growth-${name}.svg`), svgOf(curve));
}
if (values.json) console.log(JSON.stringify(curves, null, 2));

function tableOf(curve: Curve): Section {
  const rows = curve.points.map((point) => [
    `${point.x}`,
    ...METRICS.map(({ key }) => threeDigits(point[key])),
  ]);
  const growth = ["largest : smallest", ...METRICS.map(({ key }) => growthOf(curve, key))];
  const titles = [curve.unit, ...METRICS.map(({ title, unit }) => `${title}, ${unit}`)];
  return Section.of(
    curve.title,
    [...rows, growth],
    titles.map((title, i) => ({ title, cell: (row) => row[i] ?? "" })),
  );
}
