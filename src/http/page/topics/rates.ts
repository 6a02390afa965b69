// What arrives in each topic per second, counted from the log ends and sizes that the events tell.
// Leaves to others: the events (model.ts), showing it.
import type { PartitionState } from "../wire.js";

/** Records and bytes per second. */
interface InRate {
  readonly records: number;
  readonly bytes: number;
}

const NONE: InRate = { records: 0, bytes: 0 };

/** Rates are those of the last few samples, each of about a second. */
const SAMPLE_MS = 1000;
const SAMPLES = 5;

interface Count {
  records: number;
  bytes: number;
}

interface Sample {
  readonly ms: number;
  readonly counts: ReadonlyMap<string, Count>;
}

export class InRates {
  #counts = new Map<string, Count>();
  #samples: Sample[] = [];
  /** By the broker's clock. */
  #beganMs: number | undefined;

  /** Counts what was appended to a partition between two of its states. */
  count(before: PartitionState, after: PartitionState): void {
    const { records, bytes } = appended(before, after);
    if (records === 0 && bytes === 0) return;
    const count = this.#counts.get(after.topic);
    if (count === undefined) this.#counts.set(after.topic, { records, bytes });
    else {
      count.records += records;
      count.bytes += bytes;
    }
  }

  /** Notes that events up to `atMs` of the broker's clock have arrived. */
  heard(atMs: number): void {
    const beganMs = this.#beganMs;
    // A clock that went back means that the broker restarted.
    if (beganMs === undefined || atMs < beganMs) {
      this.lost();
      this.#beganMs = atMs;
      return;
    }
    if (atMs - beganMs < SAMPLE_MS) return;
    this.#samples.push({ ms: atMs - beganMs, counts: this.#counts });
    if (this.#samples.length > SAMPLES) this.#samples.shift();
    this.#counts = new Map();
    this.#beganMs = atMs;
  }

  /** Nothing is known any more, because the broker does not respond. */
  lost(): void {
    this.#beganMs = undefined;
    this.#samples = [];
    this.#counts = new Map();
  }

  /** The rate of a topic; undefined before the first sample, and while the broker does not respond. */
  of(topic: string): InRate | undefined {
    if (this.#samples.length === 0) return undefined;
    let [ms, records, bytes] = [0, 0, 0];
    for (const sample of this.#samples) {
      const count = sample.counts.get(topic) ?? NONE;
      ms += sample.ms;
      records += count.records;
      bytes += count.bytes;
    }
    return records === 0 ? NONE : { records: (1000 * records) / ms, bytes: (1000 * bytes) / ms };
  }
}

/** What was appended between two states of a partition. Its size also shrinks, by retention and by compaction. */
function appended(before: PartitionState, after: PartitionState): InRate {
  const records = after.logEnd - before.logEnd;
  // Another topic of the same name.
  if (records < 0) return NONE;
  const isWhole = after.firstBase === before.firstBase && after.revision === before.revision;
  if (isWhole) return { records, bytes: Math.max(0, bytesOf(after) - bytesOf(before)) };
  if (after.activeBase === before.activeBase) {
    return { records, bytes: Math.max(0, after.activeBytes - before.activeBytes) };
  }
  const perRecord = bytesOf(before) / Math.max(1, before.logEnd - before.firstBase);
  return { records, bytes: records * perRecord };
}

function bytesOf({ sealedBytes, activeBytes }: PartitionState): number {
  return sealedBytes + activeBytes;
}
