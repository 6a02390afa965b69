// Reads the batches of one segment after another, in portions, and checks them: compaction must not drop a record for the
// sake of one that can't be read.
// Leaves to others: what becomes of a batch (batch-cleaner.ts), and of a damaged segment (compact-segments.ts).
import { RustLogError } from "../../errors.js";
import {
  BATCH_HEADER_BYTES,
  baseOffset,
  batchBytes,
  findBatchFault,
  nextOffset,
} from "../../record/batch.js";
import { NO_BYTES } from "../../record/bytes.js";
import { RecordCursor } from "../../record/cursor.js";
import { SEARCHED_BYTES_MAX } from "../../limits.js";
import { type Disk, joinPath } from "../disk/disk.js";
import { readFully } from "../disk/file-copy.js";
import { segmentFileName } from "../segment/segment-files.js";
import type { SourceSegment } from "./compaction-job.js";

/** The second pass must open every batch that the first one has opened. */
const CURSOR_OPTIONS = { checkCrcs: false, decompressedBytesMax: SEARCHED_BYTES_MAX };

/** Bytes of one read. A larger batch is read as a whole. */
const PORTION_BYTES = 1024 * 1024;

/** A batch is not as it was written: its header, its CRC or its offsets are wrong. */
export class DamagedBatchError extends RustLogError {
  constructor(message: string) {
    super("CORRUPT_MESSAGE", message);
  }
}

export class SourceBatches {
  /** Contains the current batch from `at` on. The next call of `next` may overwrite it. */
  bytes = NO_BYTES;
  /** The same memory, for copies without a view. */
  buffer = bufferOf(this.bytes);
  at = 0;
  /** Size of the current batch. */
  size = 0;
  /** Where the current batch starts in the file. */
  position = 0;
  /** Where the file is. */
  path = "";
  /** Size of the file. */
  fileBytes = 0;
  readonly #cursor = new RecordCursor();
  readonly #disk: Disk;
  readonly #directory: string;
  /** Part of the file that `bytes` holds. */
  #start = 0;
  #end = 0;
  #offsetMin = 0;
  #offsetEnd = 0;

  constructor(disk: Disk, directory: string) {
    this.#disk = disk;
    this.#directory = directory;
  }

  /** Moves before the first batch of a segment. */
  openSegment({ baseOffset: base, nextOffset: end }: SourceSegment): void {
    this.path = this.#pathOf(base);
    this.fileBytes = this.#sizeOf(this.path);
    this.position = this.size = this.#start = this.#end = 0;
    this.#offsetMin = base;
    this.#offsetEnd = end;
  }

  /** Size of the file of a segment. */
  sizeOf({ baseOffset: base }: SourceSegment): number {
    return this.#sizeOf(this.#pathOf(base));
  }

  /** Moves to the next batch; false after the last one. Throws a DamagedBatchError if its header is damaged. */
  next(): boolean {
    this.position += this.size;
    this.size = 0;
    const left = this.fileBytes - this.position;
    if (left === 0) return false;
    this.#fill(Math.min(left, BATCH_HEADER_BYTES));
    const { bytes, at } = this;
    const fault = findBatchFault(bytes, at, at + left, false);
    if (fault !== undefined) throw this.#damage(fault.message);
    this.size = batchBytes(bytes, at);
    this.#fill(this.size);
    this.#checkOffsets();
    return true;
  }

  /** Throws a DamagedBatchError if the CRC of the current batch does not match. */
  checkCrc(): void {
    const fault = findBatchFault(this.bytes, this.at, this.at + this.size);
    if (fault !== undefined) throw this.#damage(fault.message);
  }

  /** Returns a cursor before the first record of the current batch. It does not check the CRC. */
  open(): RecordCursor {
    return this.#cursor.reset(this.bytes, this.at, this.at + this.size, CURSOR_OPTIONS);
  }

  /**
   * Whether an error of that cursor only means that the batch can't be opened here, because it is too large when
   * decompressed, or needs a dictionary. Throws CORRUPT_MESSAGE if the batch was malformed from the start.
   */
  isUnopenable(error: unknown): boolean {
    if (!(error instanceof RustLogError)) return false;
    const { code, message } = error;
    if (code === "MESSAGE_TOO_LARGE" || code === "UNSUPPORTED_COMPRESSION") return true;
    if (code !== "CORRUPT_MESSAGE") throw error;
    throw new RustLogError("CORRUPT_MESSAGE", this.#located(message), { cause: error });
  }

  #damage(reason: string): DamagedBatchError {
    return new DamagedBatchError(this.#located(reason));
  }

  /** With the file and the position of the current batch. */
  #located(reason: string): string {
    return `${this.path}, position ${this.position}: ${reason}`;
  }

  #checkOffsets(): void {
    const base = baseOffset(this.bytes, this.at);
    const next = nextOffset(this.bytes, this.at);
    if (base < this.#offsetMin || next > this.#offsetEnd) {
      const stated = `offsets ${base} to ${next - 1}`;
      throw this.#damage(`${stated} are not between ${this.#offsetMin} and ${this.#offsetEnd - 1}`);
    }
    this.#offsetMin = next;
  }

  /** Ensures that `bytes` holds `count` bytes from the position on. */
  #fill(count: number): void {
    if (this.position + count > this.#end) {
      const portion = Math.max(count, Math.min(PORTION_BYTES, this.fileBytes));
      if (portion > this.bytes.length) {
        this.bytes = new Uint8Array(portion);
        this.buffer = bufferOf(this.bytes);
      }
      const file = { size: this.fileBytes, read: this.#read };
      this.#start = this.position;
      this.#end = this.position + readFully(file, this.bytes, this.position);
      if (this.position + count > this.#end) throw this.#damage("the file ends inside a batch");
    }
    this.at = this.position - this.#start;
  }

  #pathOf(base: number): string {
    return joinPath(this.#directory, segmentFileName(base, "log"));
  }

  #sizeOf(path: string): number {
    const size = this.#disk.fileSize(path);
    if (size === undefined) throw new RustLogError("STORAGE_ERROR", `${path} is missing`);
    return size;
  }

  readonly #read = (into: Uint8Array, position: number): number =>
    this.#disk.readAt(this.path, into, position);
}

/** The same memory as a Buffer, which copies from a position to a position. */
export function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}
