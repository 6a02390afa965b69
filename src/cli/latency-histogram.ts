// Counts millions of latencies in bounded memory. Buckets are finer where values are small, so that each percentile is
// accurate to 1 %. Leaves to others: what is measured, and how it is printed.
//
// The layout follows HdrHistogram (http://hdrhistogram.org): below 256 µs a bucket is one microsecond wide; above, each
// doubling has 128 buckets.

const SUB_BUCKET_BITS = 7;
const SUB_BUCKETS = 1 << SUB_BUCKET_BITS;

/** Larger values share the last bucket; in microseconds, about 36 minutes. */
const MICROSECONDS_MAX = 2 ** 31 - 1;

/** A range of latencies and how many values fall into it. */
interface LatencyRange {
  readonly fromMs: number;
  readonly toMs: number;
  readonly count: number;
}

export class LatencyHistogram {
  readonly #counts = new Float64Array(indexOf(MICROSECONDS_MAX) + 1);
  #count = 0;
  #sumMs = 0;
  #maxMs = 0;

  get count(): number {
    return this.#count;
  }

  /** Largest value in milliseconds; 0 if empty. */
  get maxMs(): number {
    return this.#maxMs;
  }

  /** Mean in milliseconds; 0 if empty. */
  get meanMs(): number {
    return this.#count === 0 ? 0 : this.#sumMs / this.#count;
  }

  /** Adds a latency in milliseconds, `count` times. A negative one, from a clock that went back, counts as 0. */
  add(ms: number, count = 1): void {
    const value = Math.max(0, ms);
    this.#counts[indexOf(Math.min(Math.round(value * 1000), MICROSECONDS_MAX))]! += count;
    this.#count += count;
    this.#sumMs += value * count;
    if (value > this.#maxMs) this.#maxMs = value;
  }

  addAll(other: LatencyHistogram): void {
    for (const [i, count] of other.#counts.entries()) this.#counts[i]! += count;
    this.#count += other.#count;
    this.#sumMs += other.#sumMs;
    this.#maxMs = Math.max(this.#maxMs, other.#maxMs);
  }

  /**
   * The latency in milliseconds that `percent` of all values do not exceed, accurate to a microsecond or 1 %, whichever
   * is larger. 0 if empty.
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

  /** The distribution: one range per doubling, from the first that is not empty to the last. */
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

/** The bucket of a value: the value itself below twice the sub-buckets, else by its leading bits. */
function indexOf(microseconds: number): number {
  const shift = Math.max(0, 31 - Math.clz32(microseconds) - SUB_BUCKET_BITS);
  return shift * SUB_BUCKETS + (microseconds >>> shift);
}

function lowerBound(index: number): number {
  if (index < 2 * SUB_BUCKETS) return index;
  const shift = Math.floor(index / SUB_BUCKETS) - 1;
  return (index - shift * SUB_BUCKETS) * 2 ** shift;
}

/** The largest value in the bucket. */
function upperBound(index: number): number {
  return lowerBound(index + 1) - 1;
}
