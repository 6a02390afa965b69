// Scans a `.log` file from its start: checks every batch, continues after damage, and finds the end of the log.
// Leaves to others: handling damage and a torn tail (recovery.ts), and the search for batches (batch-walker.ts).
//
// A batch that was being written when the process ended is torn: the length in its header goes past the end of the
// file. The log ends there, whatever its records look like. But a damaged length looks the same. The CRC, which does
// not cover the length, decides: if it matches the bytes up to a batch with higher offsets, only the length is wrong.
// This way, bytes that look like batches inside the records of a damaged batch are not taken for batches of the log.
//
// A gap in the offsets is not damage. A base offset that overlaps a neighbour is (isMisplaced in record/batch.ts).
import {
  BATCH_HEADER_BYTES,
  baseOffset,
  batchBytes,
  crc,
  FIELD,
  findBatchFault,
  isMisplaced,
  lastOffset,
  lastOffsetDelta,
  newestTimestamp,
  nextOffset,
  stampBaseOffset,
} from "../../record/batch.js";
import { crc32c } from "../../record/crc32c.js";
import { RELATIVE_OFFSET_MAX } from "../../limits.js";
import { BatchWalker } from "../../record/batch-walker.js";
import type { ReadableFile } from "../../record/bytes.js";
import type { ProducerStates } from "../producer-states.js";
import { SegmentIndex } from "../index/segment-index.js";

/** Bytes of a log that are not a valid batch, followed by something that must be kept. */
export interface DamagedRange {
  readonly position: number;
  readonly bytes: number;
  /** First lost offset. */
  readonly offset: number;
  /** Offset of the first record after the damage. */
  readonly nextOffset: number;
  readonly reason: string;
}

export interface SegmentScan {
  readonly index: SegmentIndex;
  /** End of the log: after its last batch, or after the last damage that must be kept. */
  readonly bytes: number;
  readonly nextOffset: number;
  /** Why the log ends before the end of the file; undefined if it does not. */
  readonly fault: string | undefined;
  readonly damage: readonly DamagedRange[];
}

/** Facts known about a segment before the scan. */
interface ScanHints {
  /**
   * From this position on, damage ends the log, even if whole batches follow: the machine stopped, and may have written
   * later pages before earlier ones.
   */
  readonly unorderedFrom: number;
  /**
   * Notes of a clean stop about this segment or a later one. A file of that length or less must not be truncated, and
   * no offset below `nextOffset` may be reused.
   */
  readonly noted: { readonly bytes: number; readonly nextOffset: number } | undefined;
}

const COPY_BYTES = 256 * 1024;

/** Maximum number of searches over the whole file for the ends of batches with a wrong length. */
const LENGTH_SEARCH_PASSES = 4;

/** Scans a log file. Adds its batches to `producers`, which must hold the state as of its first offset. */
export function scanSegment(
  file: ReadableFile,
  segmentBaseOffset: number,
  producers: ProducerStates,
  { unorderedFrom, noted }: ScanHints,
): SegmentScan {
  const index = new SegmentIndex();
  const damage: DamagedRange[] = [];
  const walker = new BatchWalker(file);
  const search = new DamageSearch(walker, file);
  let position = 0;
  let due = segmentBaseOffset;
  let isBehindDamage = false;
  let fault: string | undefined;
  while (position < file.size) {
    fault = walker.faultAt(position)?.message;
    const at = walker.at(position);
    // After damage, the batch's own base offset counts.
    if (fault === undefined && !isBehindDamage) {
      fault = offsetFault(walker, position, due, segmentBaseOffset, noted);
    }
    if (fault === undefined) {
      const { bytes } = walker;
      const size = batchBytes(bytes, at);
      const relative = lastOffset(bytes, at) - segmentBaseOffset;
      const timestamp = newestTimestamp(bytes, at);
      index.add(relative, position, size, timestamp);
      producers.note(bytes, at);
      position += size;
      due = nextOffset(bytes, at);
      isBehindDamage = false;
      continue;
    }
    const end = position < unorderedFrom ? search.endOf(position, due) : undefined;
    if (end !== undefined && end.baseOffset - segmentBaseOffset <= RELATIVE_OFFSET_MAX) {
      const bytes = end.position - position;
      damage.push({ position, bytes, offset: due, nextOffset: end.baseOffset, reason: fault });
      position = end.position;
      due = end.baseOffset;
      index.passDamage();
      isBehindDamage = true;
      continue;
    }
    break;
  }
  const lost = noted === undefined ? undefined : findLoss(file.size, position, due, noted);
  if (lost !== undefined) {
    damage.push(fault === undefined ? lost : { ...lost, reason: fault });
    position += lost.bytes;
    due = lost.nextOffset;
    fault = undefined;
  }
  return { index, bytes: position, nextOffset: due, fault, damage };
}

/** Why the base offset of the batch at `position` can't be right, or undefined. */
function offsetFault(
  walker: BatchWalker,
  position: number,
  due: number,
  segmentBaseOffset: number,
  noted: ScanHints["noted"],
): string | undefined {
  const { bytes } = walker;
  const at = walker.at(position);
  const stated = baseOffset(bytes, at);
  if (stated === due) return undefined;
  const end = position + batchBytes(bytes, at);
  const next = end === noted?.bytes ? noted.nextOffset : walker.baseOffsetAt(end);
  const fits = lastOffset(bytes, at) - segmentBaseOffset <= RELATIVE_OFFSET_MAX;
  if (fits && !isMisplaced(stated, due, lastOffsetDelta(bytes, at) + 1, next)) return undefined;
  return `a batch has base offset ${stated}, not ${due}`;
}

/** The loss of records that a clean stop had noted, from `position` to the end of the file. */
function findLoss(
  size: number,
  position: number,
  due: number,
  { nextOffset: noted }: NonNullable<ScanHints["noted"]>,
): DamagedRange | undefined {
  if (!Number.isSafeInteger(noted) || due >= noted) return undefined;
  const reason = `the log ended with offset ${noted - 1} at the clean stop`;
  return { position, bytes: size - position, offset: due, nextOffset: noted, reason };
}

/** The first whole batch after damage. */
interface EndOfDamage {
  readonly position: number;
  readonly baseOffset: number;
}

export class DamageSearch {
  readonly #walker: BatchWalker;
  readonly #file: ReadableFile;
  /** Bytes that may still be searched for the end of a batch with a wrong length. */
  #budget: number;

  /** `walker` walks the same file; it must not have passed a position given to `endOf`. */
  constructor(walker: BatchWalker, file: ReadableFile) {
    this.#walker = walker;
    this.#file = file;
    this.#budget = LENGTH_SEARCH_PASSES * file.size;
  }

  /**
   * The first whole batch after the damage at `position`, where offset `due` is expected; undefined for a torn tail.
   */
  endOf(position: number, due: number): EndOfDamage | undefined {
    const file = this.#file;
    const header = new Uint8Array(BATCH_HEADER_BYTES);
    if (file.read(header, position) < BATCH_HEADER_BYTES) return undefined;
    // The batch ends where its header says, unless its length is damaged.
    const statedEnd = position + batchBytes(header, 0);
    const stated = statedEnd > position ? this.#wholeBatchAt(statedEnd) : undefined;
    if (stated !== undefined && stated.baseOffset > due) return stated;
    const first = this.#batchAt(this.#walker.findNext(position, undefined, due));
    if (first === undefined) return undefined;
    const isIntact =
      findBatchFault(header, 0, Number.MAX_SAFE_INTEGER, false) === undefined &&
      baseOffset(header, 0) >= due;
    // The CRC does not cover the base offset.
    if (!isIntact) stampBaseOffset(header, 0, due);
    const end = this.#endOfWrongLength(position, header, first, due);
    if (end !== undefined) return end;
    // The length is right and the batch is torn: a batch found inside it is record data.
    return isIntact && statedEnd > file.size ? undefined : first;
  }

  /** The batch that follows one with this header, if only the length of the header is wrong. */
  #endOfWrongLength(
    position: number,
    header: Uint8Array,
    first: EndOfDamage,
    due: number,
  ): EndOfDamage | undefined {
    const batch = new BatchOfUnknownLength(this.#file, position, header);
    // A separate walker, because `walker` must not go past the batch that is found here.
    const ahead = new BatchWalker(this.#file);
    let found: EndOfDamage | undefined = first;
    while (found !== undefined && this.#budget > 0) {
      if (batch.endsAt(found.position, found.baseOffset)) return found;
      const next = ahead.findNext(found.position, undefined, due);
      this.#budget -= next - found.position;
      found = this.#batchAt(next);
    }
    return undefined;
  }

  #wholeBatchAt(position: number): EndOfDamage | undefined {
    const isWhole =
      position < this.#file.size && new BatchWalker(this.#file).faultAt(position) === undefined;
    return isWhole ? this.#batchAt(position) : undefined;
  }

  #batchAt(position: number): EndOfDamage | undefined {
    if (position >= this.#file.size) return undefined;
    const header = new Uint8Array(BATCH_HEADER_BYTES);
    this.#file.read(header, position);
    return { position, baseOffset: baseOffset(header, 0) };
  }
}

/** A batch with a valid header except for its length. Candidate ends must be tried in ascending order. */
class BatchOfUnknownLength {
  readonly #file: ReadableFile;
  readonly #header: Uint8Array;
  #at: number;
  #crc = 0;

  constructor(file: ReadableFile, position: number, header: Uint8Array) {
    this.#file = file;
    this.#header = header;
    this.#at = position + FIELD.attributes;
  }

  /** Whether it ends at `end`, where a batch with this base offset begins. */
  endsAt(end: number, base: number): boolean {
    if (base < nextOffset(this.#header, 0)) return false;
    const buffer = new Uint8Array(Math.min(COPY_BYTES, Math.max(0, end - this.#at)));
    while (this.#at < end) {
      const wanted = Math.min(buffer.length, end - this.#at);
      const count = this.#file.read(buffer.subarray(0, wanted), this.#at);
      if (count === 0) return false;
      this.#crc = crc32c(buffer, 0, count, this.#crc);
      this.#at += count;
    }
    return this.#crc === crc(this.#header, 0);
  }
}
