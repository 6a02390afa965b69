// The offset index of one segment: which byte position to start scanning from, for an offset.
// Leaves to others: the file it is kept in (index-file.ts), and the log that it can be rebuilt from.
//
//   entry (8 bytes, big-endian; Kafka's layout)
//    0 relativeOffset u32   last offset of a batch, less the segment's base offset
//    4 position       u32   where that batch starts in the .log file
//
// Sparse: an entry for the first batch that starts more than INDEX_INTERVAL_BYTES after the last indexed
// one. It carries no checksum because it can be rebuilt from the log at any time, and because every use of
// an entry is checked against the batch it points at: an index may be slow, never wrong.
import { readU32, writeU32 } from "../../record/bytes.ts";
import type { LookupTrace } from "../segment/lookup-trace.ts";

export const OFFSET_ENTRY_BYTES = 8;

const FIRST_CAPACITY_ENTRIES = 64;

/** Entries in ascending order of both offset and position. */
export class OffsetIndex {
  #bytes: Uint8Array;
  #count: number;

  /** Over existing bytes, which may be a read-only mapping; they must have passed `offsetIndexFault`. */
  constructor(
    bytes: Uint8Array = new Uint8Array(FIRST_CAPACITY_ENTRIES * OFFSET_ENTRY_BYTES),
    count = 0,
  ) {
    this.#bytes = bytes;
    this.#count = count;
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
  lookup(relativeOffset: number, trace?: LookupTrace): number {
    return this.#lastAtOrBelow(relativeOffset, 0, trace);
  }

  /** Number of the last entry whose position is at or below `position`, or -1. */
  lookupPosition(position: number): number {
    return this.#lastAtOrBelow(position, 4, undefined);
  }

  /** Number of the last entry whose field at byte `field` is at or below `value`, or -1. */
  #lastAtOrBelow(value: number, field: 0 | 4, trace: LookupTrace | undefined): number {
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
    if (at === this.#bytes.length) this.#bytes = grown(this.#bytes);
    writeU32(this.#bytes, at, relativeOffset);
    writeU32(this.#bytes, at + 4, position);
    this.#count++;
  }

  /** Adds the entry that stands at byte `at` of an index file. */
  appendFrom(bytes: Uint8Array, at: number): void {
    this.append(readU32(bytes, at), readU32(bytes, at + 4));
  }

  /** Forgets all but the first `count` entries, after the log was cut. */
  truncate(count: number): void {
    this.#count = Math.min(this.#count, count);
  }

  /** The entries from number `first` up to number `end`, as they stand in the file: a view. */
  bytesFrom(first: number, end = this.#count): Uint8Array {
    return this.#bytes.subarray(first * OFFSET_ENTRY_BYTES, end * OFFSET_ENTRY_BYTES);
  }
}

/** What is wrong with the bytes of an offset index for a log of `logBytes`, or undefined. */
export function offsetIndexFault(bytes: Uint8Array, logBytes: number): string | undefined {
  if (bytes.length % OFFSET_ENTRY_BYTES !== 0) {
    return `${bytes.length} bytes is no multiple of ${OFFSET_ENTRY_BYTES}`;
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

function grown(bytes: Uint8Array): Uint8Array {
  const larger = new Uint8Array(bytes.length * 2);
  larger.set(bytes);
  return larger;
}
