// Batch headers of one segment whose bytes may be damaged: checks that headers are plausible, and determines the
// offsets of batches. Leaves to others: the source of the bytes, and searching them (segment.ts).
//
// The CRC of a batch does not cover its base offset. Offsets ascend and may have gaps, so a base offset is right unless it
// overlaps a neighbour: the batch before it, the one after it, or the next segment.
import { RustLogError } from "../../errors.js";
import {
  BATCH_HEADER_BYTES,
  BATCH_MAGIC,
  batchBytes,
  FIELD,
  isMisplaced,
  lastOffsetDelta,
  magic,
  recordCount,
} from "../../record/batch.js";
import { readI32, readU32 } from "../../record/bytes.js";
import { segmentFileName } from "./segment-files.js";

/** Largest offset in the 32 bits of an index entry. A segment is rolled long before. */
const ENTRY_OFFSET_MAX = 0xffff_ffff;

/** Access to batches by position, in bytes from the start of the `.log` file. */
export abstract class SegmentHeaders {
  /** Offset in the name of the file; no record is below it. */
  readonly baseOffset: number;
  /** The partition's name, for messages: `orders-3`. */
  protected readonly partitionName: string;

  constructor(baseOffset: number, partitionName: string) {
    this.baseOffset = baseOffset;
    this.partitionName = partitionName;
  }

  /** Length of the `.log` file, in bytes. */
  abstract readonly fileBytes: number;

  /** Base offset of the segment after this one; Infinity for the last one. */
  abstract readonly endOffset: number;

  /** Bytes that contain the whole header of the batch at `position`, at index `headerAt`. */
  protected abstract headerBytes(position: number): Uint8Array;

  /** Index of the header in the last `headerBytes`. A field rather than a result, to avoid allocation. */
  protected headerAt = 0;

  /** Whether the whole batch at `position` matches its CRC. Used only if something does not match. */
  protected abstract isIntact(position: number): boolean;

  /** Whether there should be a batch at `position`, but it is damaged. */
  isDamagedAt(position: number, end: number): boolean {
    return position < end && this.headerFault(position, end) !== undefined;
  }

  /** Size of the batch at `position`. Throws CORRUPT_MESSAGE if its header is implausible. */
  protected batchSizeAt(position: number, end: number): number {
    const fault = this.headerFault(position, end);
    if (fault !== undefined) throw this.corrupt(position, fault);
    return batchBytes(this.headerBytes(position), this.headerAt);
  }

  /** Base offset in the header of the batch at `position`, which its CRC does not cover; NaN if impossible. */
  protected statedBaseOffset(position: number): number {
    return safeI64(this.headerBytes(position), this.headerAt + FIELD.baseOffset);
  }

  /** Largest timestamp of the batch at `position`; -Infinity if it has no records or an impossible timestamp. */
  protected maxTimestampAt(position: number): number {
    const bytes = this.headerBytes(position);
    const stated = safeI64(bytes, this.headerAt + FIELD.maxTimestamp);
    const isKnown = !Number.isNaN(stated) && recordCount(bytes, this.headerAt) !== 0;
    return isKnown ? stated : Number.NEGATIVE_INFINITY;
  }

  /**
   * The base offset of the batch at `position`. `expected` follows from the batch at `previous`, or, without one, from a
   * file name or an index. If the header states another offset, there is a gap before the batch, or one of the two is
   * damaged; the neighbours decide.
   */
  protected trueBaseOffset(
    position: number,
    expected: number,
    previous: number | undefined,
  ): number {
    const stated = this.statedBaseOffset(position);
    if (stated === expected) return expected;
    const relative = stated - this.baseOffset;
    if (!(relative >= 0 && relative <= ENTRY_OFFSET_MAX)) return expected;
    const offsets = this.lastDeltaAt(position) + 1;
    if (!isMisplaced(stated, expected, offsets, this.#nextStated(position))) return stated;
    // `expected` itself may be wrong.
    if (previous === undefined || this.isIntact(previous)) return expected;
    return stated > this.statedBaseOffset(previous) ? stated : expected;
  }

  /** Offset after the batch at `position`, whose base offset is `base`. */
  protected offsetAfter(position: number, base: number): number {
    const bytes = this.headerBytes(position);
    const count = recordCount(bytes, this.headerAt);
    const delta = lastOffsetDelta(bytes, this.headerAt);
    if (count === delta + 1 && count > 0) return base + count;
    // It was compacted, or one of the two is wrong. A matching neighbour is enough, to save computing CRCs.
    const next = this.#nextStated(position);
    const isPossible = delta >= 0 && count >= 0 && count <= delta + 1;
    const fits = next > base + delta && next !== Number.POSITIVE_INFINITY;
    if (isPossible && (fits || this.isIntact(position))) return base + delta + 1;
    // It is damaged; the next batch shows where it should have ended.
    return next > base && next - base <= ENTRY_OFFSET_MAX
      ? next
      : base + Math.max(1, Math.min(count, delta + 1));
  }

  /** Base offset of the batch after the one at `position`, or of the next segment; Infinity if there is neither. */
  #nextStated(position: number): number {
    const after = position + batchBytes(this.headerBytes(position), this.headerAt);
    if (this.headerFault(after, this.fileBytes) === undefined) return this.statedBaseOffset(after);
    return after === this.fileBytes ? this.endOffset : Number.POSITIVE_INFINITY;
  }

  /** Last offset minus base offset, from the header of the batch at `position`. */
  protected lastDeltaAt(position: number): number {
    return lastOffsetDelta(this.headerBytes(position), this.headerAt);
  }

  /** Why the batch header at `position` is implausible; undefined if it is plausible. */
  protected headerFault(position: number, end: number): string | undefined {
    if (end - position < BATCH_HEADER_BYTES) return `${end - position} bytes are not a batch`;
    const bytes = this.headerBytes(position);
    const found = magic(bytes, this.headerAt);
    if (found !== BATCH_MAGIC) return `magic is ${found}, not ${BATCH_MAGIC}`;
    const size = batchBytes(bytes, this.headerAt);
    if (size < BATCH_HEADER_BYTES || size > end - position) {
      return `a batch of ${size} bytes does not fit the ${end - position} bytes that are left`;
    }
    return undefined;
  }

  /** Visits the batches from `from` on until `visit` returns false or a header is implausible. */
  protected walk(from: number, visit: (size: number, position: number) => boolean): void {
    let position = from;
    while (this.headerFault(position, this.fileBytes) === undefined) {
      const size = batchBytes(this.headerBytes(position), this.headerAt);
      if (!visit(size, position)) return;
      position += size;
    }
  }

  /** Whether a batch starts at `position` whose header gives `relativeOffset` as its last offset. */
  protected pointsAtBatch(position: number, relativeOffset: number): boolean {
    if (this.headerFault(position, this.fileBytes) !== undefined) return false;
    const last = this.statedBaseOffset(position) + this.lastDeltaAt(position);
    return last === this.baseOffset + relativeOffset;
  }

  /** An error that names topic, partition, segment and position. */
  protected corrupt(position: number, why: string): RustLogError {
    const file = segmentFileName(this.baseOffset, "log");
    return new RustLogError(
      "CORRUPT_MESSAGE",
      `${this.partitionName}: segment ${file}, position ${position}: ${why}`,
    );
  }
}

/** A signed 64-bit integer; NaN where `readI64` would throw. */
function safeI64(bytes: Uint8Array, at: number): number {
  const value = readI32(bytes, at) * 2 ** 32 + readU32(bytes, at + 4);
  return Number.isSafeInteger(value) ? value : Number.NaN;
}
