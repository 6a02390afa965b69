// A curve over time, with gaps where nothing is known, and the same as a table. Leaves to others: the values.
import { element, setText, svg } from "./dom.js";
import { formatClock, zoneText } from "./format.js";

interface ChartPoint {
  readonly ms: number;
  /** Null where it is not known. */
  readonly value: number | null;
}

interface ChartOptions {
  /** What the values are: `lag`. */
  readonly noun: string;
  readonly words: (value: number) => string;
}

const WIDTH = 1000;
const HEIGHT = 160;

/** Times in the table. */
const TABLE_ROWS = 13;

export class LineChart {
  readonly root = element("figure", { class: "chart" });
  readonly #options: ChartOptions;
  readonly #plot = svg("svg", {
    ...{ viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img" },
  });
  readonly #area = svg("path", { class: "area" });
  readonly #line = svg("path", { class: "line" });
  readonly #mark = svg("path", { class: "mark" });
  readonly #top = element("span", { class: "top-value" });
  readonly #from = element("span");
  readonly #said = element("span", { class: "at" });
  readonly #rows = element("tbody");
  readonly #table: HTMLDetailsElement;
  #points: readonly ChartPoint[] = [];
  #pointedAt: number | undefined;

  constructor(options: ChartOptions) {
    this.#options = options;
    this.#plot.append(this.#area, this.#line, this.#mark);
    const heads = [`Time (${zoneText()})`, options.noun].map((text) =>
      element("th", { scope: "col" }, text),
    );
    const table = element(
      "table",
      {},
      element("thead", {}, element("tr", {}, ...heads)),
      this.#rows,
    );
    this.#table = element("details", {}, element("summary", {}, "As a table"), table);
    this.#table.addEventListener("toggle", () => this.#fillTable());
    const times = element(
      "p",
      { class: "times" },
      this.#from,
      this.#said,
      element("span", {}, "now"),
    );
    this.root.append(element("div", { class: "plot" }, this.#top, this.#plot), times, this.#table);
    this.#plot.addEventListener("pointermove", (event) => {
      const { left, width } = this.#plot.getBoundingClientRect();
      this.#pointedAt = (event.clientX - left) / width;
      this.#point();
    });
    this.#plot.addEventListener("pointerleave", () => {
      this.#pointedAt = undefined;
      this.#point();
    });
  }

  /** Shows points in the order of time. */
  show(points: readonly ChartPoint[]): void {
    this.#points = points;
    const { words } = this.#options;
    const known = points.flatMap(({ value }) => (value === null ? [] : [value]));
    const top = roundedUp(Math.max(1, ...known));
    this.#line.setAttribute("d", curveOf(points, top, WIDTH, HEIGHT));
    this.#area.setAttribute("d", areaOf(points, top, WIDTH, HEIGHT));
    setText(this.#top, words(top));
    const [first] = points;
    const last = points.at(-1);
    setText(this.#from, first === undefined ? "" : `${formatClock(first.ms)} ${zoneText()}`);
    const ariaLabel = last === undefined ? "nothing is known" : this.#summary(points);
    if (this.#plot.ariaLabel !== ariaLabel) this.#plot.ariaLabel = ariaLabel;
    this.#point();
    if (this.#table.open) this.#fillTable();
  }

  #summary(points: readonly ChartPoint[]): string {
    const { noun, words } = this.#options;
    const known = points.filter((point): point is KnownPoint => point.value !== null);
    const [first] = known;
    const last = known.at(-1);
    if (first === undefined || last === undefined) return `${noun}: nothing is known`;
    const highest = known.reduce((best, point) => (point.value > best.value ? point : best));
    return (
      `${noun} from ${formatClock(first.ms)}, ${words(first.value)}, to ${formatClock(last.ms)}, ${words(last.value)}; ` +
      `highest ${words(highest.value)} at ${formatClock(highest.ms)}`
    );
  }

  /** Says what is under the pointer. */
  #point(): void {
    const at = this.#pointedAt;
    const [from, to] = [this.#points[0]?.ms, this.#points.at(-1)?.ms];
    if (at === undefined || from === undefined || to === undefined) {
      setText(this.#said, "");
      this.#mark.removeAttribute("d");
      return;
    }
    const near = nearest(this.#points, from + at * (to - from));
    const { noun, words } = this.#options;
    const value = near.value === null ? "not known" : words(near.value);
    setText(this.#said, `${formatClock(near.ms)}  ${noun} ${value}`);
    const x = to === from ? 0 : ((near.ms - from) / (to - from)) * WIDTH;
    this.#mark.setAttribute("d", `M${x.toFixed(1)} 0V${HEIGHT}`);
  }

  #fillTable(): void {
    const [from, to] = [this.#points[0]?.ms, this.#points.at(-1)?.ms];
    if (from === undefined || to === undefined) return;
    const rows = Array.from({ length: TABLE_ROWS }, (_, i) =>
      nearest(this.#points, from + ((to - from) * i) / (TABLE_ROWS - 1)),
    );
    const { words } = this.#options;
    this.#rows.replaceChildren(
      ...[...new Set(rows)].map(({ ms, value }) =>
        element(
          "tr",
          {},
          element("td", {}, formatClock(ms)),
          element("td", { class: "number" }, value === null ? "not known" : words(value)),
        ),
      ),
    );
  }
}

interface KnownPoint extends ChartPoint {
  readonly value: number;
}

/** A small curve for the cell of a table; what it shows stands beside it. */
export function spark(points: readonly ChartPoint[]): SVGSVGElement {
  const top = Math.max(1, ...points.map(({ value }) => value ?? 0));
  const plot = svg("svg", { class: "spark", viewBox: "0 0 100 20", "aria-hidden": "true" });
  plot.append(svg("path", { class: "line", d: curveOf(points, top, 100, 20) }));
  return plot;
}

/** The path of a curve, interrupted at each gap. */
function curveOf(
  points: readonly ChartPoint[],
  top: number,
  width: number,
  height: number,
): string {
  return runsOf(points, top, width, height)
    .map((run) => (run.length === 1 ? `M${run[0]}h1` : `M${run.join("L")}`))
    .join("");
}

/** The path around what is below the curve. */
function areaOf(points: readonly ChartPoint[], top: number, width: number, height: number): string {
  return runsOf(points, top, width, height)
    .filter((run) => run.length > 1)
    .map((run) => {
      const [first = "", last = ""] = [run[0], run.at(-1)].map((each) => each?.split(" ")[0]);
      return `M${first} ${height}L${run.join("L")}L${last} ${height}Z`;
    })
    .join("");
}

/** The positions of known points, a list for each run of them. */
function runsOf(
  points: readonly ChartPoint[],
  top: number,
  width: number,
  height: number,
): string[][] {
  const from = points[0]?.ms ?? 0;
  const duration = Math.max(1, (points.at(-1)?.ms ?? 0) - from);
  const runs: string[][] = [];
  let run: string[] = [];
  for (const { ms, value } of points) {
    if (value === null) {
      if (run.length > 0) runs.push(run);
      run = [];
      continue;
    }
    const x = ((ms - from) / duration) * width;
    // The line has a thickness, which must not be cut off.
    const y = height - 1 - (value / top) * (height - 2);
    run.push(`${x.toFixed(1)} ${y.toFixed(1)}`);
  }
  if (run.length > 0) runs.push(run);
  return runs;
}

/** The next of 1, 2, 5, 10, 20, … */
function roundedUp(value: number): number {
  const unit = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((factor) => factor * unit).find((each) => each >= value) ?? value;
}

function nearest(points: readonly ChartPoint[], ms: number): ChartPoint {
  return points.reduce((best, point) =>
    Math.abs(point.ms - ms) < Math.abs(best.ms - ms) ? point : best,
  );
}
