// The index entries that a row draws as ticks. They are requested when another span is shown, or when the log has
// grown.
// Leaves to others: drawing them (drawing.ts), and the span (row.ts).
import { ask } from "../api.js";
import type { Ticks } from "./drawing.js";
import type { LogShape } from "./log-shape.js";
import type { Scale } from "./scale.js";
import type { IndexTicks } from "../wire.js";

/** Minimum pixels between two ticks. A span with more segments is shown without ticks. */
const TICK_PIXELS = 5;
const SEGMENTS_MAX = 40;

/** Time between two requests, in milliseconds. */
const PAUSE_MS = 1000;

export class RowTicks {
  /** The ticks known so far. */
  shown: readonly Ticks[] = [];
  readonly #topic: string;
  readonly #partition: number;
  readonly #redraw: () => void;
  #key = "";
  #dueMs = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Calls `redraw` when the ticks change, and when it is time to ask again. */
  constructor(topic: string, partition: number, redraw: () => void) {
    this.#topic = topic;
    this.#partition = partition;
    this.#redraw = redraw;
  }

  /** Requests the entries in view, unless they are known or it is too early. */
  async ask(shape: LogShape, scale: Scale): Promise<void> {
    const [first, last] = [shape.segmentAt(scale.span.from), shape.segmentAt(scale.span.to)];
    if (last - first >= SEGMENTS_MAX || !shape.isComplete) {
      this.shown = [];
      this.#key = "";
      return;
    }
    const segments = Array.from({ length: last - first + 1 }, (_, i) => shape.baseOf(first + i));
    const bases = segments.join();
    const spacing = Math.max(1, Math.round(scale.bytesPerPixel * TICK_PIXELS));
    const grown = shape.isActive(last) ? Math.floor(shape.bytes / spacing) : 0;
    const key = `${bases} ${spacing} ${grown}`;
    if (key === this.#key || this.#mustWait()) return;
    this.#key = key;
    this.#dueMs = performance.now() + PAUSE_MS;
    try {
      const query = { bases, spacing };
      this.shown = (await ask<IndexTicks>(this.#topic, this.#partition, "index", query)).segments;
      this.#redraw();
    } catch {
      this.#key = "";
    }
  }

  /** Whether it is too early to ask. If so, schedules a redraw for later. */
  #mustWait(): boolean {
    const waitMs = this.#dueMs - performance.now();
    if (waitMs <= 0) return false;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#redraw();
    }, waitMs);
    return true;
  }
}
