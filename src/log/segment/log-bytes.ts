// Where the bytes of a sealed log come from: a mapping of its file, or reads by position where there is none.
// Leaves to others: opening the file (sealed-files.ts), and what the bytes mean (sealed-segment.ts).
//
// The system may refuse a mapping: it allows a process only so many, and a read-only copy can't be mapped. Reading is
// slower then, and nothing else is different.
import {
  BATCH_HEADER_BYTES,
  type BatchFault,
  batchBytes,
  FIELD,
  findBatchFault,
  findCrcFault,
} from "../../record/batch.ts";
import { crc32c } from "../../record/crc32c.ts";
import { type LogSlice, MappedSlice } from "./log-slice.ts";

/** The bytes of a log, which do not change. Positions are bytes from its start. */
export interface LogBytes {
  /** Where in the array that `header` returned last the header stands. */
  readonly headerAt: number;
  /** An array with the header at `position`; the next call may overwrite it. */
  header(position: number): Uint8Array;
  /** Up to `bytes` bytes from `position`, at least one: a view that the next call may overwrite. */
  view(position: number, bytes: number): Uint8Array;
  /** Why no valid batch that ends by `end` is at `position`, or undefined. */
  faultAt(position: number, end: number): BatchFault | undefined;
  /** A run of batches. */
  slice(position: number, bytes: number): LogSlice;
}

/** A log whose file is mapped. */
export class MappedLog implements LogBytes {
  headerAt = 0;
  readonly mapping: Uint8Array;

  constructor(mapping: Uint8Array) {
    this.mapping = mapping;
  }

  header(position: number): Uint8Array {
    this.headerAt = position;
    return this.mapping;
  }

  view(position: number, bytes: number): Uint8Array {
    return this.mapping.subarray(position, position + bytes);
  }

  faultAt(position: number, end: number): BatchFault | undefined {
    return findBatchFault(this.mapping, position, end);
  }

  slice(position: number, bytes: number): LogSlice {
    return new MappedSlice(this.mapping, position, bytes);
  }
}

const HEADER_WINDOW_BYTES = 4 * 1024;
const SCRATCH_BYTES = 256 * 1024;

/** What was read last of any log: many segments may be read in turn, and each needs its bytes for a moment only. */
const headers = { bytes: new Uint8Array(HEADER_WINDOW_BYTES), start: 0, count: 0 };
let headersOf: UnmappedLog | undefined;
const scratch = new Uint8Array(SCRATCH_BYTES);

/** A log whose file is read by position. */
export class UnmappedLog implements LogBytes {
  headerAt = 0;
  readonly #read: (into: Uint8Array, position: number) => number;

  /** `read` returns how many bytes there were, and throws if the file is gone. */
  constructor(read: (into: Uint8Array, position: number) => number) {
    this.#read = read;
  }

  header(position: number): Uint8Array {
    const isThere =
      headersOf === this &&
      position >= headers.start &&
      position + BATCH_HEADER_BYTES <= headers.start + headers.count;
    if (!isThere) {
      headersOf = undefined;
      headers.start = position;
      headers.count = this.#read(headers.bytes, position);
      headersOf = this;
    }
    this.headerAt = position - headers.start;
    return headers.bytes;
  }

  view(position: number, bytes: number): Uint8Array {
    const into = scratch.subarray(0, Math.min(bytes, scratch.length));
    return into.subarray(0, this.#read(into, position));
  }

  faultAt(position: number, end: number): BatchFault | undefined {
    if (end - position < BATCH_HEADER_BYTES) {
      return { kind: "truncated", message: `${end - position} bytes are less than a batch header` };
    }
    const header = this.header(position);
    const at = this.headerAt;
    const fault = findBatchFault(header, at, at + end - position, false);
    if (fault !== undefined) return fault;
    const batchEnd = position + batchBytes(header, at);
    let computed = 0;
    for (let from = position + FIELD.attributes; from < batchEnd;) {
      const part = this.view(from, batchEnd - from);
      if (part.length === 0) return { kind: "truncated", message: "the file ends here" };
      computed = crc32c(part, 0, part.length, computed);
      from += part.length;
    }
    return findCrcFault(header, at, computed);
  }

  slice(position: number, bytes: number): LogSlice {
    return {
      bytes,
      read: (from, bytesMax) => this.view(position + from, Math.min(bytesMax, bytes - from)),
    };
  }
}
