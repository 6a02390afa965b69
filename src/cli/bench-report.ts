// The report of a load: one line per second while it runs, then a summary with percentiles and a histogram.
// Leaves to others: the loads (bench-produce.ts, bench-consume.ts) and the counting (latency-histogram.ts).
import { printable } from "../printable.js";
import { LatencyHistogram } from "./latency-histogram.js";
import { writeJson, writeText } from "./output.js";
import { countRecords, formatCount } from "./progress.js";
import { printNote } from "./quiet.js";
import { isTalkative } from "./switches.js";
import { formatSize } from "./size.js";
import { formatTable } from "./table.js";
import { CLEAR_LINE, writeStderr } from "./stderr.js";

const INTERVAL_MS = 1_000;
const PERCENTILES = [50, 95, 99, 99.9] as const;
const BAR_WIDTH = 40;

/** Counts what a load does and reports it. Create it when the load starts. */
export class LoadReport {
  readonly #beganMs = performance.now();
  readonly #timer: Timer;
  readonly #isTerminal = process.stderr.isTTY === true && isTalkative();
  readonly #all = new LatencyHistogram();
  #interval = new LatencyHistogram();
  #intervalBeganMs = this.#beganMs;
  #intervalRecords = 0;
  #intervalBytes = 0;
  #endedMs: number | undefined;
  #records = 0;
  #bytes = 0;

  constructor() {
    this.#timer = setInterval(() => this.#showInterval(), INTERVAL_MS);
  }

  addRecords(records: number, bytes: number): void {
    this.#records += records;
    this.#bytes += bytes;
    this.#intervalRecords += records;
    this.#intervalBytes += bytes;
  }

  /** Adds a latency in milliseconds, `count` times. */
  addLatency(ms: number, count = 1): void {
    this.#interval.add(ms, count);
  }

  /** Stops the clock and the progress lines. */
  end(): void {
    if (this.#endedMs !== undefined) return;
    this.#endedMs = performance.now();
    clearInterval(this.#timer);
    if (this.#isTerminal) writeStderr(CLEAR_LINE);
    this.#all.addAll(this.#interval);
  }

  /** Prints the summary; call `end` first. `of` names what was moved, `latencyOf` what a latency measures. */
  async print(
    words: { readonly of: string; readonly latencyOf: string },
    isJson: boolean,
  ): Promise<void> {
    const seconds = Math.max(0.001, ((this.#endedMs ?? performance.now()) - this.#beganMs) / 1_000);
    if (isJson) await writeJson(this.#summary(seconds));
    else await writeText(this.#text(words, seconds));
  }

  #summary(seconds: number) {
    const all = this.#all;
    return {
      records: this.#records,
      bytes: this.#bytes,
      seconds,
      recordsPerSecond: this.#records / seconds,
      bytesPerSecond: this.#bytes / seconds,
      latencyMs: {
        ...Object.fromEntries(PERCENTILES.map((p) => [`p${p}`, all.percentile(p)])),
        max: all.maxMs,
        mean: all.meanMs,
        count: all.count,
      },
      histogram: all.ranges(),
    };
  }

  #text(
    { of, latencyOf }: { readonly of: string; readonly latencyOf: string },
    seconds: number,
  ): string {
    const rate = formatCount(Math.round(this.#records / seconds));
    const size = formatSize(Math.round(this.#bytes / seconds));
    const total = `${countRecords(this.#records)} ${printable(of)} in ${seconds.toFixed(2)} s: ${rate} records/s, ${size}/s\n`;
    const all = this.#all;
    if (all.count === 0) return total;
    const header = [...PERCENTILES.map((p) => `p${p}`), "max", "mean"];
    const values = [...PERCENTILES.map((p) => all.percentile(p)), all.maxMs, all.meanMs];
    const percentiles = formatTable(
      header.map((name, i) => name.padStart(formatMs(values[i] ?? 0).length)),
      [values.map((value, i) => formatMs(value).padStart(header[i]?.length ?? 0))],
    );
    return `${total}\n${latencyOf}, in ms:\n${indented(percentiles)}\n${indented(bars(all))}`;
  }

  #showInterval(): void {
    const nowMs = performance.now();
    const seconds = (nowMs - this.#intervalBeganMs) / 1_000;
    const latency = this.#interval;
    const line = [
      countRecords(this.#records),
      `${formatCount(Math.round(this.#intervalRecords / seconds))} records/s`,
      `${formatSize(Math.round(this.#intervalBytes / seconds))}/s`,
      `${formatMs(latency.meanMs)} ms mean`,
      `${formatMs(latency.maxMs)} ms max`,
    ].join(", ");
    if (this.#isTerminal) writeStderr(`${CLEAR_LINE}${line}`);
    else printNote(line);
    this.#all.addAll(latency);
    this.#interval = new LatencyHistogram();
    this.#intervalBeganMs = nowMs;
    this.#intervalRecords = 0;
    this.#intervalBytes = 0;
  }
}

/** One bar per range, scaled to the fullest one. A range that is not empty always gets a bar. */
function bars(histogram: LatencyHistogram): string {
  const ranges = histogram.ranges();
  const most = Math.max(...ranges.map(({ count }) => count));
  const from = ranges.map(({ fromMs }) => formatMs(fromMs));
  const to = ranges.map(({ toMs }) => formatMs(toMs));
  const counts = ranges.map(({ count }) => formatCount(count));
  const [fromWidth, toWidth, countWidth] = [from, to, counts].map((column) =>
    Math.max(...column.map((cell) => cell.length)),
  );
  return ranges
    .map(({ count }, i) => {
      const bar = "█".repeat(Math.ceil((count / most) * BAR_WIDTH));
      const range = `${from[i]?.padStart(fromWidth ?? 0)} to ${to[i]?.padStart(toWidth ?? 0)}`;
      return `${range}  ${counts[i]?.padStart(countWidth ?? 0)}  ${bar}`.trimEnd();
    })
    .map((line) => `${line}\n`)
    .join("");
}

/** Milliseconds with three significant digits: 0.042, 1.23, 12.3, 123. */
function formatMs(ms: number): string {
  if (ms >= 99.95) return ms.toFixed(0);
  if (ms >= 9.995) return ms.toFixed(1);
  return ms >= 0.9995 ? ms.toFixed(2) : ms.toFixed(3);
}

function indented(text: string): string {
  return text.replace(/^(?=.)/gm, "  ");
}
