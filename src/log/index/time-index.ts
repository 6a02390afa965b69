// The time index of one segment: maps a timestamp to the offset where searching starts.
// Leaves to others: the index file (index-file.ts), and the log from which it can be rebuilt.
//
//   entry (12 bytes, big-endian; Kafka's layout)
//    0 timestamp      i64   largest timestamp of any record up to and with the batch named next
//    8 relativeOffset u32   last offset of the batch that has it, less the segment's base offset
//
// Timestamps come from clients and may go backwards. Entries hold running maxima, so they always ascend. The last entry
// of a sealed segment is the largest timestamp of the segment.
import { grown, NO_BYTES, readI64, readU32, writeI64, writeU32 } from "../../record/bytes.js";
import { OFFSET_MAX } from "../../limits.js";
import { firstNotBefore } from "../../binary-search.js";
import type { EntryTrace } from "./entry-trace.js";

export const TIME_ENTRY_BYTES = 12;

const FIRST_BYTES = 64 * TIME_ENTRY_BYTES;

/** Entries that ascend in both timestamp and offset. */
export class TimeIndex {
  readonly entryBytes = TIME_ENTRY_BYTES;
  #bytes: Uint8Array;
  #count: number;

  /** `bytes` are the entries so far. They must have passed `timeIndexFault`, and may be a read-only mapping. */
  constructor(bytes: Uint8Array = NO_BYTES) {
    this.#bytes = bytes;
    this.#count = Math.floor(bytes.length / TIME_ENTRY_BYTES);
  }

  get count(): number {
    return this.#count;
  }

  /** Timestamp of entry `i`, in milliseconds. */
  timestamp(i: number): number {
    return readI64(this.#bytes, i * TIME_ENTRY_BYTES);
  }

  relativeOffset(i: number): number {
    return readU32(this.#bytes, i * TIME_ENTRY_BYTES + 8);
  }

  /** Number of the last entry whose timestamp is below `timestamp`, or -1. */
  lookupBelow(timestamp: number, trace?: EntryTrace): number {
    const isBelow = (i: number): boolean => {
      trace?.comparedEntry(i, this.timestamp(i));
      return this.timestamp(i) < timestamp;
    };
    return firstNotBefore(this.#count, isBelow) - 1;
  }

  /** Adds an entry if its timestamp and offset are above the last entry's; otherwise it would add no information. */
  appendIfLater(timestamp: number, relativeOffset: number): void {
    if (this.#count > 0) {
      const last = this.#count - 1;
      if (timestamp <= this.timestamp(last) || relativeOffset <= this.relativeOffset(last)) return;
    }
    const at = this.#count * TIME_ENTRY_BYTES;
    if (at === this.#bytes.length) this.#bytes = grown(this.#bytes, FIRST_BYTES);
    writeI64(this.#bytes, at, timestamp);
    writeU32(this.#bytes, at + 8, relativeOffset);
    this.#count++;
  }

  /** Keeps only the first `count` entries, after the log was truncated. */
  truncate(count: number): void {
    this.#count = Math.min(this.#count, count);
  }

  /** View of the entries from `first` up to but not including `end`, in file format. */
  bytesFrom(first: number, end = this.#count): Uint8Array {
    return this.#bytes.subarray(first * TIME_ENTRY_BYTES, end * TIME_ENTRY_BYTES);
  }
}

/** Describes what is wrong with a time index; undefined if it is well-formed. */
export function timeIndexFault(bytes: Uint8Array): string | undefined {
  if (bytes.length % TIME_ENTRY_BYTES !== 0) {
    return `${bytes.length} bytes is not a multiple of ${TIME_ENTRY_BYTES}`;
  }
  let lastTimestamp = Number.NEGATIVE_INFINITY;
  let lastOffset = -1;
  for (let at = 0; at < bytes.length; at += TIME_ENTRY_BYTES) {
    // Read in halves: `readI64` throws for a damaged value that is not a safe integer.
    const high = readU32(bytes, at) | 0;
    const timestamp = high * 2 ** 32 + readU32(bytes, at + 4);
    const offset = readU32(bytes, at + 8);
    if (Math.abs(timestamp) > OFFSET_MAX) return `entry at byte ${at} has an impossible timestamp`;
    if (timestamp <= lastTimestamp || offset <= lastOffset) {
      return `entry at byte ${at} does not ascend`;
    }
    lastTimestamp = timestamp;
    lastOffset = offset;
  }
  return undefined;
}
