// What was written to a changelog topic, and what readers saw of it. A record has a key, and as its value the version of
// that key, which only grows; a tombstone has its version in a header.
// Leaves to others: writing and reading (compaction-rounds.ts).
import type { Random } from "../support/random.js";

export const TOPIC = "changelog";
export const PARTITIONS = 2;

/** Share of updates that are tombstones. */
const TOMBSTONES = 0.05;

/** One acknowledged record in so many is remembered with its offset. */
const SAMPLED = 64;

const PADDING = "-".repeat(60);

interface Update {
  readonly index: number;
  readonly partition: number;
  readonly key: string;
  readonly value: string | null;
  readonly version: string;
}

/** The newest acknowledged version of each key, and its offset. */
interface Known {
  readonly versions: Int32Array;
  readonly offsets: Float64Array;
}

/** The ledger. */
export class Changelog {
  sent = 0;
  acknowledged = 0;
  readonly #keys: number;
  readonly #writers: number;
  readonly #sent: Int32Array;
  readonly #acknowledged: Int32Array;
  readonly #offsets: Float64Array;
  /** Version of the newest tombstone of each key, as sent. */
  readonly #tombstones: Int32Array;
  readonly #samples = Array.from({ length: PARTITIONS }, () => new Map<number, string>());

  constructor(keys: number, writers: number) {
    this.#keys = keys;
    this.#writers = writers;
    this.#sent = new Int32Array(keys);
    this.#acknowledged = new Int32Array(keys);
    this.#offsets = new Float64Array(keys).fill(-1);
    this.#tombstones = new Int32Array(keys);
  }

  /** The next update of a random key that belongs to a writer. */
  update(writer: number, random: Random): Update {
    const own = Math.ceil((this.#keys - writer) / this.#writers);
    const index = writer + this.#writers * random.below(own);
    const version = ++this.#sent[index]!;
    const isTombstone = random.chance(TOMBSTONES);
    if (isTombstone) this.#tombstones[index] = version;
    this.sent++;
    const value = isTombstone ? null : `${version}${PADDING}`;
    return {
      index,
      partition: partitionOf(index),
      key: `key-${index}`,
      value,
      version: `${version}`,
    };
  }

  /** Notes the oldest update of a key that is not acknowledged. */
  acknowledge(index: number, partition: number, offset: number): void {
    const version = ++this.#acknowledged[index]!;
    this.#offsets[index] = offset;
    if (this.acknowledged++ % SAMPLED === 0) {
      this.#samples[partition]?.set(offset, `key-${index} ${version}`);
    }
  }

  snapshot(): Known {
    return { versions: this.#acknowledged.slice(), offsets: this.#offsets.slice() };
  }

  reader(name: string): Reader {
    return new Reader(name, this.#keys, {
      sample: (partition, offset) => this.#samples[partition]?.get(offset),
      newestTombstone: (index) => this.#tombstones[index]!,
    });
  }
}

interface Facts {
  sample(partition: number, offset: number): string | undefined;
  newestTombstone(index: number): number;
}

/** What one reader saw. Its methods throw an Error that says what is wrong. */
export class Reader {
  records = 0;
  readonly #name: string;
  readonly #facts: Facts;
  readonly #versions: Int32Array;
  readonly #offsets: Float64Array;
  readonly #isTombstone: Uint8Array;

  constructor(name: string, keys: number, facts: Facts) {
    this.#name = name;
    this.#facts = facts;
    this.#versions = new Int32Array(keys);
    this.#offsets = new Float64Array(keys).fill(-1);
    this.#isTombstone = new Uint8Array(keys);
  }

  /** A record. One that was seen before, at the same offset, is passed over: members of groups may read twice. */
  saw(
    partition: number,
    offset: number,
    key: string | null,
    value: string | null,
    isTombstone: boolean,
  ): void {
    const index = Number(key?.slice("key-".length));
    const version = Number.parseInt(value ?? "", 10);
    const place = `${this.#name}: partition ${partition}, offset ${offset}: ${key} version ${version}`;
    if (!(version > 0) || partition !== partitionOf(index)) throw new Error(`${place} is odd`);
    const sample = this.#facts.sample(partition, offset);
    if (sample !== undefined && sample !== `${key} ${version}`) {
      throw new Error(`${place}, but ${sample} was acknowledged there`);
    }
    const before = this.#offsets[index]!;
    if (offset < before) return;
    if (offset === before) {
      if (version !== this.#versions[index]) throw new Error(`${place}: it was another version`);
      return;
    }
    if (version <= this.#versions[index]!) {
      throw new Error(`${place} after version ${this.#versions[index]} at offset ${before}`);
    }
    this.records++;
    this.#versions[index] = version;
    this.#offsets[index] = offset;
    this.#isTombstone[index] = isTombstone ? 1 : 0;
  }

  /** Whether it has seen the newest version of each key, unless that is a tombstone, which may be gone. */
  isComplete({ versions }: Known): boolean {
    return versions.every(
      (version, index) =>
        this.#versions[index]! >= version || this.#facts.newestTombstone(index) >= version,
    );
  }

  /** Compares with what was known before the reading began. At the end nothing newer was written. */
  compare({ versions, offsets }: Known, isAtEnd: boolean): void {
    for (const [index, version] of versions.entries()) {
      const seen = this.#versions[index]!;
      const place = `${this.#name}: key-${index}: version ${seen} at offset ${this.#offsets[index]}`;
      const known = `version ${version} at offset ${offsets[index]} was acknowledged`;
      if (seen === version && this.#offsets[index] !== offsets[index] && version > 0) {
        throw new Error(`${place}, but ${known}`);
      }
      if (seen > version && isAtEnd) throw new Error(`${place}, but nothing newer than ${version}`);
      if (seen < version && this.#facts.newestTombstone(index) < version) {
        throw new Error(`${place}, but ${known}`);
      }
    }
  }
}

function partitionOf(index: number): number {
  return Math.floor(index / 3) % PARTITIONS;
}
