// Animates the visible span and the two marks: they glide for a moment instead of jumping. Pure: the caller passes the
// time. Leaves to others: drawing (row.ts).
import type { Span } from "./log-shape.js";
import { between } from "./scale.js";

const GLIDE_MS = 220;

interface Sight {
  readonly span: Span;
  readonly watermark: number;
  readonly end: number;
}

/** The transition between two sights. */
export class Glide {
  #from: Sight | undefined;
  #beganMs = 0;
  #shown: Sight | undefined;

  get shown(): Sight | undefined {
    return this.#shown;
  }

  get isMoving(): boolean {
    return this.#from !== undefined;
  }

  /** Starts a transition from what is shown now. */
  begin(nowMs: number): void {
    this.#from = this.#shown;
    this.#beganMs = nowMs;
  }

  /** Moves what is shown by some bytes: the log has lost as many from its start. */
  shift(bytes: number): void {
    this.#from = shifted(this.#from, bytes);
    this.#shown = shifted(this.#shown, bytes);
  }

  /** What to show now, in transition to `target`. */
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

function shifted(sight: Sight | undefined, bytes: number): Sight | undefined {
  if (sight === undefined) return undefined;
  const { span, watermark, end } = sight;
  return {
    span: { from: span.from - bytes, to: span.to - bytes },
    watermark: watermark - bytes,
    end: end - bytes,
  };
}
