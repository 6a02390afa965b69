// A log with random keys for tests of compaction: segment files on a disk, their records, and the new files put in place.
// Leaves to others: what must be true afterwards.
import {
  baseOffset,
  batchBytes,
  type Codec,
  CODECS,
  findBatchFault,
  lastOffset,
  nextOffset,
  type ProducerSequence,
  sequenceAfter,
  stampBaseOffset,
} from "../../src/record/batch.js";
import { RecordCursor } from "../../src/record/cursor.js";
import { BatchEncoder } from "../../src/record/encoder.js";
import { compactSegments } from "../../src/log/compaction/compact-segments.js";
import type {
  CompactionJob,
  CompactionResult,
  SourceSegment,
} from "../../src/log/compaction/compaction-job.js";
import type { Disk } from "../../src/log/disk/disk.js";
import { segmentFileName } from "../../src/log/segment/segment-files.js";
import type { Random } from "./random.js";
import { concat } from "./bytes.js";

export const COMPACTED_DIRECTORY = "data/topics/changes/0";

/** A record as a reader sees it. */
export interface KeyedRecord {
  readonly offset: number;
  readonly timestamp: number;
  readonly key: string | null;
  readonly value: string | null;
  readonly headers: string;
}

export interface RandomLogOptions {
  readonly segments: number;
  readonly batches: number;
  readonly records: number;
  readonly keys: number;
  readonly codecs?: readonly Codec[];
  readonly keyless?: number;
  readonly tombstones?: number;
}

export interface KeyedLog {
  readonly segments: SourceSegment[];
  readonly records: KeyedRecord[];
  readonly endOffset: number;
  readonly lastBatches: { producerId: number; lastOffset: number }[];
}

/** Writes the segments of a random log. Offsets have gaps between batches. */
export function writeRandomLog(disk: Disk, random: Random, options: RandomLogOptions): KeyedLog {
  disk.makeDirectory(COMPACTED_DIRECTORY);
  const segments: SourceSegment[] = [];
  const records: KeyedRecord[] = [];
  const sequences = new Map<number, ProducerSequence>();
  const lasts = new Map<number, number>();
  let offset = random.below(10);
  for (let i = 0; i < options.segments; i++) {
    const base = offset;
    const batches: Uint8Array[] = [];
    for (let left = 1 + random.below(options.batches); left > 0; left--) {
      const count = 1 + random.below(options.records);
      const encoder = new BatchEncoder({ codec: random.pick(options.codecs ?? CODECS) });
      for (let r = 0; r < count; r++) {
        const { timestamp, key, value, headers } = randomRecord(random, options);
        encoder.append(timestamp, key, value, headers);
      }
      const producerId = random.pick([-1, 7, 8, 2 ** 40]);
      const sequence = sequences.get(producerId) ?? {
        producerId,
        producerEpoch: 3,
        baseSequence: 0,
      };
      const batch = encoder.finish(producerId < 0 ? undefined : sequence);
      stampBaseOffset(batch, 0, offset);
      if (producerId >= 0) {
        const next = sequenceAfter(sequence.baseSequence, count);
        sequences.set(producerId, { ...sequence, baseSequence: next });
        lasts.set(producerId, lastOffset(batch, 0));
      }
      batches.push(batch);
      records.push(...recordsOf(batch));
      offset = nextOffset(batch, 0) + (random.chance(0.2) ? random.below(5) : 0);
    }
    overwrite(disk, segmentFileName(base, "log"), concat(batches));
    segments.push({ baseOffset: base, nextOffset: offset });
  }
  const lastBatches = [...lasts].map(([producerId, last]) => ({ producerId, lastOffset: last }));
  return { segments, records, endOffset: offset, lastBatches };
}

interface RandomRecord {
  readonly timestamp: number;
  readonly key: string | null;
  readonly value: string | null;
  readonly headers: { name: string; value: string | null }[];
}

function randomRecord(random: Random, options: RandomLogOptions): RandomRecord {
  const key = random.below(options.keys);
  const length = random.pick([0, 1, 20, 200]);
  return {
    timestamp: random.chance(0.1) ? random.below(100) : 1_700_000_000_000 + random.below(10_000),
    // One key is empty, and some are long.
    key: random.chance(options.keyless ?? 0)
      ? null
      : key === 0
        ? ""
        : `key ${key}`.repeat(key % 9 === 8 ? 40 : 1),
    value: random.chance(options.tombstones ?? 0) ? null : "v".repeat(length) + random.below(100),
    headers: random.chance(0.1)
      ? [{ name: "h", value: random.pick([null, "x".repeat(length)]) }]
      : [],
  };
}

/** The records of valid batches in `bytes`. Throws if the batches are not valid, or do not ascend. */
export function recordsOf(bytes: Uint8Array): KeyedRecord[] {
  const records: KeyedRecord[] = [];
  const cursor = new RecordCursor().reset(bytes);
  while (cursor.next()) {
    records.push({
      offset: cursor.offset,
      timestamp: cursor.timestamp,
      key: cursor.keyText(),
      value: cursor.valueText(),
      headers: cursor
        .headers()
        .map(({ name, value }) => `${name}=${value === null ? "null" : value.length}`)
        .join(),
    });
  }
  return records;
}

/** Where the batches in `bytes` start. Throws if one is not valid, or if their offsets do not ascend. */
export function batchesOf(bytes: Uint8Array): number[] {
  const starts: number[] = [];
  let due = 0;
  for (let at = 0; at < bytes.length; at += batchBytes(bytes, at)) {
    const fault = findBatchFault(bytes, at, bytes.length);
    if (fault !== undefined) throw new Error(`byte ${at}: ${fault.message}`);
    if (baseOffset(bytes, at) < due) throw new Error(`byte ${at}: offsets do not ascend`);
    due = nextOffset(bytes, at);
    starts.push(at);
  }
  return starts;
}

/** The bytes of the logs, in order. */
export function logBytes(disk: Disk, segments: readonly SourceSegment[]): Uint8Array {
  return concat(segments.map(({ baseOffset: base }) => fileOf(disk, segmentFileName(base, "log"))));
}

export function fileOf(disk: Disk, name: string): Uint8Array {
  const bytes = disk.readFile(`${COMPACTED_DIRECTORY}/${name}`);
  if (bytes === undefined) throw new Error(`${name} is missing`);
  return bytes;
}

export function overwrite(disk: Disk, name: string, bytes: Uint8Array): void {
  const file = disk.openAppend(`${COMPACTED_DIRECTORY}/${name}`);
  file.truncate(0);
  file.write(bytes);
  void file.push();
  file.close();
}

/** A job over the whole log. */
export function jobOf(log: KeyedLog, changes: Partial<CompactionJob> = {}): CompactionJob {
  return {
    directory: COMPACTED_DIRECTORY,
    name: "changes-0",
    segments: log.segments,
    firstDirtyOffset: 0,
    endOffset: log.endOffset,
    lastBatches: log.lastBatches,
    deleteRetentionMs: 1_000,
    nowMs: 1_800_000_000_000,
    segmentBytes: 2 ** 20,
    mapBytes: 2 ** 16,
    ...changes,
  };
}

/** Puts the new files in place, as a log does; returns the segments that are then there. */
export function placeGroups(
  disk: Disk,
  segments: readonly SourceSegment[],
  { groups }: CompactionResult,
): SourceSegment[] {
  let placed = [...segments];
  for (const { replaced, base } of groups) {
    const old = placed.filter((segment) => replaced.includes(segment.baseOffset));
    placed = placed.filter(
      (segment) => !replaced.includes(segment.baseOffset) || segment === old[0],
    );
    const merged = { baseOffset: base, nextOffset: old.at(-1)?.nextOffset ?? base };
    placed[placed.indexOf(old[0]!)] = merged;
    for (const gone of replaced) {
      disk.remove(`${COMPACTED_DIRECTORY}/${segmentFileName(gone, "log")}`);
    }
    for (const kind of ["log", "index", "timeindex"] as const) {
      const path = `${COMPACTED_DIRECTORY}/${segmentFileName(base, kind)}`;
      disk.rename(`${path}.cleaned`, path);
    }
  }
  return placed;
}

/** Runs the job again and again until the whole range is compacted; returns the segments, and the number of runs. */
export async function compactFully(
  disk: Disk,
  job: CompactionJob,
): Promise<{ segments: SourceSegment[]; runs: CompactionResult[] }> {
  let segments = [...job.segments];
  let { firstDirtyOffset } = job;
  const runs: CompactionResult[] = [];
  do {
    const result = await compactSegments(disk, { ...job, segments, firstDirtyOffset });
    if (result === undefined) throw new Error("was stopped");
    if (result.cleanedTo <= firstDirtyOffset && firstDirtyOffset < job.endOffset)
      throw new Error("no progress");
    firstDirtyOffset = result.cleanedTo;
    segments = placeGroups(disk, segments, result);
    runs.push(result);
  } while (firstDirtyOffset < job.endOffset);
  return { segments, runs };
}
