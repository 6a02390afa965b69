// The index entries that a row draws as ticks. They are requested when another span is shown, and again and again while
// the log grows. Pure: the caller passes the time, and is told when to call again.
// Leaves to others: drawing them (drawing.ts), and the span (row.ts).
import type { Ticks } from "./drawing.js";
import type { LogShape } from "./log-shape.js";
import type { Scale } from "./scale.js";
import type { IndexTicks } from "./log-wire.js";

/** Minimum pixels between two ticks. A span with more segments is shown without ticks. */
const TICK_PIXELS = 5;
const SEGMENTS_MAX = 40;

/** Time between two requests of a row, in milliseconds: if the log has grown, and if another span is shown. */
const GROWN_MS = 1000;
const MOVED_MS = 150;

/** Time between two requests of any rows because a log has grown: with many rows, each asks more seldom. */
const ANY_GROWN_MS = 250;

/** When the rows of a page may ask next because their logs have grown. */
export class TicksPace {
  #freeMs = Number.NEGATIVE_INFINITY;

  /** Takes a turn, at this time or later. Returns when it is. */
  take(fromMs: number): number {
    const turnMs = Math.max(fromMs, this.#freeMs);
    this.#freeMs = turnMs + ANY_GROWN_MS;
    return turnMs;
  }
}

interface TicksHost {
  ask(query: Readonly<Record<string, string | number>>): Promise<IndexTicks>;
  /** The ticks have changed, or `update` is to be called again in `inMs` milliseconds. */
  redraw(inMs: number): void;
}

export class RowTicks {
  /** The ticks known so far. */
  shown: readonly Ticks[] = [];
  readonly #host: TicksHost;
  readonly #pace: TicksPace;
  /** The turn that was taken for the next request because the log has grown. */
  #turnMs: number | undefined;
  /** What `shown` was requested for: the span, and how far the log had grown in it. */
  #view = "";
  #grown = 0;
  #askedMs = Number.NEGATIVE_INFINITY;
  #isAsking = false;

  constructor(host: TicksHost, pace: TicksPace) {
    this.#host = host;
    this.#pace = pace;
  }

  /** Requests the entries in the span of `scale`, unless they are known or it is too early. */
  update(shape: LogShape, scale: Scale, nowMs: number): void {
    const [first, last] = [shape.segmentAt(scale.span.from), shape.segmentAt(scale.span.to)];
    if (last - first >= SEGMENTS_MAX) {
      this.shown = [];
      this.#view = "";
      return;
    }
    const bases: number[] = [];
    for (let i = first; i <= last; i++) if (!shape.isGap(i)) bases.push(shape.baseOf(i));
    const spacing = Math.max(1, Math.round(scale.bytesPerPixel * TICK_PIXELS));
    const from = Math.max(0, Math.floor(scale.span.from - shape.startOf(first)));
    const to = Math.max(0, Math.ceil(scale.span.to - shape.startOf(last)));
    const query = { bases: bases.join(), spacing, from: shape.isGap(first) ? 0 : from, to };
    const grown = shape.isActive(last) ? Math.floor(shape.bytes / spacing) : 0;
    const view = `${query.bases} ${spacing} ${query.from} ${to}`;
    if (this.#isAsking || (view === this.#view && grown === this.#grown)) return;
    let dueMs = this.#askedMs + MOVED_MS;
    if (view === this.#view) {
      this.#turnMs ??= this.#pace.take(Math.max(nowMs, this.#askedMs + GROWN_MS));
      dueMs = this.#turnMs;
    }
    if (nowMs < dueMs) {
      this.#host.redraw(dueMs - nowMs);
      return;
    }
    this.#turnMs = undefined;
    this.#askedMs = nowMs;
    this.#view = view;
    this.#grown = grown;
    void this.#ask(query);
  }

  async #ask(query: Readonly<Record<string, string | number>>): Promise<void> {
    this.#isAsking = true;
    try {
      this.shown = (await this.#host.ask(query)).segments;
      this.#host.redraw(0);
    } catch {
      // Many rows ask at once: it may be too busy. If the topic is gone, so is the row.
      this.#view = "";
      this.#host.redraw(GROWN_MS);
    } finally {
      this.#isAsking = false;
    }
  }
}
