// The bytes of a sealed log: from a mapping of its file, or by positioned reads if the file is not mapped.
// Leaves to others: opening the file (sealed-files.ts), and interpreting the bytes (sealed-segment.ts).
//
// The system may refuse a mapping: the number per process is limited, and a read-only copy can't be mapped. Reading is
// then slower, and otherwise the same.
import {
  BATCH_HEADER_BYTES,
  type BatchFault,
  batchBytes,
  FIELD,
  findBatchFault,
  findCrcFault,
} from "../../record/batch.js";
import { crc32c } from "../../record/crc32c.js";
import { type LogSlice, MappedSlice } from "./log-slice.js";

/** The immutable bytes of a log. Positions are in bytes from its start. */
export interface LogBytes {
  /** Position of the header in the array that `header` returned last. */
  readonly headerAt: number;
  /** An array that contains the header at `position`. The next call may overwrite it. */
  header(position: number): Uint8Array;
  /** A view of 1 to `bytes` bytes from `position`. The next call may overwrite it. */
  view(position: number, bytes: number): Uint8Array;
  /** Why there is no valid batch at `position` that ends by `end`; undefined if there is one. */
  faultAt(position: number, end: number): BatchFault | undefined;
  slice(position: number, bytes: number): LogSlice;
}

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

/** The last header read from any log. All logs share it, because each needs its bytes only for a moment. */
const headers = { bytes: new Uint8Array(HEADER_WINDOW_BYTES), start: 0, count: 0 };
let headersOf: UnmappedLog | undefined;
const scratch = new Uint8Array(SCRATCH_BYTES);

/** A log whose file is read by position. */
export class UnmappedLog implements LogBytes {
  headerAt = 0;
  readonly #read: (into: Uint8Array, position: number) => number;

  /** `read` returns the number of bytes read, and throws if the file is gone. */
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
