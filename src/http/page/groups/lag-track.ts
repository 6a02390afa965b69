// What is known of one partition of a group over time, in columns of numbers: a group may have a thousand partitions, with
// hundreds of values each. Pure. Leaves to others: all partitions, and what follows from the values (lag-series.ts).

export interface PartitionSample {
  readonly end: number;
  readonly committed: number | null;
  readonly lag: number | null;
}

export class LagTrack {
  /** Ascending; the other columns are as long. Null is NaN in them, so that they hold bare numbers. */
  readonly #ms: number[] = [];
  readonly #ends: number[] = [];
  readonly #committed: number[] = [];
  readonly #lags: number[] = [];

  /** Number of values. */
  get length(): number {
    return this.#ms.length;
  }

  add(ms: number, { end, committed, lag }: PartitionSample): void {
    this.#ms.push(ms);
    this.#ends.push(end);
    this.#committed.push(committed ?? Number.NaN);
    this.#lags.push(lag ?? Number.NaN);
  }

  /** Adds the values of another track that are later than `ms`. */
  addLater(ms: number, other: LagTrack): void {
    for (let i = 0; i < other.length; i++) {
      const at = other.msAt(i);
      const sample = other.at(i);
      if (at > ms && sample !== undefined) this.add(at, sample);
    }
  }

  /** Removes the newest value if it is of this time. */
  drop(ms: number): void {
    if (this.#ms.at(-1) !== ms) return;
    for (const column of this.#columns) column.pop();
  }

  /** Removes values from before `ms`. */
  forget(ms: number): void {
    const count = this.#ms.findIndex((each) => each >= ms);
    if (count === 0) return;
    for (const column of this.#columns) column.splice(0, count < 0 ? column.length : count);
  }

  /** The time of value `i`; NaN past the last one. */
  msAt(i: number): number {
    return this.#ms[i] ?? Number.NaN;
  }

  endAt(i: number): number {
    return this.#ends[i] ?? Number.NaN;
  }

  /** Null where it is not known. */
  lagAt(i: number): number | null {
    return numberOrNull(this.#lags[i]);
  }

  at(i: number): PartitionSample | undefined {
    const end = this.#ends[i];
    if (end === undefined) return undefined;
    return { end, committed: numberOrNull(this.#committed[i]), lag: this.lagAt(i) };
  }

  get #columns(): readonly number[][] {
    return [this.#ms, this.#ends, this.#committed, this.#lags];
  }
}

function numberOrNull(value: number | undefined): number | null {
  return value === undefined || Number.isNaN(value) ? null : value;
}
