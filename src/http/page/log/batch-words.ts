// How much of a segment a list of batches shows, in words: it must not look complete when it is not. Pure.
import { countOf, formatCount } from "../parts/format.js";

interface Listed {
  /** Batches in the list, their bytes, and the position of the first. */
  readonly count: number;
  readonly bytes: number;
  readonly first: number;
  /** Bytes of the segment. */
  readonly segmentBytes: number;
  /** Whether the list ends with the segment. */
  readonly isAtEnd: boolean;
}

export function listedWords(listed: Listed): string {
  const { count, bytes, first, segmentBytes, isAtEnd } = listed;
  if (count === 0) return segmentBytes === 0 ? "nothing written yet" : "no batch listed";
  if (first === 0 && isAtEnd) return countOf(count, "batch", "batches");
  const about = roundly((segmentBytes * count) / bytes);
  const from = first === 0 ? "" : ` from position ${formatCount(first)}`;
  return `${formatCount(count)} of about ${formatCount(Math.max(about, count + 1))} batches${from}`;
}

/** A number with two digits and zeros: it is an estimate. */
function roundly(value: number): number {
  const step = 10 ** Math.max(0, Math.floor(Math.log10(Math.max(1, value))) - 1);
  return Math.round(value / step) * step;
}
