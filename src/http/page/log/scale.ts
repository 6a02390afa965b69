// Bytes to pixels: the visible span of a log and its width. Pure.
// Leaves to others: what is drawn (drawing.ts).
import type { Span } from "./log-shape.js";

/** The smallest span that can be zoomed to, in bytes. */
const SPAN_MIN = 256;

/** A span of a log, drawn on a number of pixels. */
export class Scale {
  readonly span: Span;
  readonly width: number;

  constructor(span: Span, width: number) {
    this.span = span;
    this.width = width;
  }

  get bytesPerPixel(): number {
    return (this.span.to - this.span.from) / Math.max(1, this.width);
  }

  x(place: number): number {
    return (place - this.span.from) / this.bytesPerPixel;
  }

  place(x: number): number {
    return this.span.from + x * this.bytesPerPixel;
  }
}

/**
 * A length with room for `bytes`, in steps of about 20 %: a log grows into it for a while before everything is redrawn
 * at another scale.
 */
export function roomFor(bytes: number): number {
  const step = 1.25;
  const least = Math.max(bytes, SPAN_MIN);
  return step ** Math.ceil(Math.log(least * 1.01) / Math.log(step));
}

/** `span` zoomed by `factor` around `place`, within a log of `bytes`. */
export function zoomed(span: Span, factor: number, place: number, bytes: number): Span {
  const length = Math.min(Math.max((span.to - span.from) * factor, SPAN_MIN), bytes);
  const part = (place - span.from) / (span.to - span.from);
  return within(place - length * part, length, bytes);
}

/** `span` moved by a fraction of its length. */
export function moved(span: Span, part: number, bytes: number): Span {
  const length = span.to - span.from;
  return within(span.from + length * part, length, bytes);
}

/** A span with some room around it. */
export function around(span: Span, bytes: number): Span {
  const length = Math.max(span.to - span.from, SPAN_MIN);
  const room = length * 0.15;
  const middle = (span.from + span.to) / 2;
  const wanted = Math.min(length + 2 * room, Math.max(bytes, SPAN_MIN));
  return within(middle - wanted / 2, wanted, Math.max(bytes, wanted));
}

/** Interpolates between two spans by `part`. */
export function between(from: Span, to: Span, part: number): Span {
  return {
    from: from.from + (to.from - from.from) * part,
    to: from.to + (to.to - from.to) * part,
  };
}

function within(from: number, length: number, bytes: number): Span {
  const start = Math.max(0, Math.min(from, bytes - length));
  return { from: start, to: start + length };
}
