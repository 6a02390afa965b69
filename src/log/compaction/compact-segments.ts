// Compaction of a range of sealed segments: the new segments are written beside the old ones, as `.cleaned` files.
// Leaves to others: which range, and putting the new segments in place (log.ts); one batch (batch-rewrite.ts).
//
// The first pass reads the dirty part, whose records no run has seen before, and notes the number of the last record of
// each key. Records are numbered from the start of the dirty part, so a number needs only 32 bits. The second pass reads
// everything from the oldest segment on. A record goes if
// - a later record with its key is in the map, or
// - it has no key, or
// - it is a tombstone whose delete horizon is over.
//
// If the map is full, the range ends at the first record that did not fit. Records from there on stay.
//
// Control batches stay as they are. Records of transactions are not entered, because the transaction may have been
// aborted; they go if a record outside of transactions follows, but their tombstones stay. A batch that can't be opened stays as
// it is, and so do all tombstones after it, because it may contain records that they delete.
import { RustLogError } from "../../errors.js";
import { OFFSET_MAX, SEARCHED_BYTES_MAX, SEGMENT_BYTES_MAX } from "../../limits.js";
import {
  attributes,
  BATCH_HEADER_BYTES,
  baseOffset,
  CONTROL_BIT,
  lastOffset,
  nextOffset,
  producerId,
  recordCount,
  TRANSACTIONAL_BIT,
} from "../../record/batch.js";
import { RecordCursor } from "../../record/cursor.js";
import { deleteHorizon } from "../../record/delete-horizon.js";
import { type Disk, joinPath } from "../disk/disk.js";
import { segmentFileName } from "../segment/segment-files.js";
import { BatchRewriter, type BatchRules } from "./batch-rewrite.js";
import { CleanedBuffers, CleanedSegment } from "./cleaned-segment.js";
import type {
  CompactedSegment,
  CompactionJob,
  CompactionResult,
  SourceSegment,
} from "./compaction-job.js";
import { KeyMap, RECORD_NUMBER_MAX } from "./key-map.js";
import { SourceBatches } from "./source-batches.js";

/** How a run shares its thread. */
export interface CompactionControl {
  /** Called after each batch, with the bytes of log read so far; if it returns a promise, the run waits for it. */
  readonly pause?: (bytesRead: number) => Promise<void> | undefined;
  /** Asked after each batch whether to give up. */
  readonly isStopped?: () => boolean;
}

/**
 * Runs a job. Returns undefined if it was stopped. Throws CORRUPT_MESSAGE, with file and position, for a damaged batch,
 * and the system's error for a failed operation such as a full disk. In these cases, no file is left behind.
 */
export async function compactSegments(
  disk: Disk,
  job: CompactionJob,
  control: CompactionControl = {},
): Promise<CompactionResult | undefined> {
  const run = new CompactionRun(disk, job, control);
  try {
    await run.mapKeys();
    await run.rewriteSegments();
    return run.result();
  } catch (error) {
    run.discard();
    if (error instanceof Stopped) return undefined;
    throw error;
  }
}

class Stopped extends Error {}

interface Group {
  readonly cleaned: CleanedSegment;
  /** Path of the first segment that it replaces. */
  readonly source: string;
  readonly replaced: number[];
  bytesBefore: number;
}

class CompactionRun implements BatchRules {
  readonly #disk: Disk;
  readonly #job: CompactionJob;
  readonly #control: CompactionControl;
  readonly #map: KeyMap;
  readonly #source: SourceBatches;
  readonly #cursor = new RecordCursor();
  readonly #rewriter = new BatchRewriter();
  readonly #buffers = new CleanedBuffers();
  /** Last offsets of batches that stay. */
  readonly #lastOffsets: ReadonlySet<number>;
  /** Header of the last batch that went, while the group has no other. */
  readonly #gone = new Uint8Array(BATCH_HEADER_BYTES);
  /** Number of the first record of each segment, by base offset. */
  readonly #firstNumbers = new Map<number, number>();
  readonly #groups: Group[] = [];
  #cleanedTo: number;
  /** Number of the next record of the dirty part. */
  #number = 0;
  // The current batch.
  #isTransactional = false;
  #isHorizonOver = false;
  #firstNumber = 0;
  #recordIndex = 0;
  /** Whether a batch before could not be opened. */
  #keepsTombstones = false;
  horizonMs: number | undefined;
  keepsEmpty = false;
  bytesMax = 0;
  // Statistics.
  #bytesRead = 0;
  #recordsRead = 0;
  #recordsKept = 0;
  #batchesUnopened = 0;

  constructor(disk: Disk, job: CompactionJob, control: CompactionControl) {
    this.#disk = disk;
    this.#job = job;
    this.#control = control;
    this.#map = new KeyMap(job.mapBytes);
    this.#source = new SourceBatches(disk, job.directory);
    this.#lastOffsets = new Set(job.lastBatches.map(({ lastOffset: last }) => last));
    this.#cleanedTo = job.endOffset;
  }

  /** The first pass. */
  async mapKeys(): Promise<void> {
    for (const segment of this.#job.segments) {
      if (segment.nextOffset <= this.#job.firstDirtyOffset) continue;
      this.#firstNumbers.set(segment.baseOffset, this.#number);
      this.#source.open(segment);
      while (this.#source.next()) {
        this.#bytesRead += this.#source.size;
        if (!this.#enterBatch()) return;
        await this.#shareThread();
      }
    }
  }

  /** The second pass. */
  async rewriteSegments(): Promise<void> {
    let group: Group | undefined;
    for (const segment of this.#job.segments) {
      if (segment.baseOffset >= this.#cleanedTo) break;
      if (group !== undefined) {
        if (await this.#addTo(group, segment)) continue;
        await this.#finish(group);
      }
      group = this.#begin(segment);
      await this.#addTo(group, segment);
    }
    if (group !== undefined) await this.#finish(group);
  }

  result(): CompactionResult {
    const changed = this.#groups.filter(({ cleaned }) => cleaned.isChanged);
    const groups = changed.map(({ cleaned, replaced, bytesBefore }): CompactedSegment => ({
      replaced,
      base: cleaned.base,
      bytes: cleaned.bytes,
      bytesBefore,
    }));
    const stats = {
      bytesRead: this.#bytesRead,
      bytesWritten: groups.reduce((sum, { bytes }) => sum + bytes, 0),
      recordsRead: this.#recordsRead,
      recordsKept: this.#recordsKept,
      batchesUnopened: this.#batchesUnopened,
    };
    return { groups, cleanedTo: this.#cleanedTo, stats };
  }

  /** Removes all files. */
  discard(): void {
    for (const { cleaned } of this.#groups) cleaned.discard();
  }

  /** Enters the records of a batch; false if the map is full. */
  #enterBatch(): boolean {
    const { bytes, at } = this.#source;
    const { firstDirtyOffset } = this.#job;
    const count = recordCount(bytes, at);
    if (nextOffset(bytes, at) <= firstDirtyOffset) return true;
    if (this.#number + count > RECORD_NUMBER_MAX) {
      this.#cleanedTo = Math.max(firstDirtyOffset, baseOffset(bytes, at));
      return false;
    }
    const firstNumber = this.#number;
    this.#number += count;
    if ((attributes(bytes, at) & (TRANSACTIONAL_BIT | CONTROL_BIT)) !== 0) return true;
    const cursor = this.#cursor;
    return this.#opening(true, () => {
      this.#openBatch();
      for (let number = firstNumber; cursor.next(); number++) {
        if (cursor.offset < firstDirtyOffset || cursor.keyStart < 0) continue;
        if (this.#map.set(cursor.buffer, cursor.keyStart, cursor.keyEnd, number)) continue;
        this.#cleanedTo = cursor.offset;
        return false;
      }
      return true;
    });
  }

  #openBatch(): void {
    const { bytes, at, size } = this.#source;
    this.#cursor.reset(bytes, at, at + size, {
      checkCrcs: false,
      decompressedBytesMax: SEARCHED_BYTES_MAX,
    });
  }

  /** Reads a batch; `unopened` is the result for one that is too large when decompressed, or needs a dictionary. */
  #opening<T>(unopened: T, read: () => T): T {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof RustLogError)) throw error;
      const isForeign =
        error.code === "MESSAGE_TOO_LARGE" || error.code === "UNSUPPORTED_COMPRESSION";
      if (isForeign) return unopened;
      throw this.#source.damage(error.message, error);
    }
  }

  #begin({ baseOffset: base }: SourceSegment): Group {
    const { directory } = this.#job;
    const cleaned = new CleanedSegment(this.#disk, directory, base, this.#buffers);
    const source = joinPath(directory, segmentFileName(base, "log"));
    const group: Group = { cleaned, source, replaced: [], bytesBefore: 0 };
    this.#groups.push(group);
    return group;
  }

  /** Adds what is left of a segment to a group. False, without a change, if it does not fit. */
  async #addTo(group: Group, segment: SourceSegment): Promise<boolean> {
    const { cleaned } = group;
    const source = this.#source;
    const isFirst = group.replaced.length === 0;
    if (!isFirst && !cleaned.reaches(segment.nextOffset)) return false;
    const before = {
      recordsRead: this.#recordsRead,
      recordsKept: this.#recordsKept,
      batchesUnopened: this.#batchesUnopened,
      keepsTombstones: this.#keepsTombstones,
    };
    source.open(segment);
    await cleaned.mark();
    this.#number = this.#firstNumbers.get(segment.baseOffset) ?? 0;
    // What has no batch yet takes any segment.
    const sizeMax = cleaned.bytes === 0 ? SEGMENT_BYTES_MAX : this.#job.segmentBytes;
    while (source.next()) {
      this.#bytesRead += source.size;
      const left = source.fileBytes - source.position - source.size;
      this.bytesMax = sizeMax - cleaned.bytes - left;
      const batch = this.#rewritten();
      if (batch !== undefined && cleaned.bytes + batch.length > sizeMax) {
        if (isFirst) {
          throw new RustLogError(
            "STORAGE_ERROR",
            `${source.path} can't be compacted: it would grow`,
          );
        }
        cleaned.rewind();
        this.#recordsRead = before.recordsRead;
        this.#recordsKept = before.recordsKept;
        this.#batchesUnopened = before.batchesUnopened;
        this.#keepsTombstones = before.keepsTombstones;
        return false;
      }
      const isSame = batch?.buffer === source.bytes.buffer;
      if (isFirst && isSame && !cleaned.isChanged) {
        cleaned.keep(source.bytes, source.at, source.size);
      } else {
        if (!cleaned.isChanged) await cleaned.begin(group.source);
        if (batch !== undefined) await cleaned.append(batch, 0, batch.length);
        else if (cleaned.bytes === 0) {
          this.#gone.set(source.bytes.subarray(source.at, source.at + BATCH_HEADER_BYTES));
        }
      }
      await this.#shareThread();
    }
    if (!isFirst && !cleaned.isChanged) await cleaned.begin(group.source);
    group.replaced.push(segment.baseOffset);
    group.bytesBefore += source.fileBytes;
    return true;
  }

  /** The current batch with the records that stay; undefined if it goes. */
  #rewritten(): Uint8Array | undefined {
    const { bytes, at, size } = this.#source;
    const whole = bytes.subarray(at, at + size);
    const base = baseOffset(bytes, at);
    const next = nextOffset(bytes, at);
    const count = recordCount(bytes, at);
    this.#firstNumber = this.#number;
    if (next > this.#job.firstDirtyOffset) this.#number += count;
    const flags = attributes(bytes, at);
    if (base >= this.#cleanedTo || (flags & CONTROL_BIT) !== 0)
      return this.#keptWhole(whole, count);
    const { nowMs, deleteRetentionMs } = this.#job;
    const horizon = deleteHorizon(bytes, at);
    this.#isTransactional = (flags & TRANSACTIONAL_BIT) !== 0;
    const keepsTombstones = this.#isTransactional || this.#keepsTombstones;
    this.#isHorizonOver = !keepsTombstones && horizon !== undefined && nowMs >= horizon;
    this.horizonMs =
      keepsTombstones || next > this.#cleanedTo
        ? undefined
        : Math.min(nowMs + deleteRetentionMs, OFFSET_MAX);
    this.keepsEmpty =
      next === this.#job.endOffset ||
      (producerId(bytes, at) >= 0 && this.#lastOffsets.has(lastOffset(bytes, at)));
    this.#recordIndex = 0;
    const rewritten = this.#opening<Uint8Array | undefined | null>(null, () => {
      this.#openBatch();
      return this.#rewriter.rewrite(bytes, at, size, this.#cursor, this);
    });
    if (rewritten === null) {
      this.#batchesUnopened++;
      this.#keepsTombstones = true;
      return this.#keptWhole(whole, count);
    }
    this.#recordsRead += this.#rewriter.recordsRead;
    this.#recordsKept += this.#rewriter.recordsKept;
    return rewritten;
  }

  #keptWhole(whole: Uint8Array, count: number): Uint8Array {
    this.#recordsRead += count;
    this.#recordsKept += count;
    return whole;
  }

  keeps(cursor: RecordCursor): boolean {
    const index = this.#recordIndex++;
    if (cursor.offset >= this.#cleanedTo) return true;
    if (cursor.keyStart < 0) return false;
    const number = cursor.offset < this.#job.firstDirtyOffset ? -1 : this.#firstNumber + index;
    if (this.#map.get(cursor.buffer, cursor.keyStart, cursor.keyEnd) > number) return false;
    return cursor.valueStart >= 0 || !this.#isHorizonOver;
  }

  #shareThread(): Promise<void> | undefined {
    if (this.#control.isStopped?.()) throw new Stopped();
    return this.#control.pause?.(this.#bytesRead);
  }

  async #finish({ cleaned }: Group): Promise<void> {
    if (!cleaned.isChanged) return;
    if (cleaned.bytes === 0) {
      await cleaned.append(this.#rewriter.emptied(this.#gone), 0, BATCH_HEADER_BYTES);
    }
    await cleaned.finish();
  }
}
