// A progress bar on stderr, if that is a terminal.
// Leaves to others: measuring the progress.
import { printable } from "../printable.js";
import { isTalkative } from "./switches.js";
import { formatSize } from "./size.js";
import { CLEAR_LINE, writeStderr } from "./stderr.js";

const INTERVAL_MS = 100;
const BAR_COLUMNS = 24;
const COLUMNS_DEFAULT = 80;

/** Shows how much is done. It draws only in update(). */
export class ProgressBar {
  readonly #isTerminal = process.stderr.isTTY === true && isTalkative();
  readonly #startedMs = performance.now();
  #shownMs = Number.NEGATIVE_INFINITY;
  #isShown = false;

  /** Draws the bar, unless it was drawn a moment ago. */
  update(doneBytes: number, totalBytes: number, what: string): void {
    if (!this.#isTerminal) return;
    const nowMs = performance.now();
    if (nowMs - this.#shownMs < INTERVAL_MS) return;
    this.#shownMs = nowMs;
    this.#isShown = true;
    const line = formatBar(
      doneBytes,
      totalBytes,
      (nowMs - this.#startedMs) / 1000,
      printable(what),
    );
    const columns = process.stderr.columns ?? COLUMNS_DEFAULT;
    writeStderr(`${CLEAR_LINE}${line.slice(0, columns - 1)}`);
  }

  /** Clears the bar so that a line can be printed; the next update redraws it. */
  clear(): void {
    if (!this.#isShown) return;
    this.#isShown = false;
    this.#shownMs = Number.NEGATIVE_INFINITY;
    writeStderr(CLEAR_LINE);
  }
}

/** ` 43 % [##########--------------] 1.20 GB of 2.79 GB, 1.10 GB/s, topics/orders/0/….log` */
export function formatBar(
  doneBytes: number,
  totalBytes: number,
  seconds: number,
  what: string,
): string {
  const share = totalBytes === 0 ? 1 : Math.min(1, doneBytes / totalBytes);
  const filled = Math.round(share * BAR_COLUMNS);
  const bar = "#".repeat(filled) + "-".repeat(BAR_COLUMNS - filled);
  const percent = String(Math.floor(share * 100)).padStart(3);
  const rate = formatSize(Math.round(doneBytes / Math.max(seconds, 0.001)));
  return `${percent} % [${bar}] ${formatSize(doneBytes)} of ${formatSize(totalBytes)}, ${rate}/s, ${what}`;
}
