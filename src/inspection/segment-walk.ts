// The walk over a `.log` file: its batches, one by one, and between them the ranges of bytes that are none.
// Leaves to others: what a gap in the offsets means, and the records inside (verify-segment.ts, cli/inspect.ts).
//
// Every byte of the file belongs to exactly one part, in order. Memory: one window, which grows only for a batch
// whose header is plausible and that fits the file.
//
// After damage the walk goes on where the damaged batch says that it ends, if the batch there continues its
// offsets; else at the next byte from which a batch with a matching CRC is found. A record's value may hold
// whole batches of some other log: one that has a lower offset than is due is passed over.
import {
  BATCH_HEADER_BYTES,
  BATCH_MAGIC,
  type BatchFault,
  baseOffset,
  batchBytes,
  FIELD,
  findBatchFault,
  nextOffset,
} from "../record/batch.ts";
import { RESPONSE_BYTES_MAX } from "../limits.ts";
import type { FileReader } from "./file-reader.ts";

const WINDOW_BYTES = 1024 * 1024;

/** No broker can have been given a batch that no client could fetch. */
const BATCH_BYTES_MAX = RESPONSE_BYTES_MAX;

/** A whole batch with a matching CRC. */
export interface WalkedBatch {
  readonly kind: "batch";
  /** Where it starts in the file. */
  readonly position: number;
  /** Its size in bytes. */
  readonly size: number;
  /** Bytes in which it stands at `at`, until the walk goes on. */
  readonly bytes: Uint8Array;
  readonly at: number;
}

/** Bytes that are no valid batch. */
export interface DamagedRange {
  readonly kind: "damage";
  /** Where they start in the file. */
  readonly position: number;
  /** How many they are. */
  readonly size: number;
  /** Why no batch starts at `position`. */
  readonly fault: BatchFault;
  /** The header that stands there, if 61 bytes do and its magic is right: what it says may be wrong. */
  readonly header: Uint8Array | undefined;
  /** Whether the file ends before another valid batch comes. */
  readonly isLast: boolean;
}

/** A part of a `.log` file. */
export type SegmentPart = WalkedBatch | DamagedRange;

/** The parts of a `.log` file, from its start. Throws the system's error when it can't be read. */
export function* walkSegment(file: FileReader): Generator<SegmentPart, void> {
  const window = new Window(file);
  let offsetMin = 0;
  for (let position = 0; position < file.size;) {
    const fault = window.faultAt(position);
    const at = window.at(position);
    if (fault === undefined) {
      const size = batchBytes(window.bytes, at);
      offsetMin = nextOffset(window.bytes, at);
      yield { kind: "batch", position, size, bytes: window.bytes, at };
      position += size;
      continue;
    }
    const header = window.headerAt(position);
    const next = window.findNext(position, header, offsetMin);
    const [size, isLast] = [next - position, next === file.size];
    yield { kind: "damage", position, size, fault, header, isLast };
    position = next;
  }
}

/** The part of the file that is in memory. */
class Window {
  bytes: Uint8Array;
  readonly #file: FileReader;
  #start = 0;
  #end = 0;

  constructor(file: FileReader) {
    this.#file = file;
    this.bytes = new Uint8Array(Math.min(WINDOW_BYTES, Math.max(file.size, BATCH_HEADER_BYTES)));
  }

  /** Where the byte at `position` of the file stands in `bytes`. */
  at(position: number): number {
    return position - this.#start;
  }

  /** Why no valid batch starts at `position`, or undefined; then all of it is in the window. */
  faultAt(position: number): BatchFault | undefined {
    this.#load(position, BATCH_HEADER_BYTES);
    const fault = findBatchFault(this.bytes, this.at(position), this.at(this.#end));
    const left = this.#file.size - position;
    if (fault?.kind !== "truncated" || this.#end - position < BATCH_HEADER_BYTES) return fault;
    const size = batchBytes(this.bytes, this.at(position));
    if (size > left) return { kind: "truncated", message: `${left} bytes of a batch of ${size}` };
    if (size > BATCH_BYTES_MAX) {
      return { kind: "length", message: `a batch of ${size} bytes is over ${BATCH_BYTES_MAX}` };
    }
    this.#load(position, size);
    return findBatchFault(this.bytes, this.at(position), this.at(this.#end));
  }

  /** A copy of the header at `position`; undefined when there is none that could be one. */
  headerAt(position: number): Uint8Array | undefined {
    this.#load(position, BATCH_HEADER_BYTES);
    const at = this.at(position);
    if (this.#end - position < BATCH_HEADER_BYTES) return undefined;
    if (this.bytes[at + FIELD.magic] !== BATCH_MAGIC) return undefined;
    return this.bytes.slice(at, at + BATCH_HEADER_BYTES);
  }

  /** Where the walk goes on after the damage at `position`: a batch, or the end of the file. */
  findNext(position: number, header: Uint8Array | undefined, offsetMin: number): number {
    const stated = header === undefined ? undefined : statedEnd(header);
    if (stated !== undefined && position + stated.size < this.#file.size) {
      const end = position + stated.size;
      if (this.faultAt(end) === undefined) {
        if (baseOffset(this.bytes, this.at(end)) === stated.nextOffset) return end;
      }
    }
    for (let from = position + 1; ;) {
      const found = this.#findHeader(from);
      if (found === undefined) return this.#file.size;
      const isBatch = this.faultAt(found) === undefined;
      if (isBatch && baseOffset(this.bytes, this.at(found)) >= offsetMin) return found;
      from = found + 1;
    }
  }

  /** The next position that a header may start at, by its magic and the zero that all offsets begin with. */
  #findHeader(from: number): number | undefined {
    for (let position = from; position + BATCH_HEADER_BYTES <= this.#file.size;) {
      this.#load(position, BATCH_HEADER_BYTES);
      const end = this.at(this.#end);
      const at = this.at(position);
      const magicAt = this.bytes.indexOf(BATCH_MAGIC, at + FIELD.magic);
      if (magicAt < 0 || magicAt >= end) {
        position = this.#end - FIELD.magic;
        continue;
      }
      const start = magicAt - FIELD.magic;
      position += start - at;
      if (this.bytes[start] === 0 && position + BATCH_HEADER_BYTES <= this.#file.size) {
        return position;
      }
      position++;
    }
    return undefined;
  }

  /** Makes sure that `size` bytes from `position` are in the window, or all that the file has. */
  #load(position: number, size: number): void {
    const end = Math.min(position + size, this.#file.size);
    if (position >= this.#start && end <= this.#end) return;
    if (size > this.bytes.length) this.bytes = new Uint8Array(size);
    this.#start = position;
    this.#end = position + this.#file.read(this.bytes, position);
  }
}

/** Where a header says that its batch ends, and with which offset the next one begins. */
function statedEnd(header: Uint8Array): { size: number; nextOffset: number } | undefined {
  const size = batchBytes(header, 0);
  if (size < BATCH_HEADER_BYTES) return undefined;
  try {
    return { size, nextOffset: nextOffset(header, 0) };
  } catch {
    return undefined; // An offset beyond the safe integers.
  }
}
