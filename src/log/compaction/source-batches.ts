// Reads the batches of one segment after another, in portions. Any damage ends the run, because compaction must not drop
// a record for the sake of one that can't be read.
// Leaves to others: the records in a batch (batch-rewrite.ts).
import { RustLogError } from "../../errors.js";
import {
  BATCH_HEADER_BYTES,
  baseOffset,
  batchBytes,
  findBatchFault,
  nextOffset,
} from "../../record/batch.js";
import { type Disk, joinPath } from "../disk/disk.js";
import { readFully } from "../disk/file-copy.js";
import { segmentFileName } from "../segment/segment-files.js";
import type { SourceSegment } from "./compaction-job.js";

/** Bytes of one read. A larger batch is read as a whole. */
const PORTION_BYTES = 1024 * 1024;

export class SourceBatches {
  /** Contains the current batch from `at` on. The next call of `next` may overwrite it. */
  bytes = new Uint8Array(PORTION_BYTES);
  at = 0;
  /** Size of the current batch. */
  size = 0;
  /** Where the current batch starts in the file. */
  position = 0;
  /** Where the file is, for messages and to copy from it. */
  path = "";
  /** Size of the file. */
  fileBytes = 0;
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
  open({ baseOffset: base, nextOffset: end }: SourceSegment): void {
    this.path = joinPath(this.#directory, segmentFileName(base, "log"));
    const size = this.#disk.fileSize(this.path);
    if (size === undefined) throw new RustLogError("STORAGE_ERROR", `${this.path} is missing`);
    this.fileBytes = size;
    this.position = this.size = this.#start = this.#end = 0;
    this.#offsetMin = base;
    this.#offsetEnd = end;
  }

  /** Moves to the next batch; false after the last one. Throws CORRUPT_MESSAGE if it is damaged. */
  next(): boolean {
    this.position += this.size;
    this.size = 0;
    const left = this.fileBytes - this.position;
    if (left === 0) return false;
    this.#fill(Math.min(left, BATCH_HEADER_BYTES));
    const { bytes, at } = this;
    const fault = findBatchFault(bytes, at, at + left, false);
    if (fault !== undefined) throw this.damage(fault.message);
    this.size = batchBytes(bytes, at);
    this.#fill(this.size);
    const crcFault = findBatchFault(this.bytes, this.at, this.at + this.size);
    if (crcFault !== undefined) throw this.damage(crcFault.message);
    this.#checkOffsets();
    return true;
  }

  /** An error that names the file and the position of the current batch. */
  damage(reason: string, cause?: unknown): RustLogError {
    const message = `${this.path}, position ${this.position}: ${reason}`;
    return new RustLogError("CORRUPT_MESSAGE", message, { cause });
  }

  #checkOffsets(): void {
    const base = baseOffset(this.bytes, this.at);
    const next = nextOffset(this.bytes, this.at);
    if (base < this.#offsetMin || next > this.#offsetEnd) {
      const stated = `offsets ${base} to ${next - 1}`;
      throw this.damage(`${stated} are not between ${this.#offsetMin} and ${this.#offsetEnd - 1}`);
    }
    this.#offsetMin = next;
  }

  /** Ensures that `bytes` holds `count` bytes from the position on. */
  #fill(count: number): void {
    if (this.position + count > this.#end) {
      if (count > this.bytes.length) this.bytes = new Uint8Array(count);
      const file = { size: this.fileBytes, read: this.#read };
      this.#start = this.position;
      this.#end = this.position + readFully(file, this.bytes, this.position);
      if (this.position + count > this.#end) throw this.damage("the file ends inside a batch");
    }
    this.at = this.position - this.#start;
  }

  readonly #read = (into: Uint8Array, position: number): number =>
    this.#disk.readAt(this.path, into, position);
}
