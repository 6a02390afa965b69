// The lag of a group over time: the last hour as the broker derives it, then what this page has seen since. Also the rates at
// which records come in and are read.
// Leaves to others: asking the broker (group-page.ts), drawing (parts/line-chart.ts).
import type { GroupDetail, LagHistory } from "./group-wire.js";

/** A value at a time; null where it is not known. */
export interface LagPoint {
  readonly ms: number;
  readonly value: number | null;
}

/** Records per second: that come in, and that are read; null where that is not known. */
export interface GroupRate {
  readonly in: number;
  readonly out: number | null;
}

export interface UnreadAge {
  readonly ms: number;
  /** It may be more: it was written before anything that is known. */
  readonly isMore: boolean;
}

/** Older samples are dropped: the chart shows an hour. */
const KEPT_MS = 60 * 60 * 1000;

/** Time between two samples that are kept. Until then the newest sample replaces the one before it. */
const SPACING_MS = 15_000;

/** Rates are averages over at least this time, once so much is known: consumers commit every few seconds. */
const RATE_MS = 60_000;

/** Over a shorter time no rate is shown. */
const RATE_MS_MIN = 10_000;

interface Sample {
  readonly ms: number;
  readonly lag: number | null;
  readonly partitions: ReadonlyMap<string, PartitionSample>;
}

interface PartitionSample {
  readonly end: number;
  readonly committed: number | null;
  readonly lag: number | null;
}

/** The name of a partition. */
export function partitionKey({ topic, partition }: PartitionName): string {
  return `${topic}:${partition}`;
}

interface PartitionName {
  readonly topic: string;
  readonly partition: number;
}

export class LagSeries {
  #samples: Sample[] = [];
  #generation: number | undefined;
  #generationSince: number | undefined;

  /** Takes the last hour, in the place of what is known of it. */
  load({ times, lags, partitions }: LagHistory): void {
    const last = times.at(-1) ?? 0;
    const samples = times.map((ms, i) => {
      const rows = partitions.map(({ topic, partition, ends, committed, lags: each }) => {
        const sample = { end: ends[i] ?? 0, committed: committed[i] ?? null, lag: each[i] ?? null };
        return [partitionKey({ topic, partition }), sample] as const;
      });
      return { ms, lag: lags[i] ?? null, partitions: new Map(rows) };
    });
    this.#samples = [...samples, ...this.#samples.filter(({ ms }) => ms > last)];
  }

  /** Takes the present. */
  add({ nowMs, lag, partitions, generation }: GroupDetail): void {
    const isNew = this.#generation !== undefined && this.#generation !== generation;
    if (isNew) this.#generationSince = nowMs;
    this.#generation = generation;
    const rows = partitions.map(({ topic, partition, end, committed, lag: each }) => {
      return [partitionKey({ topic, partition }), { end, committed, lag: each }] as const;
    });
    const before = this.#samples.at(-2);
    const last = this.#samples.at(-1);
    // A clock that went back would draw a curve that goes back.
    if (last !== undefined && nowMs < last.ms) this.#samples = [];
    else if (before !== undefined && last!.ms - before.ms < SPACING_MS) this.#samples.pop();
    this.#samples.push({ ms: nowMs, lag, partitions: new Map(rows) });
    while (this.#samples[0]!.ms < nowMs - KEPT_MS) this.#samples.shift();
  }

  /** The lag of a partition, or of all of them. */
  points(key?: string): LagPoint[] {
    return this.#samples.map(({ ms, lag, partitions }) => ({
      ms,
      value: key === undefined ? lag : (partitions.get(key)?.lag ?? null),
    }));
  }

  /** Since when a partition has been behind without interruption, as far as is known; undefined if it is not. */
  behindSince(key: string): number | undefined {
    let since: number | undefined;
    for (const { ms, partitions } of this.#samples.toReversed()) {
      if ((partitions.get(key)?.lag ?? 0) === 0) break;
      since = ms;
    }
    return since;
  }

  /** When members last got other partitions; undefined if that was before the page looked. */
  get generationSince(): number | undefined {
    return this.#generationSince;
  }

  /** How old the oldest record is that was not read; undefined if nothing is unread, or nothing committed. */
  age(key: string): UnreadAge | undefined {
    const now = this.#samples.at(-1);
    const newest = now?.partitions.get(key);
    if (now === undefined || newest === undefined) return undefined;
    const { committed, lag } = newest;
    if (lag === 0 || committed === null || committed < 0) return undefined;
    let after = now.ms;
    for (let i = this.#samples.length - 2; i >= 0; i--) {
      const { ms, partitions } = this.#samples[i]!;
      const end = partitions.get(key)?.end;
      if (end === undefined) break;
      // It was written after this sample, and not after the next one.
      if (end <= committed) return { ms: now.ms - after, isMore: false };
      after = ms;
    }
    return { ms: now.ms - after, isMore: true };
  }

  /** How fast records of a partition come in, and are read; undefined until that is known. */
  rate(key: string): GroupRate | undefined {
    const now = this.#samples.at(-1);
    const newest = now?.partitions.get(key);
    if (now === undefined || newest === undefined) return undefined;
    let from: Sample | undefined;
    let later = newest;
    for (let i = this.#samples.length - 2; i >= 0; i--) {
      const sample = this.#samples[i]!;
      const each = sample.partitions.get(key);
      // Before a reset, or in another topic of the same name.
      if (each === undefined || isAhead(each, later)) break;
      from = sample;
      later = each;
      if (now.ms - sample.ms >= RATE_MS) break;
    }
    const oldest = from?.partitions.get(key);
    if (from === undefined || oldest === undefined || now.ms - from.ms < RATE_MS_MIN)
      return undefined;
    const seconds = (now.ms - from.ms) / 1000;
    return {
      in: (newest.end - oldest.end) / seconds,
      out: readBetween(oldest, newest, seconds),
    };
  }
}

function isAhead(sample: PartitionSample, later: PartitionSample): boolean {
  return sample.end > later.end || (sample.committed ?? -1) > (later.committed ?? Infinity);
}

/** Records per second; null unless both commits are known. */
function readBetween(from: PartitionSample, to: PartitionSample, seconds: number): number | null {
  if (from.committed === null || to.committed === null) return null;
  // Its first commit says nothing of what was read before.
  if (from.committed < 0) return to.committed < 0 ? 0 : null;
  return (to.committed - from.committed) / seconds;
}

/** The sum of rates; undefined if there are none, and null where one of them is not known. */
export function sumOf(rates: readonly (GroupRate | undefined)[]): GroupRate | undefined {
  let sum: GroupRate | undefined;
  for (const rate of rates) {
    if (rate === undefined) continue;
    const before: GroupRate = sum ?? { in: 0, out: 0 };
    sum = {
      in: before.in + rate.in,
      out: before.out === null || rate.out === null ? null : before.out + rate.out,
    };
  }
  return sum;
}
