// Remembers which parts of a sealed segment have passed their CRC checks since the process started, so that each batch
// is checked only once. Leaves to others: the check itself (segment-lookup.ts).

import { firstNotBefore } from "../../binary-search.js";

/** Maximum number of ranges. A segment read at more places has some of them checked again. */
const RANGES_MAX = 256;

/** Disjoint ranges of positions, in ascending order: `starts[i] ≤ ends[i] < starts[i + 1]`. */
export class VerifiedRanges {
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];

  /** End of the verified range that contains `position`; `position` itself if there is none. */
  verifiedFrom(position: number): number {
    const i = this.#lastAtOrBelow(position);
    return i < 0 ? position : Math.max(position, this.#ends[i]!);
  }

  /** Adds a range, which must begin and end at batch boundaries. */
  add(start: number, end: number): void {
    let from = start;
    let to = end;
    let i = this.#lastAtOrBelow(start);
    if (i >= 0 && this.#ends[i]! >= start) {
      from = this.#starts[i]!;
      to = Math.max(to, this.#ends[i]!);
    } else i++;
    let last = i;
    while (last < this.#starts.length && this.#starts[last]! <= to) {
      to = Math.max(to, this.#ends[last]!);
      last++;
    }
    this.#starts.splice(i, last - i, from);
    this.#ends.splice(i, last - i, to);
    if (this.#starts.length > RANGES_MAX) this.#dropShortest();
  }

  /** Index of the last range that starts at or below `position`, or -1. */
  #lastAtOrBelow(position: number): number {
    return firstNotBefore(this.#starts.length, (i) => this.#starts[i]! <= position) - 1;
  }

  #dropShortest(): void {
    let shortest = 0;
    for (let i = 1; i < this.#starts.length; i++) {
      const length = this.#ends[i]! - this.#starts[i]!;
      if (length < this.#ends[shortest]! - this.#starts[shortest]!) shortest = i;
    }
    this.#starts.splice(shortest, 1);
    this.#ends.splice(shortest, 1);
  }
}
