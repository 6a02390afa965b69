// What is on the screen on its way to what it should be: the stretch in view and the two marks move for a moment
// instead of jumping. Pure: the clock is handed in. Leaves to others: drawing it (row.ts).
import type { Span } from "./log-shape.ts";
import { between } from "./scale.ts";

const GLIDE_MS = 220;

export interface Sight {
  readonly span: Span;
  readonly watermark: number;
  readonly end: number;
}

/** The way from one sight to the next. */
export class Glide {
  #from: Sight | undefined;
  #beganMs = 0;
  #shown: Sight | undefined;

  get shown(): Sight | undefined {
    return this.#shown;
  }

  /** Whether the way is not at its end. */
  get isMoving(): boolean {
    return this.#from !== undefined;
  }

  /** Begins a way from what is shown now. */
  begin(nowMs: number): void {
    this.#from = this.#shown;
    this.#beganMs = nowMs;
  }

  /** What to show now, on the way to `target`. */
  towards(target: Sight, nowMs: number): Sight {
    const from = this.#from;
    const part = Math.max(0, Math.min(1, (nowMs - this.#beganMs) / GLIDE_MS));
    if (from === undefined || part === 1) {
      this.#from = undefined;
      this.#shown = target;
      return target;
    }
    this.#shown = {
      span: between(from.span, target.span, part),
      watermark: from.watermark + (target.watermark - from.watermark) * part,
      end: from.end + (target.end - from.end) * part,
    };
    return this.#shown;
  }
}
