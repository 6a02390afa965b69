// How long things took, many millions of them, in bounded memory: buckets that are finer where values are small, so
// that each percentile is right to less than 1 %. Leaves to others: what is measured, and how it is printed.
//
// The idea is HdrHistogram's (http://hdrhistogram.org): below 256 µs a bucket is a microsecond wide; above, each
// doubling has 128 buckets.

const SUB_BUCKET_BITS = 7;
const SUB_BUCKETS = 1 << SUB_BUCKET_BITS;

/** Largest value that is told from larger ones, in microseconds: some 36 minutes. */
const MICROSECONDS_MAX = 2 ** 31 - 1;

/** A part of the range, and how many values are in it. */
export interface LatencyRange {
  readonly fromMs: number;
  readonly toMs: number;
  readonly count: number;
}

export class LatencyHistogram {
  readonly #counts = new Float64Array(indexOf(MICROSECONDS_MAX) + 1);
  #count = 0;
  #sumMs = 0;
  #maxMs = 0;

  /** How many durations were counted. */
  get count(): number {
    return this.#count;
  }

  /** The longest, in milliseconds; 0 while there is none. */
  get maxMs(): number {
    return this.#maxMs;
  }

  /** Their mean, in milliseconds; 0 while there is none. */
  get meanMs(): number {
    return this.#count === 0 ? 0 : this.#sumMs / this.#count;
  }

  /** Counts a duration in milliseconds, `count` times; a clock that went back counts as 0. */
  add(ms: number, count = 1): void {
    const value = Math.max(0, ms);
    this.#counts[indexOf(Math.min(Math.round(value * 1000), MICROSECONDS_MAX))]! += count;
    this.#count += count;
    this.#sumMs += value * count;
    if (value > this.#maxMs) this.#maxMs = value;
  }

  /** Adds all that another one has counted. */
  addAll(other: LatencyHistogram): void {
    for (const [i, count] of other.#counts.entries()) this.#counts[i]! += count;
    this.#count += other.#count;
    this.#sumMs += other.#sumMs;
    this.#maxMs = Math.max(this.#maxMs, other.#maxMs);
  }

  /**
   * The duration in milliseconds that `percent` of all do not exceed: right to a microsecond or 1 %, whichever is
   * more. 0 while there is none.
   */
  percentile(percent: number): number {
    const rank = Math.max(1, Math.ceil((percent / 100) * this.#count));
    let seen = 0;
    for (const [i, count] of this.#counts.entries()) {
      seen += count;
      if (seen >= rank) return Math.min(upperBound(i) / 1000, this.#maxMs);
    }
    return 0;
  }

  /** How they are spread: a range for each doubling, from the first to the last that has any. */
  ranges(): LatencyRange[] {
    const ranges: LatencyRange[] = [];
    let [fromUs, toUs, count] = [0, 1, 0];
    const end = (): void => {
      if (count > 0 || ranges.length > 0) {
        ranges.push({ fromMs: fromUs / 1000, toMs: toUs / 1000, count });
      }
      [fromUs, toUs, count] = [toUs, toUs * 2, 0];
    };
    for (const [i, inBucket] of this.#counts.entries()) {
      while (lowerBound(i) >= toUs) end();
      count += inBucket;
    }
    end();
    while (ranges.at(-1)?.count === 0) ranges.pop();
    return ranges;
  }
}

/** Where a value is counted: itself below two times the sub-buckets, else by its leading bits. */
function indexOf(microseconds: number): number {
  const shift = Math.max(0, 31 - Math.clz32(microseconds) - SUB_BUCKET_BITS);
  return shift * SUB_BUCKETS + (microseconds >>> shift);
}

function lowerBound(index: number): number {
  if (index < 2 * SUB_BUCKETS) return index;
  const shift = Math.floor(index / SUB_BUCKETS) - 1;
  return (index - shift * SUB_BUCKETS) * 2 ** shift;
}

/** The largest value that is counted there. */
function upperBound(index: number): number {
  return lowerBound(index + 1) - 1;
}
