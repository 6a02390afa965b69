// A changelog to compact: sealed segments, of which the first was compacted before, and random updates after it.
// Leaves to others: compacting it.
import { closeSync, mkdirSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { SourceSegment } from "../../src/log/compaction/compaction-job.js";
import { segmentFileName } from "../../src/log/segment/segment-files.js";
import { baseOffset, type Codec, nextOffset, stampBaseOffset } from "../../src/record/batch.js";
import { BatchEncoder } from "../../src/record/encoder.js";
import { Random } from "../../test/support/random.js";

/** As much as a Kafka client sends at once, unless its batch.size is set. */
const BATCH_BYTES = 16 * 1024;

const VALUE_BYTES = 100;

const A_CODE = 97;
const LETTERS = 26;
const STEP = 7919;
const FIRST_TIMESTAMP = 1_750_000_000_000;

/** Segments of a changelog: the first one is compacted, the others are dirty. */
const SEGMENTS = 10;

export interface ChangelogOptions {
  /** Bytes of all segments. */
  readonly bytes: number;
  readonly keys: number;
  readonly codec: Codec;
}

export interface Changelog {
  readonly segments: readonly SourceSegment[];
  readonly bytes: number;
  readonly firstDirtyOffset: number;
  readonly endOffset: number;
}

/** Bytes at which a segment is full. */
export function segmentBytesOf({ bytes }: ChangelogOptions): number {
  return Math.ceil(bytes / SEGMENTS);
}

/** One batch, and the segment that it belongs to. */
export interface ChangelogBatch {
  readonly batch: Uint8Array;
  readonly segment: number;
}

/**
 * The batches of a changelog, up to the one that makes a broker begin another segment. In the first segment no key
 * comes twice.
 */
export function* batchesOf(options: ChangelogOptions): Generator<ChangelogBatch> {
  const { keys, codec } = options;
  const segmentBytes = segmentBytesOf(options);
  const random = new Random(1);
  const encoder = new BatchEncoder({ codec });
  const values = random.bytes(1024 * 1024).map((byte) => A_CODE + (byte % LETTERS));
  let segment = 0;
  let size = 0;
  let offset = 0;
  while (segment < SEGMENTS) {
    while (encoder.bytes < BATCH_BYTES) {
      const record = offset + encoder.count;
      // The step and the number of keys have no common divisor, so all keys come before one comes again.
      const key = segment === 0 ? (record * STEP) % keys : random.below(keys);
      const at = random.below(values.length - VALUE_BYTES);
      const value = values.subarray(at, at + VALUE_BYTES);
      encoder.append(FIRST_TIMESTAMP + record, `user-${String(key).padStart(8, "0")}`, value);
    }
    const batch = encoder.finish();
    stampBaseOffset(batch, 0, offset);
    offset = nextOffset(batch, 0);
    if (size + batch.length > segmentBytes) {
      segment++;
      size = 0;
    }
    size += batch.length;
    yield { batch, segment };
  }
}

/** Writes the sealed segments of a changelog to a directory. */
export function writeChangelog(directory: string, options: ChangelogOptions): Changelog {
  mkdirSync(directory, { recursive: true });
  const bases: number[] = [];
  let endOffset = 0;
  let bytes = 0;
  let fd: number | undefined;
  for (const { batch, segment } of batchesOf(options)) {
    if (segment === bases.length) {
      endOffset = baseOffset(batch, 0);
      bases.push(endOffset);
      if (fd !== undefined) closeSync(fd);
      fd = undefined;
    }
    if (segment === SEGMENTS) break;
    fd ??= openSync(join(directory, segmentFileName(endOffset, "log")), "w");
    writeSync(fd, batch);
    bytes += batch.length;
  }
  const segments = bases
    .slice(0, SEGMENTS)
    .map((base, i) => ({ baseOffset: base, nextOffset: bases[i + 1] ?? endOffset }));
  return { segments, bytes, firstDirtyOffset: bases[1] ?? 0, endOffset };
}
