// The files of a new segment: `<base>.log.cleaned`, `.index.cleaned` and `.timeindex.cleaned`.
// Leaves to others: what goes in (compact-segments.ts), and putting them in place (log.ts).
//
// As long as the new log is equal to the start of the old one, nothing is written: many segments do not change at all.
import { baseOffset, lastOffset, newestTimestamp } from "../../record/batch.js";
import { type AppendFile, type Disk, flushing, joinPath, removeQuietly } from "../disk/disk.js";
import { SegmentIndex } from "../index/segment-index.js";
import { RELATIVE_OFFSET_MAX } from "../../limits.js";
import { segmentFileName } from "../segment/segment-files.js";

/** Bytes written at once. */
const BUFFER_BYTES = 1024 * 1024;

/** Bytes between two flushes, so that the flush of a whole segment does not hold up the flushes of producers. */
const FLUSH_BYTES = 16 * 1024 * 1024;

const KINDS = ["timeindex", "index", "log"] as const;

/** Buffers that all segments of a run share. */
export class CleanedBuffers {
  readonly output = new Uint8Array(BUFFER_BYTES);
}

/** `00000000000000000042.log.cleaned` */
export function cleanedFileName(base: number, kind: (typeof KINDS)[number]): string {
  return `${segmentFileName(base, kind)}.cleaned`;
}

export class CleanedSegment {
  readonly base: number;
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #buffer: Uint8Array;
  readonly #index = new SegmentIndex();
  #file: AppendFile | undefined;
  /** Size of the log so far, and at the last mark. */
  #bytes = 0;
  #marked = 0;
  #wasChanged = false;
  /** Bytes in the buffer, which come after those of the file. */
  #buffered = 0;
  #unflushed = 0;

  constructor(disk: Disk, directory: string, base: number, buffers: CleanedBuffers) {
    this.#disk = disk;
    this.#directory = directory;
    this.base = base;
    this.#buffer = buffers.output;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Whether anything was written: if not, the log is equal to the start of the old one. */
  get isChanged(): boolean {
    return this.#file !== undefined;
  }

  /** Whether a segment that ends before `nextOffset` can be part of this one. */
  reaches(nextOffset: number): boolean {
    return nextOffset - 1 - this.base <= RELATIVE_OFFSET_MAX;
  }

  /** Counts a batch that the new log has at the same position as the old one. Only as long as `isChanged` is false. */
  keep(bytes: Uint8Array, at: number, size: number): void {
    this.#note(bytes, at, size);
  }

  /** Creates the file, with what was kept so far: the first bytes of the file `source`. */
  async begin(source: string): Promise<void> {
    const path = this.#path("log");
    this.#disk.remove(path);
    this.#file = this.#disk.createAppend(path);
    for (let copied = 0; copied < this.#bytes;) {
      const part = this.#buffer.subarray(0, Math.min(BUFFER_BYTES, this.#bytes - copied));
      const count = this.#disk.readAt(source, part, copied);
      if (count === 0) throw new Error(`${source} has become shorter`);
      this.#file.write(part.subarray(0, count));
      await this.#file.push();
      copied += count;
    }
  }

  /** Adds a batch. Only after `begin`. The bytes are copied. */
  async append(bytes: Uint8Array, at: number, size: number): Promise<void> {
    this.#note(bytes, at, size);
    if (this.#buffered + size > BUFFER_BYTES) await this.#push();
    if (size <= BUFFER_BYTES) {
      this.#buffer.set(bytes.subarray(at, at + size), this.#buffered);
      this.#buffered += size;
      return;
    }
    this.#open.write(bytes.subarray(at, at + size));
    await this.#open.push();
    await this.#flush(size);
  }

  /** Remembers the current end, for `rewind`. */
  async mark(): Promise<void> {
    if (this.isChanged) await this.#push();
    this.#index.mark();
    this.#marked = this.#bytes;
    this.#wasChanged = this.isChanged;
  }

  /** Removes what was added since the last mark. */
  rewind(): void {
    this.#buffered = 0;
    this.#bytes = this.#marked;
    this.#index.rewind();
    if (this.#wasChanged) this.#open.truncate(this.#marked);
    else this.discard();
  }

  /** Completes the files and flushes them. */
  async finish(): Promise<void> {
    await this.#push();
    await flushing(this.#open.path, () => this.#open.sync());
    this.#open.close();
    this.#index.seal();
    await this.#disk.writeFile(this.#path("index"), this.#index.offsets.bytesFrom(0));
    await this.#disk.writeFile(this.#path("timeindex"), this.#index.times.bytesFrom(0));
  }

  /** Closes and removes the files. */
  discard(): void {
    if (this.#file === undefined) return;
    this.#file.close();
    this.#file = undefined;
    for (const kind of KINDS) removeQuietly(this.#disk, this.#path(kind));
  }

  get #open(): AppendFile {
    if (this.#file === undefined) throw new Error("nothing was changed");
    return this.#file;
  }

  #note(bytes: Uint8Array, at: number, size: number): void {
    const relative = lastOffset(bytes, at) - this.base;
    if (relative > RELATIVE_OFFSET_MAX || baseOffset(bytes, at) < this.base) {
      throw new Error(`offset ${lastOffset(bytes, at)} does not fit segment ${this.base}`);
    }
    this.#index.add(relative, this.#bytes, size, newestTimestamp(bytes, at));
    this.#bytes += size;
  }

  async #push(): Promise<void> {
    if (this.#buffered === 0) return;
    const count = this.#buffered;
    this.#open.write(this.#buffer.subarray(0, count));
    await this.#open.push();
    this.#buffered = 0;
    await this.#flush(count);
  }

  async #flush(count: number): Promise<void> {
    this.#unflushed += count;
    if (this.#unflushed < FLUSH_BYTES) return;
    this.#unflushed = 0;
    await flushing(this.#open.path, () => this.#open.sync());
  }

  #path(kind: (typeof KINDS)[number]): string {
    return joinPath(this.#directory, cleanedFileName(this.base, kind));
  }
}
