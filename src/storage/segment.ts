// Reading one log segment: which batch holds an offset or a timestamp, and where a run of batches ends.
// Leaves to others: where the bytes come from (sealed-segment.ts: a mapping; active-segment.ts: the file
// that is being written), and which segment to ask (log.ts).
import { RustLogError } from "../errors.ts";
import {
  BATCH_HEADER_BYTES,
  baseOffset,
  batchBytes,
  lastOffset,
  magic,
  maxTimestamp,
} from "../record/batch.ts";
import { readU32 } from "../record/bytes.ts";
import type { LogSlice } from "./log-slice.ts";
import { segmentFileName } from "./segment-files.ts";
import { SegmentIndex } from "./segment-index.ts";

/** Where a timestamp was found: the first batch that has a record at or after it. */
export interface TimestampMatch {
  /** Base offset of that batch. */
  readonly offset: number;
  /** Largest timestamp in that batch, in milliseconds. */
  readonly timestamp: number;
}

const SAFE_INTEGER_HIGH_BITS_MAX = 0x1f_ffff;

const OFFSET_MISMATCH = "an offset index entry does not match the log";

/** What all segments can do, sealed or active. Positions are bytes from the start of the `.log` file. */
export abstract class LogSegment {
  /** Offset of the first record; the name of the file. */
  readonly baseOffset: number;
  /** The partition's name, for messages: `orders-3`. */
  protected readonly partitionName: string;

  constructor(baseOffset: number, partitionName: string) {
    this.baseOffset = baseOffset;
    this.partitionName = partitionName;
  }

  /** Length of what may be read, in bytes. */
  abstract readonly bytes: number;

  /** Length of the `.log` file, in bytes. */
  abstract readonly fileBytes: number;

  /** The indexes, checked against the log as far as that is cheap; damaged ones are rebuilt first. */
  protected abstract index(): SegmentIndex;

  /**
   * Called when an index entry does not match the batch at `position`: either rebuilds the indexes from the
   * log, after which the caller tries again, or throws CORRUPT_MESSAGE because the log must be what is wrong.
   */
  protected abstract repairIndex(position: number, reason: string): void;

  /** Bytes in which a whole batch header stands at `headerAt`, for the batch at `position`. */
  protected abstract headerBytes(position: number): Uint8Array;

  /** Where in the last `headerBytes` the header stands: set by that call, so that none allocates. */
  protected headerAt = 0;

  /** A run of whole batches, from `position`. */
  abstract slice(position: number, bytes: number): LogSlice;

  /**
   * Position of the batch that holds `offset`, or of the first one after it; `end` when there is none
   * before `end`. Throws CORRUPT_MESSAGE naming the place when the way there is damaged.
   */
  locate(offset: number, end: number): number {
    const entry = this.index().offsets.lookup(offset - this.baseOffset);
    let position = 0;
    if (entry >= 0) {
      if (!this.#entryHolds(entry)) {
        this.repairIndex(this.index().offsets.position(entry), OFFSET_MISMATCH);
        return this.locate(offset, end);
      }
      position = this.index().offsets.position(entry);
    }
    while (position < end) {
      const size = this.batchSizeAt(position, end);
      if (lastOffset(this.headerBytes(position), this.headerAt) >= offset) return position;
      position += size;
    }
    return end;
  }

  /** The largest end of a run of whole batches from `position` within `bytesMax`, of one batch at least. */
  boundary(position: number, bytesMax: number, end: number): number {
    if (end - position <= bytesMax) return end;
    const limit = position + bytesMax;
    const offsets = this.index().offsets;
    const entry = offsets.lookupPosition(limit);
    let at = position;
    if (entry >= 0 && offsets.position(entry) > position) {
      if (!this.#entryHolds(entry)) {
        this.repairIndex(offsets.position(entry), OFFSET_MISMATCH);
        return this.boundary(position, bytesMax, end);
      }
      at = offsets.position(entry);
    }
    for (;;) {
      // What comes before damage can be served; the read that begins at it says what is wrong.
      if (at > position && this.isDamagedAt(at, end)) return at;
      const next = at + this.batchSizeAt(at, end);
      if (next > limit) return at > position ? at : next;
      at = next;
    }
  }

  /** The first batch that has a record at or after `timestamp` and starts before `end`, or undefined. */
  findTimestamp(timestamp: number, end: number): TimestampMatch | undefined {
    const index = this.index();
    if (index.maxTimestamp < timestamp) return undefined;
    const entry = index.times.lookupBelow(timestamp);
    let position = 0;
    if (entry >= 0) {
      const offset = this.baseOffset + index.times.relativeOffset(entry);
      position = this.locate(offset, this.bytes);
      const holds =
        position < this.bytes &&
        lastOffset(this.headerBytes(position), this.headerAt) === offset &&
        maxTimestamp(this.headerBytes(position), this.headerAt) === index.times.timestamp(entry);
      if (!holds) {
        this.repairIndex(position, "a time index entry does not match the log");
        return this.findTimestamp(timestamp, end);
      }
    }
    while (position < end) {
      const size = this.batchSizeAt(position, end);
      const bytes = this.headerBytes(position);
      const found = maxTimestamp(bytes, this.headerAt);
      if (found >= timestamp) {
        return { offset: this.baseOffsetAt(position), timestamp: found };
      }
      position += size;
    }
    return undefined;
  }

  /** Whether there is no plausible batch header at `position`, although there should be one before `end`. */
  isDamagedAt(position: number, end: number): boolean {
    return position < end && this.headerFault(position, end) !== undefined;
  }

  /** Base offset of the batch at `position`. */
  baseOffsetAt(position: number): number {
    return baseOffset(this.headerBytes(position), this.headerAt);
  }

  /** Size of the batch at `position`, once its header is plausible; throws CORRUPT_MESSAGE otherwise. */
  protected batchSizeAt(position: number, end: number): number {
    const fault = this.headerFault(position, end);
    if (fault !== undefined) throw this.corrupt(position, fault);
    return batchBytes(this.headerBytes(position), this.headerAt);
  }

  /** An error that names topic, partition, segment and position. */
  protected corrupt(position: number, why: string): RustLogError {
    const file = segmentFileName(this.baseOffset, "log");
    return new RustLogError(
      "CORRUPT_MESSAGE",
      `${this.partitionName}: segment ${file}, position ${position}: ${why}`,
    );
  }

  /**
   * Indexes made by walking the batch headers of the log. Where the log is damaged the walk goes on at the
   * next entry of `hints` that does point at a batch, so that damage stays where it is.
   */
  protected walkIndex(hints: SegmentIndex | undefined): SegmentIndex {
    const built = new SegmentIndex();
    let position = 0;
    while (position < this.fileBytes) {
      if (this.headerFault(position, this.fileBytes) !== undefined) {
        const next = this.#resumeAfter(position, hints);
        if (next === undefined) break;
        position = next;
        continue;
      }
      const bytes = this.headerBytes(position);
      const size = batchBytes(bytes, this.headerAt);
      built.add(
        lastOffset(bytes, this.headerAt) - this.baseOffset,
        position,
        size,
        maxTimestamp(bytes, this.headerAt),
      );
      position += size;
    }
    return built;
  }

  #resumeAfter(position: number, hints: SegmentIndex | undefined): number | undefined {
    if (hints === undefined) return undefined;
    const { offsets } = hints;
    for (let entry = offsets.lookupPosition(position) + 1; entry < offsets.count; entry++) {
      if (this.pointsAtBatch(offsets.position(entry), offsets.relativeOffset(entry))) {
        return offsets.position(entry);
      }
    }
    return undefined;
  }

  #entryHolds(entry: number): boolean {
    const { offsets } = this.index();
    return this.pointsAtBatch(offsets.position(entry), offsets.relativeOffset(entry));
  }

  /** Whether a batch that ends with the given offset starts at `position`. */
  protected pointsAtBatch(position: number, relativeOffset: number): boolean {
    if (this.headerFault(position, this.fileBytes) !== undefined) return false;
    const last = lastOffset(this.headerBytes(position), this.headerAt);
    return last === this.baseOffset + relativeOffset;
  }

  /** Why there is no plausible batch header at `position`, or undefined. */
  protected headerFault(position: number, end: number): string | undefined {
    if (end - position < BATCH_HEADER_BYTES) return `${end - position} bytes are no batch`;
    const bytes = this.headerBytes(position);
    const found = magic(bytes, this.headerAt);
    if (found !== 2) return `magic is ${found}, not 2`;
    const size = batchBytes(bytes, this.headerAt);
    if (size < BATCH_HEADER_BYTES || size > end - position) {
      return `a batch of ${size} bytes does not fit the ${end - position} bytes that are left`;
    }
    // The base offset lies outside the CRC. Offsets are safe integers: 21 bits above the lower 32.
    if (readU32(bytes, this.headerAt) > SAFE_INTEGER_HIGH_BITS_MAX)
      return "an impossible base offset";
    const offset = baseOffset(bytes, this.headerAt);
    if (offset < this.baseOffset) {
      return `base offset ${offset} is below the segment's ${this.baseOffset}`;
    }
    return undefined;
  }
}
