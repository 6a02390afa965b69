// The batches of one segment, by position, whose bytes may be damaged: whether a header is plausible, which offsets a
// batch really has, and whether it matches its CRC. Leaves to others: the bytes (log-bytes.ts), and searching the batches
// (segment-lookup.ts).
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
import type { LogBytes } from "./log-bytes.js";
import { segmentFileName } from "./segment-files.js";
import { VerifiedRanges } from "./verified-ranges.js";

/** Largest offset in the 32 bits of an index entry. A segment is rolled long before. */
const ENTRY_OFFSET_MAX = 0xffff_ffff;

/** Where a segment lies in its log. */
interface SegmentPlace {
  /** Offset in the name of the file; no record is below it. */
  readonly baseOffset: number;
  /** Base offset of the segment after this one; Infinity for the last one. */
  readonly endOffset: number;
  /** The partition's name. */
  readonly name: string;
}

export class SegmentBatches {
  readonly log: LogBytes;
  readonly baseOffset: number;
  /** The partition's name, for messages: `orders-3`. */
  readonly name: string;
  /** The batches that were found valid: their CRCs match, and their base offsets are right. */
  readonly verified = new VerifiedRanges();
  readonly #endOffset: number;

  constructor(log: LogBytes, { baseOffset, endOffset, name }: SegmentPlace) {
    this.log = log;
    this.baseOffset = baseOffset;
    this.#endOffset = endOffset;
    this.name = name;
  }

  /** Why the batch header at `position` is implausible; undefined if it is plausible. */
  fault(position: number, end: number): string | undefined {
    if (end - position < BATCH_HEADER_BYTES) return `${end - position} bytes are not a batch`;
    const { bytes, at } = this.log.header(position);
    if (magic(bytes, at) !== BATCH_MAGIC) return `magic is ${magic(bytes, at)}, not ${BATCH_MAGIC}`;
    const size = batchBytes(bytes, at);
    if (size < BATCH_HEADER_BYTES || size > end - position) {
      return `a batch of ${size} bytes does not fit the ${end - position} bytes that are left`;
    }
    return undefined;
  }

  /** Size of the batch at `position`. Throws CORRUPT_MESSAGE if its header is implausible. */
  sizeAt(position: number, end: number): number {
    const fault = this.fault(position, end);
    if (fault !== undefined) throw this.corrupt(position, fault);
    return this.statedSize(position);
  }

  // The header of the batch at `position`, as it stands.

  statedSize(position: number): number {
    const { bytes, at } = this.log.header(position);
    return batchBytes(bytes, at);
  }

  /** The base offset, which the CRC does not cover; NaN if it is impossible. */
  statedBaseOffset(position: number): number {
    const { bytes, at } = this.log.header(position);
    return safeI64(bytes, at + FIELD.baseOffset);
  }

  /** Last offset minus base offset. */
  lastDelta(position: number): number {
    const { bytes, at } = this.log.header(position);
    return lastOffsetDelta(bytes, at);
  }

  /** Largest timestamp, in milliseconds; -Infinity if the batch has no records or its timestamp is impossible. */
  maxTimestamp(position: number): number {
    const { bytes, at } = this.log.header(position);
    const stated = safeI64(bytes, at + FIELD.maxTimestamp);
    const isKnown = !Number.isNaN(stated) && recordCount(bytes, at) !== 0;
    return isKnown ? stated : Number.NEGATIVE_INFINITY;
  }

  /** Visits the batches from `from` on until `visit` returns false or a header is implausible. */
  walk(from: number, visit: (size: number, position: number) => boolean): void {
    let position = from;
    while (this.fault(position, this.log.size) === undefined) {
      const size = this.statedSize(position);
      if (!visit(size, position)) return;
      position += size;
    }
  }

  /** Whether a batch starts at `position` whose header gives `relativeOffset` as its last offset. */
  pointsAtBatch(position: number, relativeOffset: number): boolean {
    if (this.fault(position, this.log.size) !== undefined) return false;
    const last = this.statedBaseOffset(position) + this.lastDelta(position);
    return last === this.baseOffset + relativeOffset;
  }

  /** Whether the whole batch at `position` matches its CRC. Used only if something does not match. */
  isIntact(position: number): boolean {
    return this.isVerified(position) || this.log.faultAt(position, this.log.size) === undefined;
  }

  isVerified(position: number): boolean {
    return this.verified.verifiedFrom(position) > position;
  }

  /**
   * The base offset of the batch at `position`. `expected` follows from the batch at `previous`, or, without one, from a
   * file name or an index. If the header states another offset, there is a gap before the batch, or one of the two is
   * damaged; the neighbours decide.
   */
  trueBaseOffset(position: number, expected: number, previous: number | undefined): number {
    const stated = this.statedBaseOffset(position);
    if (stated === expected) return expected;
    const relative = stated - this.baseOffset;
    if (!(relative >= 0 && relative <= ENTRY_OFFSET_MAX)) return expected;
    const offsets = this.lastDelta(position) + 1;
    if (!isMisplaced(stated, expected, offsets, this.#nextStated(position))) return stated;
    // `expected` itself may be wrong.
    if (previous === undefined || this.isIntact(previous)) return expected;
    return stated > this.statedBaseOffset(previous) ? stated : expected;
  }

  /** Offset after the batch at `position`, whose base offset is `base`. */
  offsetAfter(position: number, base: number): number {
    const { bytes, at } = this.log.header(position);
    const count = recordCount(bytes, at);
    const delta = lastOffsetDelta(bytes, at);
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
    const after = position + this.statedSize(position);
    if (this.fault(after, this.log.size) === undefined) return this.statedBaseOffset(after);
    return after === this.log.size ? this.#endOffset : Number.POSITIVE_INFINITY;
  }

  /** An error that names topic, partition, segment and position. */
  corrupt(position: number, why: string): RustLogError {
    const file = segmentFileName(this.baseOffset, "log");
    return new RustLogError(
      "CORRUPT_MESSAGE",
      `${this.name}: segment ${file}, position ${position}: ${why}`,
    );
  }
}

/** A signed 64-bit integer; NaN where `readI64` would throw. */
function safeI64(bytes: Uint8Array, at: number): number {
  const value = readI32(bytes, at) * 2 ** 32 + readU32(bytes, at + 4);
  return Number.isSafeInteger(value) ? value : Number.NaN;
}
