// The progress line of `produce` on a terminal, and the summary at the end.
// Leaves to others: counting (client/producer.ts).
import type { ProducerStats } from "../client/producer-stats.js";
import { isTalkative } from "./switches.js";
import { formatSize } from "./size.js";
import { CLEAR_LINE, writeStderr } from "./stderr.js";

const INTERVAL_MS = 250;

/** Totals so far. */
interface Progress {
  readonly records: number;
  readonly bytes: number;
}

/** Shows progress until stop() is called. */
export class ProgressLine {
  readonly #read: () => Progress;
  readonly #startedAt = performance.now();
  readonly #timer: Timer | undefined;

  constructor(read: () => Progress, isTerminal: boolean = process.stderr.isTTY === true) {
    this.#read = read;
    if (isTerminal && isTalkative()) this.#timer = setInterval(() => this.#show(), INTERVAL_MS);
  }

  get seconds(): number {
    return (performance.now() - this.#startedAt) / 1000;
  }

  stop(): void {
    if (this.#timer === undefined) return;
    clearInterval(this.#timer);
    writeStderr(CLEAR_LINE);
  }

  #show(): void {
    writeStderr(`${CLEAR_LINE}${formatProgress(this.#read(), this.seconds)}`);
  }
}

/** `1,000,000 records, 98.3 MB, 2,100,000 records/s, 206 MB/s` */
export function formatProgress(progress: Progress, seconds: number): string {
  const perSecond = (count: number): number => Math.round(count / Math.max(seconds, 0.001));
  return [
    countRecords(progress.records),
    formatSize(progress.bytes),
    `${formatCount(perSecond(progress.records))} records/s`,
    `${formatSize(perSecond(progress.bytes))}/s`,
  ].join(", ");
}

/** A summary lists up to this many partitions. */
const PARTITIONS_NAMED_MAX = 8;

/** One line: how many records were acknowledged, at which offsets and, if all were, how fast. */
export function formatSummary(
  topic: string,
  stats: ProducerStats,
  run: { readonly bytes: number; readonly seconds: number; readonly isComplete: boolean },
): string {
  const { records, acknowledgedRecords } = stats;
  const offsets = formatOffsets(stats);
  if (!run.isComplete || acknowledgedRecords < records) {
    const of = acknowledgedRecords < records ? `${formatCount(acknowledgedRecords)} of ` : "";
    return `Acknowledged ${of}${countRecords(records)} to '${topic}'${offsets}`;
  }
  if (records === 0) return `Produced no records to '${topic}'`;
  const took = `${formatSize(run.bytes)} in ${run.seconds.toFixed(2)} s`;
  return `Produced ${countRecords(records)} to '${topic}' (${took})${offsets}`;
}

function formatOffsets(stats: ProducerStats): string {
  const { partitions } = stats;
  if (partitions.length === 0) return "";
  if (partitions.length > PARTITIONS_NAMED_MAX) return `: in ${partitions.length} partitions`;
  const parts = [...partitions]
    .sort((a, b) => a.partition - b.partition)
    .map(({ partition, firstOffset, lastOffset }) =>
      firstOffset === lastOffset
        ? `partition ${partition} offset ${firstOffset}`
        : `partition ${partition} offsets ${firstOffset}-${lastOffset}`,
    );
  return `: ${parts.join(", ")}`;
}

/** `1 record`, `2,000 records` */
export function countRecords(count: number): string {
  return `${formatCount(count)} ${count === 1 ? "record" : "records"}`;
}

/** `1,000,000` */
export function formatCount(count: number): string {
  return count.toLocaleString("en-US");
}
