// The first pass: the last record of each key in the dirty part, whose records no run has seen before.
// Leaves to others: the table (key-map.ts), and what becomes of the records (batch-cleaner.ts).
//
// The records are numbered, so that a record needs 32 bits in the table, and that two bits can be kept for each record
// (record-marks.ts). A record without a key goes. If the table or the numbers are used up, the range ends at the first
// record that was not entered.
//
// Not entered, and not numbered, are
// - control batches, and batches of transactions: a transaction may have been aborted;
// - batches that can't be opened, because they decompress to too much or need a dictionary.
import {
  attributes,
  baseOffset,
  CONTROL_BIT,
  nextOffset,
  recordCount,
  TRANSACTIONAL_BIT,
} from "../../record/batch.js";
import type { CompactionJob, SourceSegment } from "./compaction-job.js";
import { KeyMap, LOAD_MAX, RECORD_NUMBER_MAX, SLOT_BYTES } from "./key-map.js";
import { MARK_BITS, RecordMarks } from "./record-marks.js";
import type { SourceBatches } from "./source-batches.js";

/** Part of the memory that is for marks: enough for 14 records to each key. */
const MARKS_SHARE = 1 / 8;

/** However little memory there is, a run makes progress. */
const KEYS_MIN = 1;
const RECORDS_MIN = 32;

export class DirtyKeys {
  readonly map: KeyMap;
  readonly marks: RecordMarks;
  readonly #firstDirtyOffset: number;
  /** End of the range: records from here on were not entered. */
  end: number;
  /** Numbers of the first records of segments, by base offset. */
  readonly #firstNumbers = new Map<number, number>();
  /** Base offsets of the batches that can't be opened. */
  readonly #unopened = new Set<number>();
  /** Number of the next record. */
  #number = 0;

  constructor({ firstDirtyOffset, endOffset, mapBytes }: CompactionJob) {
    this.#firstDirtyOffset = firstDirtyOffset;
    this.end = endOffset;
    // The records have different offsets.
    const recordsMax = Math.min(endOffset - firstDirtyOffset, RECORD_NUMBER_MAX);
    const marksBytes = mapBytes * MARKS_SHARE;
    const records = Math.max(RECORDS_MIN, Math.min((marksBytes * 8) / MARK_BITS, recordsMax));
    const keys = Math.floor(((mapBytes - marksBytes) / SLOT_BYTES) * LOAD_MAX);
    this.map = new KeyMap(Math.max(KEYS_MIN, Math.min(keys, recordsMax)));
    this.marks = new RecordMarks(Math.floor(records));
  }

  /** Notes that the next batches are those of this segment. */
  beginSegment({ baseOffset: base }: SourceSegment): void {
    this.#firstNumbers.set(base, this.#number);
  }

  /** Number of the first record of a segment that was entered. */
  firstNumber({ baseOffset: base }: SourceSegment): number {
    return this.#firstNumbers.get(base) ?? 0;
  }

  /** About which share of a segment stays. */
  keptShare(segment: SourceSegment, next: SourceSegment | undefined): number {
    const first = this.#firstNumbers.get(segment.baseOffset);
    if (first === undefined) return 1;
    const end = this.#firstNumbers.get(next?.baseOffset ?? -1) ?? this.#number;
    return end > first ? 1 - this.marks.countDropped(first, end - first) / (end - first) : 1;
  }

  /** Whether a batch is entered, at least in part. */
  includes(bytes: Uint8Array, at: number): boolean {
    if (nextOffset(bytes, at) <= this.#firstDirtyOffset) return false;
    if ((attributes(bytes, at) & (TRANSACTIONAL_BIT | CONTROL_BIT)) !== 0) return false;
    return !this.#unopened.has(baseOffset(bytes, at));
  }

  /** Checks and enters the current batch. Returns false once there is no room for more. */
  enter(source: SourceBatches): boolean {
    source.checkCrc();
    if (!this.includes(source.bytes, source.at)) return true;
    const before = this.#number;
    try {
      return this.#enterRecords(source);
    } catch (error) {
      if (!source.isUnopenable(error)) throw error;
      this.#number = before;
      this.#unopened.add(baseOffset(source.bytes, source.at));
      return true;
    }
  }

  #enterRecords(source: SourceBatches): boolean {
    const { map, marks } = this;
    const firstDirty = this.#firstDirtyOffset;
    const cursor = source.open();
    const firstNumber = this.#number;
    let number = firstNumber;
    let isFull = false;
    let missing = -1;
    while (cursor.next()) {
      if (cursor.offset < firstDirty) continue;
      isFull = number === marks.capacity;
      if (isFull) break;
      if (cursor.keyStart < 0) marks.drop(number);
      else {
        map.queue(cursor.buffer, cursor.keyStart, cursor.keyEnd, number);
        if (cursor.valueStart < 0) marks.noteTombstone(number);
      }
      number++;
      if (!map.isQueueFull) continue;
      missing = map.enterQueued(marks);
      if (missing >= 0) break;
    }
    if (missing < 0) missing = map.enterQueued(marks);
    if (missing < 0 && isFull) missing = number;
    this.#number = missing < 0 ? number : missing;
    if (missing < 0) return true;
    this.end = this.#offsetOf(source, missing - firstNumber);
    return false;
  }

  /** Offset of the record of the current batch that comes `index` records after the first dirty one. */
  #offsetOf(source: SourceBatches, index: number): number {
    const cursor = source.open();
    let left = index;
    while (cursor.next()) {
      if (cursor.offset >= this.#firstDirtyOffset && left-- === 0) return cursor.offset;
    }
    throw new Error(`a batch of ${recordCount(source.bytes, source.at)} records has no ${index}`);
  }
}
