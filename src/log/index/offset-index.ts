// The offset index of one segment: maps an offset to the byte position where scanning starts.
// Leaves to others: the index file (index-file.ts), and the log from which it can be rebuilt.
//
//   entry (8 bytes, big-endian; Kafka's layout)
//    0 relativeOffset u32   last offset of a batch, less the segment's base offset
//    4 position       u32   where that batch starts in the .log file
//
// Sparse: the first batch that starts more than INDEX_INTERVAL_BYTES after the last indexed one gets an entry. The file
// has no checksum: it can be rebuilt from the log at any time, and every use of an entry is checked against the batch
// it points at. A bad index can make a lookup slow, never wrong.
import { grown, NO_BYTES, readU32, writeU32 } from "../../record/bytes.js";
import type { EntryTrace } from "./entry-trace.js";

export const OFFSET_ENTRY_BYTES = 8;

const FIRST_BYTES = 64 * OFFSET_ENTRY_BYTES;

/** Entries that ascend in both offset and position. */
export class OffsetIndex {
  readonly entryBytes = OFFSET_ENTRY_BYTES;
  #bytes: Uint8Array;
  #count: number;

  /** `bytes` are the entries so far. They must have passed `offsetIndexFault`, and may be a read-only mapping. */
  constructor(bytes: Uint8Array = NO_BYTES) {
    this.#bytes = bytes;
    this.#count = Math.floor(bytes.length / OFFSET_ENTRY_BYTES);
  }

  get count(): number {
    return this.#count;
  }

  /** Relative offset of entry `i`: the last offset of the batch it points at. */
  relativeOffset(i: number): number {
    return readU32(this.#bytes, i * OFFSET_ENTRY_BYTES);
  }

  /** Position in the log of the batch that entry `i` points at. */
  position(i: number): number {
    return readU32(this.#bytes, i * OFFSET_ENTRY_BYTES + 4);
  }

  /** Number of the last entry whose offset is at or below `relativeOffset`, or -1. */
  lookup(relativeOffset: number, trace?: EntryTrace): number {
    return this.#lastAtOrBelow(relativeOffset, 0, trace);
  }

  /** Number of the last entry whose position is at or below `position`, or -1. */
  lookupPosition(position: number): number {
    return this.#lastAtOrBelow(position, 4, undefined);
  }

  /** Number of the last entry whose field at byte `field` is at or below `value`, or -1. */
  #lastAtOrBelow(value: number, field: 0 | 4, trace: EntryTrace | undefined): number {
    const bytes = this.#bytes;
    let low = 0;
    let high = this.#count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const found = readU32(bytes, middle * OFFSET_ENTRY_BYTES + field);
      trace?.comparedEntry(middle, found);
      if (found <= value) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  /** Adds an entry above all others. */
  append(relativeOffset: number, position: number): void {
    const at = this.#count * OFFSET_ENTRY_BYTES;
    if (at === this.#bytes.length) this.#bytes = grown(this.#bytes, FIRST_BYTES);
    writeU32(this.#bytes, at, relativeOffset);
    writeU32(this.#bytes, at + 4, position);
    this.#count++;
  }

  /** Keeps only the first `count` entries, after the log was truncated. */
  truncate(count: number): void {
    this.#count = Math.min(this.#count, count);
  }

  /** View of the entries from `first` up to but not including `end`, in file format. */
  bytesFrom(first: number, end = this.#count): Uint8Array {
    return this.#bytes.subarray(first * OFFSET_ENTRY_BYTES, end * OFFSET_ENTRY_BYTES);
  }
}

/** Describes what is wrong with an offset index of a log of `logBytes`; undefined if it is well-formed. */
export function offsetIndexFault(bytes: Uint8Array, logBytes: number): string | undefined {
  if (bytes.length % OFFSET_ENTRY_BYTES !== 0) {
    return `${bytes.length} bytes is not a multiple of ${OFFSET_ENTRY_BYTES}`;
  }
  let lastOffset = -1;
  let lastPosition = -1;
  for (let at = 0; at < bytes.length; at += OFFSET_ENTRY_BYTES) {
    const offset = readU32(bytes, at);
    const position = readU32(bytes, at + 4);
    if (offset <= lastOffset || position <= lastPosition)
      return `entry at byte ${at} does not ascend`;
    if (position >= logBytes) return `entry at byte ${at} points past the end of the log`;
    lastOffset = offset;
    lastPosition = position;
  }
  return undefined;
}
