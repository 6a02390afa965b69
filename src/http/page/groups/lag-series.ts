// The lag of a group over time: the last hour as the broker derives it, then what this page has seen since. Also the rates at
// which records come in and are read.
// Leaves to others: the values of one partition (lag-track.ts), asking the broker (group-page.ts), drawing (parts/line-chart.ts).
import { firstNotBefore } from "../../../binary-search.js";
import type { GroupDetail, LagHistory } from "./group-wire.js";
import { LagTrack, type PartitionSample } from "./lag-track.js";

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

/** The name of a partition. */
export function partitionKey({ topic, partition }: PartitionName): string {
  return `${topic}:${partition}`;
}

interface PartitionName {
  readonly topic: string;
  readonly partition: number;
}

export class LagSeries {
  /** When it was sampled, ascending, and the lag of all partitions then. */
  #times: number[] = [];
  #lags: (number | null)[] = [];
  /** By the names of partitions. A broker lists those that are most behind, so one may have values for some of the times. */
  #tracks = new Map<string, LagTrack>();
  #generation: number | undefined;
  #generationSince: number | undefined;

  /** Takes the last hour, in the place of what is known of it. */
  load({ times, lags, partitions }: LagHistory): void {
    const last = times.at(-1) ?? 0;
    const [knownTimes, knownLags, knownTracks] = [this.#times, this.#lags, this.#tracks];
    this.#times = [...times, ...knownTimes.filter((ms) => ms > last)];
    this.#lags = [...times.map((_, i) => lags[i] ?? null)];
    this.#lags.push(...knownLags.filter((_, i) => knownTimes[i]! > last));
    this.#tracks = new Map();
    for (const { topic, partition, ends, committed, lags: each } of partitions) {
      const track = this.#trackOf(partitionKey({ topic, partition }));
      for (const [i, ms] of times.entries()) {
        const [end = 0, at = null, lag = null] = [ends[i], committed[i], each[i]];
        track.add(ms, { end, committed: at, lag });
      }
    }
    for (const [key, track] of knownTracks) this.#trackOf(key).addLater(last, track);
  }

  /** Takes the present. */
  add({ nowMs, lag, partitions, generation }: GroupDetail): void {
    const isNew = this.#generation !== undefined && this.#generation !== generation;
    if (isNew) this.#generationSince = nowMs;
    this.#generation = generation;
    const before = this.#times.at(-2);
    const last = this.#times.at(-1);
    // A clock that went back would draw a curve that goes back.
    if (last !== undefined && nowMs < last) {
      this.#times = [];
      this.#lags = [];
      this.#tracks = new Map();
    } else if (before !== undefined && last! - before < SPACING_MS) {
      this.#times.pop();
      this.#lags.pop();
      for (const track of this.#tracks.values()) track.drop(last!);
    }
    this.#times.push(nowMs);
    this.#lags.push(lag);
    for (const row of partitions) this.#trackOf(partitionKey(row)).add(nowMs, row);
    if (this.#times[0]! < nowMs - KEPT_MS) this.#forget(nowMs - KEPT_MS);
  }

  /** The lag of a partition, or of all of them. */
  points(key?: string): LagPoint[] {
    if (key === undefined)
      return this.#times.map((ms, i) => ({ ms, value: this.#lags[i] ?? null }));
    const track = this.#tracks.get(key);
    let next = 0;
    return this.#times.map((ms) => ({
      ms,
      value: track?.msAt(next) === ms ? track.lagAt(next++) : null,
    }));
  }

  /** Whether a partition has been behind without interruption since a time or longer, as far as is known. */
  isBehindSince(key: string, ms: number): boolean {
    const track = this.#tracks.get(key);
    for (let back = 1; track !== undefined && this.#isKnown(track, back); back++) {
      const i = track.length - back;
      if ((track.lagAt(i) ?? 0) === 0) return false;
      if (track.msAt(i) <= ms) return true;
    }
    return false;
  }

  /** When members last got other partitions; undefined if that was before the page looked. */
  get generationSince(): number | undefined {
    return this.#generationSince;
  }

  /** How old the oldest record is that was not read; undefined if nothing is unread. */
  age(key: string): UnreadAge | undefined {
    const track = this.#tracks.get(key);
    const now = this.#times.at(-1);
    const newest = this.#newestOf(track);
    if (track === undefined || now === undefined || newest === undefined) return undefined;
    const { end, lag } = newest;
    if (lag === 0 || lag === null) return undefined;
    // Without a commit, all that is in the log is unread.
    const next = end - lag;
    const { length } = track;
    const start = firstNotBefore(length, (i) => !this.#isKnown(track, length - i));
    // The first value at which it had been written. Log ends only grow.
    const written = firstNotBefore(length - 1, (i) => i < start || track.endAt(i) <= next);
    return { ms: now - track.msAt(written), isMore: written === start };
  }

  /** How fast records of a partition come in, and are read; undefined until that is known. */
  rate(key: string): GroupRate | undefined {
    const track = this.#tracks.get(key);
    const now = this.#times.at(-1);
    const newest = this.#newestOf(track);
    if (track === undefined || now === undefined || newest === undefined) return undefined;
    let fromMs = now;
    let oldest = newest;
    for (let back = 2; this.#isKnown(track, back) && now - fromMs < RATE_MS; back++) {
      const i = track.length - back;
      const each = track.at(i);
      // Before a reset, or in another topic of the same name.
      if (each === undefined || isAhead(each, oldest)) break;
      fromMs = track.msAt(i);
      oldest = each;
    }
    if (now - fromMs < RATE_MS_MIN) return undefined;
    const seconds = (now - fromMs) / 1000;
    return {
      in: (newest.end - oldest.end) / seconds,
      out: readBetween(oldest, newest, seconds),
    };
  }

  #trackOf(key: string): LagTrack {
    let track = this.#tracks.get(key);
    if (track === undefined) {
      track = new LagTrack();
      this.#tracks.set(key, track);
    }
    return track;
  }

  /** Whether the values of a partition go back without a gap to the last time but `back` - 1. */
  #isKnown(track: LagTrack, back: number): boolean {
    return track.msAt(track.length - back) === this.#times[this.#times.length - back];
  }

  /** What a partition has at the last time. */
  #newestOf(track: LagTrack | undefined): PartitionSample | undefined {
    if (track === undefined || !this.#isKnown(track, 1)) return undefined;
    return track.at(track.length - 1);
  }

  #forget(ms: number): void {
    const count = this.#times.findIndex((each) => each >= ms);
    this.#times.splice(0, count);
    this.#lags.splice(0, count);
    for (const [key, track] of this.#tracks) {
      track.forget(ms);
      if (track.length === 0) this.#tracks.delete(key);
    }
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
