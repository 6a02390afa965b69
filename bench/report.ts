// Formats measurements as tables: for a terminal, for docs/PERFORMANCE.md, and as JSON.
// Leaves to others: measuring.
import { formatTable } from "../src/cli/table.js";
import { median, threeDigits } from "./numbers.js";

/** A column: its title, and its value for a row. */
export interface Column<Row> {
  readonly title: string;
  cell(row: Row): string | number;
}

/** A table with a title. */
export class Section {
  readonly title: string;
  readonly rows: readonly object[];
  readonly #titles: readonly string[];
  readonly #cells: readonly (readonly (string | number)[])[];

  private constructor(
    title: string,
    rows: readonly object[],
    titles: readonly string[],
    cells: readonly (readonly (string | number)[])[],
  ) {
    this.title = title;
    this.rows = rows;
    this.#titles = titles;
    this.#cells = cells;
  }

  /** A section of rows, shown by columns. */
  static of<Row extends object>(
    title: string,
    rows: readonly Row[],
    columns: readonly Column<Row>[],
  ): Section {
    const cells = rows.map((row) => columns.map((column) => column.cell(row)));
    return new Section(
      title,
      rows,
      columns.map((column) => column.title),
      cells,
    );
  }

  /** For a terminal. */
  get text(): string {
    return `\n${this.title}\n\n${formatTable(this.#titles, this.#cells)}`;
  }

  /** As Markdown. */
  get markdown(): string {
    const line = (cells: readonly (string | number)[]): string => `| ${cells.join(" | ")} |\n`;
    const rule = `|${this.#titles.map(() => "---").join("|")}|\n`;
    return `\n${this.title}\n\n${line(this.#titles)}${rule}${this.#cells.map(line).join("")}`;
  }
}

/** A bar, with its measurements. */
export interface BarRow {
  readonly what: string;
  readonly unit: string;
  /** Median over the runs, with the lowest and the highest value. */
  readonly measured: number;
  readonly lowest: number;
  readonly highest: number;
  readonly probe: number | undefined;
  /** Median of the ratios of measured value to probe, per run. */
  readonly ratio: number | undefined;
  /** Limit for the ratio, or for the measured value if there is no probe. */
  readonly bar: number;
  readonly direction: "≥" | "≤";
  readonly passed: boolean;
}

/** A row for values measured in pairs with their probe, or without one. */
export function barRow(
  what: string,
  unit: string,
  direction: "≥" | "≤",
  bar: number,
  measured: readonly number[],
  probe?: readonly number[],
): BarRow {
  const ratios = probe?.map((value, i) => (measured[i] ?? Number.NaN) / value);
  const ratio = ratios === undefined ? undefined : median(ratios);
  const judged = ratio ?? median(measured);
  return {
    what,
    unit,
    measured: median(measured),
    lowest: Math.min(...measured),
    highest: Math.max(...measured),
    probe: probe === undefined ? undefined : median(probe),
    ratio,
    bar,
    direction,
    passed: direction === "≥" ? judged >= bar : judged <= bar,
  };
}

/** A section of bars. */
export function barSection(title: string, rows: readonly BarRow[]): Section {
  return Section.of(title, rows, [
    { title: "what", cell: (row) => row.what },
    { title: "measured", cell: (row) => `${threeDigits(row.measured)} ${row.unit}` },
    {
      title: "lowest – highest",
      cell: (row) => `${threeDigits(row.lowest)} – ${threeDigits(row.highest)}`,
    },
    { title: "probe", cell: (row) => (row.probe === undefined ? "" : threeDigits(row.probe)) },
    { title: "ratio", cell: (row) => (row.ratio === undefined ? "" : row.ratio.toFixed(2)) },
    { title: "bar", cell: barOf },
    { title: "", cell: (row) => (isJudged(row) ? (row.passed ? "pass" : "miss") : "") },
  ]);
}

/** Without another program to compare with, some rows have no bar. */
function isJudged({ bar }: BarRow): boolean {
  return bar > 0 && Number.isFinite(bar);
}

function barOf(row: BarRow): string {
  if (!isJudged(row)) return "";
  return `${row.direction} ${row.bar}${row.ratio === undefined ? ` ${row.unit}` : "×"}`;
}
