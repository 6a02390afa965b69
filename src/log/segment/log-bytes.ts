// The bytes of the log of one segment: in a mapping of its file, or read by position. Positions are bytes from the start
// of the file. Leaves to others: opening the file (sealed-files.ts, active-segment.ts), and the batches in it
// (segment-batches.ts).
//
// A log that is being written is never mapped. A sealed one is, unless the system refuses: the number of mappings per
// process is limited, and a read-only copy can't be mapped. Reading is then slower, and otherwise the same.
import { RustLogError } from "../../errors.js";
import {
  BATCH_HEADER_BYTES,
  type BatchFault,
  batchBytes,
  FIELD,
  findBatchFault,
  findCrcFault,
} from "../../record/batch.js";
import type { ReadableFile } from "../../record/bytes.js";
import { crc32c } from "../../record/crc32c.js";
import { readFully } from "../disk/file-copy.js";
import { type LogSlice, MappedSlice } from "./log-slice.js";

/**
 * Where the header of a batch lies in memory. Each log has one such object, and moves it with every call of `header`, so
 * that a walk over batches allocates nothing: use it at once, and don't keep it.
 */
interface HeaderPlace {
  readonly bytes: Uint8Array;
  at: number;
}

export interface LogBytes extends ReadableFile {
  /** The header at `position`, until the next call. */
  header(position: number): Readonly<HeaderPlace>;
  /** A view of up to `bytes` bytes from `position`, none only at the end. The next call may overwrite it. */
  view(position: number, bytes: number): Uint8Array;
  /** Why there is no valid batch at `position` that ends by `end`; undefined if there is one. */
  faultAt(position: number, end: number): BatchFault | undefined;
  slice(position: number, bytes: number): LogSlice;
}

export class MappedLog implements LogBytes {
  readonly #mapping: Uint8Array;
  readonly #header: HeaderPlace;

  constructor(mapping: Uint8Array) {
    this.#mapping = mapping;
    this.#header = { bytes: mapping, at: 0 };
  }

  get size(): number {
    return this.#mapping.length;
  }

  header(position: number): Readonly<HeaderPlace> {
    this.#header.at = position;
    return this.#header;
  }

  view(position: number, bytes: number): Uint8Array {
    return this.#mapping.subarray(position, position + bytes);
  }

  read(into: Uint8Array, position: number): number {
    const part = this.view(position, into.length);
    into.set(part);
    return part.length;
  }

  faultAt(position: number, end: number): BatchFault | undefined {
    return findBatchFault(this.#mapping, position, end);
  }

  slice(position: number, bytes: number): LogSlice {
    return new MappedSlice(this.#mapping, position, bytes);
  }
}

/** One buffer that all slices share. Bytes that a socket does not take are read again later. */
const scratch = new Uint8Array(256 * 1024);

/**
 * The bytes around the last header that was read from any file, so that a walk over small batches needs few system
 * calls. All logs share it, because each needs its bytes only for a moment.
 */
const near = { bytes: new Uint8Array(4 * 1024), start: 0, count: 0 };
let nearOf: FileLog | undefined;

/** A log whose file is read by position. */
export class FileLog implements LogBytes {
  readonly #path: string;
  readonly #file: ReadableFile;
  readonly #header: HeaderPlace = { bytes: near.bytes, at: 0 };
  #sealed: (() => LogBytes) | undefined;

  /** `file.read` throws if the file is gone. */
  constructor(path: string, file: ReadableFile) {
    this.#path = path;
    this.#file = file;
  }

  get size(): number {
    return this.#file.size;
  }

  header(position: number): Readonly<HeaderPlace> {
    if (!this.#isNear(position, BATCH_HEADER_BYTES)) {
      nearOf = undefined;
      near.start = position;
      near.count = this.#file.read(near.bytes, position);
      nearOf = this;
    }
    this.#header.at = position - near.start;
    return this.#header;
  }

  view(position: number, bytes: number): Uint8Array {
    if (this.#sealed !== undefined) return this.#sealed().view(position, bytes);
    if (this.#isNear(position, bytes)) {
      const at = position - near.start;
      return near.bytes.subarray(at, at + bytes);
    }
    const into = scratch.subarray(0, Math.min(bytes, scratch.length));
    return into.subarray(0, this.#file.read(into, position));
  }

  /** Whether these bytes are in memory: those after a header that was just read, if they are few. */
  #isNear(position: number, bytes: number): boolean {
    return nearOf === this && position >= near.start && position + bytes <= near.start + near.count;
  }

  read(into: Uint8Array, position: number): number {
    return readFully(this.#file, into, position);
  }

  faultAt(position: number, end: number): BatchFault | undefined {
    if (end - position < BATCH_HEADER_BYTES) {
      return { kind: "truncated", message: `${end - position} bytes are less than a batch header` };
    }
    const { bytes, at } = this.header(position);
    const fault = findBatchFault(bytes, at, at + end - position, false);
    if (fault !== undefined) return fault;
    const batchEnd = position + batchBytes(bytes, at);
    let computed = 0;
    for (let from = position + FIELD.attributes; from < batchEnd;) {
      const part = this.view(from, batchEnd - from);
      if (part.length === 0) return { kind: "truncated", message: "the file ends here" };
      computed = crc32c(part, 0, part.length, computed);
      from += part.length;
    }
    return findCrcFault(bytes, at, computed);
  }

  slice(position: number, bytes: number): LogSlice {
    return new FileSlice(this, position, bytes);
  }

  /** The error of a slice whose bytes are gone. */
  endedAt(position: number): RustLogError {
    const message = `${this.#path}, position ${position}: the file ends inside a batch`;
    return new RustLogError("CORRUPT_MESSAGE", message);
  }

  /** Forgets bytes that were read, because the file was truncated or is being closed. */
  forget(): void {
    if (nearOf === this) nearOf = undefined;
  }

  /** Called when the segment is sealed and this file closed: existing slices then read from the sealed log. */
  continueIn(sealed: () => LogBytes): void {
    this.#sealed = sealed;
  }
}

/** A run of batches in a file. Nothing is read before `read`. */
class FileSlice implements LogSlice {
  readonly bytes: number;
  readonly #log: FileLog;
  readonly #position: number;

  constructor(log: FileLog, position: number, bytes: number) {
    this.#log = log;
    this.#position = position;
    this.bytes = bytes;
  }

  read(from: number, bytesMax: number): Uint8Array {
    const position = this.#position + from;
    const part = this.#log.view(position, Math.min(bytesMax, this.bytes - from));
    if (part.length === 0) throw this.#log.endedAt(position);
    return part;
  }
}
