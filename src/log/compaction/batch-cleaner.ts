// The second pass: what becomes of a batch. It stays as it is, or loses records, or goes.
// Leaves to others: the new batch (batch-rewrite.ts), and where it is written (compact-segments.ts).
//
// A record goes if
// - a later record with its key was entered in the first pass, or
// - it has no key, or
// - it is a tombstone whose delete horizon is over.
// For the records that were entered, the first pass knows. Only for the others are keys looked up.
//
// A batch of a transaction loses records, too, but its tombstones stay: they were not entered, so older records of their keys
// may be left. A batch that can't be opened stays as it is, and so do all tombstones after it, because it may contain
// records that they delete. The same goes for tombstones after a damaged segment.
import { OFFSET_MAX } from "../../limits.js";
import {
  attributes,
  baseOffset,
  CONTROL_BIT,
  lastOffset,
  nextOffset,
  producerId,
  recordCount,
  TRANSACTIONAL_BIT,
} from "../../record/batch.js";
import { deleteHorizon } from "../../record/delete-horizon.js";
import { BatchRewriter } from "./batch-rewrite.js";
import type { CompactionJob, SourceSegment } from "./compaction-job.js";
import type { DirtyKeys } from "./dirty-keys.js";
import type { SourceBatches } from "./source-batches.js";

/** What the second pass has done so far. */
export interface CleanerProgress {
  readonly recordsRead: number;
  readonly recordsKept: number;
  readonly batchesUnopened: number;
}

/** Marks of the records of a batch. */
const GOES = 0;
const STAYS = 1;
const TOMBSTONE_STAYS = 2;

const RECORDS_AT_FIRST = 1024;

export class BatchCleaner {
  readonly #job: CompactionJob;
  readonly #dirty: DirtyKeys;
  readonly #rewriter = new BatchRewriter();
  /** Last offsets of batches that stay. */
  readonly #lastOffsets: ReadonlySet<number>;
  readonly #horizonMs: number;
  /** A mark for each record of the batch. */
  #marks = new Uint8Array(RECORDS_AT_FIRST);
  /** For each of the records whose key was looked up, the number of the last one with this key, or -1. */
  #found = new Int32Array(RECORDS_AT_FIRST);
  /** Number of the next record that was entered. */
  #number = 0;
  #recordsRead = 0;
  #recordsKept = 0;
  #batchesUnopened = 0;
  #hasPassedDamage = false;

  constructor(job: CompactionJob, dirty: DirtyKeys) {
    this.#job = job;
    this.#dirty = dirty;
    this.#lastOffsets = new Set(job.lastBatches.map(({ lastOffset: last }) => last));
    this.#horizonMs = Math.min(job.nowMs + job.deleteRetentionMs, OFFSET_MAX);
  }

  get progress(): CleanerProgress {
    const [recordsRead, recordsKept] = [this.#recordsRead, this.#recordsKept];
    return { recordsRead, recordsKept, batchesUnopened: this.#batchesUnopened };
  }

  /** Continues before the first batch of a segment. */
  beginSegment(segment: SourceSegment, progress = this.progress): void {
    this.#number = this.#dirty.firstNumber(segment);
    this.#recordsRead = progress.recordsRead;
    this.#recordsKept = progress.recordsKept;
    this.#batchesUnopened = progress.batchesUnopened;
  }

  /** Keeps the tombstones from here on. */
  passDamage(): void {
    this.#hasPassedDamage = true;
  }

  /**
   * The current batch with the records that stay: a view of the same bytes if nothing changes, undefined if the batch
   * goes, or else a new batch that is valid until the next call. `bytesMax` is the largest size that it may have if the
   * only change is a delete horizon.
   */
  clean(source: SourceBatches, bytesMax: number): Uint8Array | undefined {
    const { bytes, at, size } = source;
    const whole = bytes.subarray(at, at + size);
    const count = recordCount(bytes, at);
    this.#recordsRead += count;
    const flags = attributes(bytes, at);
    if (baseOffset(bytes, at) >= this.#dirty.end || (flags & CONTROL_BIT) !== 0) {
      source.checkCrc();
      this.#recordsKept += count;
      return whole;
    }
    const horizon = deleteHorizon(bytes, at);
    const keepsTombstones =
      (flags & TRANSACTIONAL_BIT) !== 0 || this.#batchesUnopened > 0 || this.#hasPassedDamage;
    const dropsTombstones = !keepsTombstones && horizon !== undefined && this.#job.nowMs >= horizon;
    const selected = this.#select(source, count, dropsTombstones);
    if (selected === undefined) {
      this.#batchesUnopened++;
      this.#recordsKept += count;
      return whole;
    }
    const { kept, tombstones } = selected;
    this.#recordsKept += kept;
    if (kept === 0) {
      if (!this.#mustStay(bytes, at)) return undefined;
      return count === 0 ? whole : this.#rewriter.emptied(whole);
    }
    const setsHorizon = tombstones > 0 && horizon === undefined && !keepsTombstones;
    if (kept === count && !setsHorizon) return whole;
    source.checkCrc();
    return this.#rewriter.rewrite(source, {
      marks: this.#marks,
      kept,
      horizonMs: setsHorizon ? this.#horizonMs : undefined,
      bytesMax,
    });
  }

  /** Stands for a batch that went: with its offsets, and no records. */
  emptied(header: Uint8Array): Uint8Array {
    return this.#rewriter.emptied(header);
  }

  /** Whether a batch without records stays. */
  #mustStay(bytes: Uint8Array, at: number): boolean {
    if (nextOffset(bytes, at) === this.#job.endOffset) return true;
    return producerId(bytes, at) >= 0 && this.#lastOffsets.has(lastOffset(bytes, at));
  }

  /** Marks the records that stay. Undefined if the batch can't be opened. */
  #select(source: SourceBatches, count: number, dropsTombstones: boolean): Selected | undefined {
    if (this.#marks.length < count) {
      this.#marks = new Uint8Array(2 * count);
      this.#found = new Int32Array(2 * count);
    }
    const { bytes, at } = source;
    const isEntered = this.#dirty.includes(bytes, at);
    const isEnteredWhole =
      isEntered &&
      baseOffset(bytes, at) >= this.#job.firstDirtyOffset &&
      nextOffset(bytes, at) <= this.#dirty.end;
    if (isEnteredWhole) return this.#selectEntered(count, dropsTombstones);
    source.checkCrc();
    try {
      return this.#selectByKey(source, isEntered, dropsTombstones);
    } catch (error) {
      if (!source.isUnopenable(error)) throw error;
      return undefined;
    }
  }

  /** For a batch whose records were all entered: nothing is read. */
  #selectEntered(count: number, dropsTombstones: boolean): Selected {
    const { marks } = this.#dirty;
    const first = this.#number;
    this.#number += count;
    const alive = count - marks.countDropped(first, count);
    const tombstones = marks.countTombstones(first, count);
    const kept = dropsTombstones ? alive - tombstones : alive;
    if (kept > 0 && (kept < count || tombstones > 0)) {
      for (let i = 0; i < count; i++) {
        const goes =
          marks.isDropped(first + i) || (dropsTombstones && marks.isTombstone(first + i));
        this.#marks[i] = goes ? GOES : STAYS;
      }
    }
    return { kept, tombstones: dropsTombstones ? 0 : tombstones };
  }

  /** For any other batch. */
  #selectByKey(source: SourceBatches, isEntered: boolean, dropsTombstones: boolean): Selected {
    const { map, marks, end } = this.#dirty;
    const [stay, found] = [this.#marks, this.#found];
    const firstNumber = this.#number;
    const cursor = source.open();
    let count = 0;
    for (; cursor.next(); count++) {
      found[count] = -1;
      const isTombstone = cursor.valueStart < 0;
      if (cursor.offset >= end) {
        // A later run decides on it.
        stay[count] = STAYS;
      } else if (cursor.keyStart < 0 || (isTombstone && dropsTombstones)) {
        stay[count] = GOES;
        if (isEntered && cursor.offset >= this.#job.firstDirtyOffset) this.#number++;
      } else {
        stay[count] = isTombstone ? TOMBSTONE_STAYS : STAYS;
        if (isEntered && cursor.offset >= this.#job.firstDirtyOffset) {
          if (marks.isDropped(this.#number++)) stay[count] = GOES;
        } else {
          map.queue(cursor.buffer, cursor.keyStart, cursor.keyEnd, count);
          if (map.isQueueFull) map.lookUpQueued(found);
        }
      }
    }
    map.lookUpQueued(found);
    let kept = 0;
    let tombstones = 0;
    for (let i = 0; i < count; i++) {
      // Records of a transaction may be younger than those that were entered.
      if (found[i]! >= firstNumber) stay[i] = GOES;
      if (stay[i] !== GOES) kept++;
      if (stay[i] === TOMBSTONE_STAYS) tombstones++;
    }
    return { kept, tombstones };
  }
}

interface Selected {
  /** Number of records that stay. */
  readonly kept: number;
  /** Number of tombstones among them. */
  readonly tombstones: number;
}
