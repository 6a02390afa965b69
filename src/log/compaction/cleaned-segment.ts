// The files of a new segment: `<base>.log.cleaned`, `.index.cleaned` and `.timeindex.cleaned`.
// Leaves to others: what goes in (compact-segments.ts), and putting them in place (log-compaction.ts).
//
// As long as the new log is equal to the start of the old one, nothing is written: many segments do not change at all.
import { lastOffset, newestTimestamp } from "../../record/batch.js";
import { RELATIVE_OFFSET_MAX } from "../../limits.js";
import { type AppendFile, type Disk, flushing, joinPath, removeQuietly } from "../disk/disk.js";
import { SegmentIndex } from "../index/segment-index.js";
import { cleanedFileName, segmentFileName } from "../segment/segment-files.js";

/** Bytes between two flushes, so that the flush of a whole segment does not hold up those of producers. */
const FLUSH_BYTES = 1024 * 1024;

const KINDS = ["timeindex", "index", "log"] as const;

interface CleanedSegmentOptions {
  readonly disk: Disk;
  readonly directory: string;
  readonly base: number;
  /** Memory to collect output in, while no other segment uses it. */
  readonly buffer: Uint8Array;
  /** Called between portions of a long copy, to share the thread. Throws if the run is to end. */
  readonly pause: () => Promise<void> | undefined;
}

export class CleanedSegment {
  readonly base: number;
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #buffer: Uint8Array;
  readonly #pause: () => Promise<void> | undefined;
  readonly #index = new SegmentIndex();
  #file: AppendFile | undefined;
  #bytes = 0;
  /** Bytes in the buffer, which come after those of the file. */
  #buffered = 0;
  #unflushed = 0;
  #mark = { bytes: 0, isChanged: false };

  constructor({ disk, directory, base, buffer, pause }: CleanedSegmentOptions) {
    this.#disk = disk;
    this.#pause = pause;
    this.#directory = directory;
    this.base = base;
    this.#buffer = buffer;
  }

  /** Size of the log so far. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Whether the log differs from the start of the old one, or is about to. */
  get isChanged(): boolean {
    return this.#file !== undefined;
  }

  /** Whether a segment that ends before `nextOffset` can be part of this one. */
  reaches(nextOffset: number): boolean {
    return nextOffset - 1 - this.base <= RELATIVE_OFFSET_MAX;
  }

  /** Counts a batch that is at the same position of the old log. Only as long as `isChanged` is false. */
  keep(bytes: Uint8Array, at: number, size: number): void {
    this.#note(bytes, at, size);
  }

  /** Creates the file, with what was kept so far. */
  async begin(): Promise<void> {
    const path = this.#path("log");
    this.#disk.remove(path);
    const file = this.#disk.createAppend(path);
    this.#file = file;
    const source = joinPath(this.#directory, segmentFileName(this.base, "log"));
    for (let copied = 0; copied < this.#bytes;) {
      const part = this.#buffer.subarray(0, Math.min(this.#buffer.length, this.#bytes - copied));
      const count = this.#disk.readAt(source, part, copied);
      if (count === 0) throw new Error(`${source} has become shorter`);
      await this.#write(file, part.subarray(0, count));
      copied += count;
      const paused = this.#pause();
      if (paused !== undefined) await paused;
    }
  }

  /** Adds a batch, and copies its bytes before it waits. Only after `begin`. */
  append(batch: Uint8Array): Promise<void> | undefined {
    this.#note(batch, 0, batch.length);
    if (this.#buffered + batch.length > this.#buffer.length) return this.#appendLater(batch);
    this.#buffer.set(batch, this.#buffered);
    this.#buffered += batch.length;
    return undefined;
  }

  /** Remembers the current end, for `rewind`. */
  async mark(): Promise<void> {
    await this.#push();
    this.#index.mark();
    this.#mark = { bytes: this.#bytes, isChanged: this.isChanged };
  }

  /** Removes what was added since the last mark. */
  rewind(): void {
    this.#buffered = 0;
    this.#bytes = this.#mark.bytes;
    this.#index.rewind();
    if (this.#mark.isChanged) this.#file?.truncate(this.#bytes);
    else this.discard();
  }

  /** Completes the files and flushes them. */
  async finish(): Promise<void> {
    await this.#push();
    if (this.#file !== undefined) {
      await this.#sync(this.#file);
      this.#file.close();
    }
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

  #note(bytes: Uint8Array, at: number, size: number): void {
    const relative = lastOffset(bytes, at) - this.base;
    this.#index.add(relative, this.#bytes, size, newestTimestamp(bytes, at));
    this.#bytes += size;
  }

  async #appendLater(batch: Uint8Array): Promise<void> {
    await this.#push();
    if (batch.length <= this.#buffer.length) {
      this.#buffer.set(batch);
      this.#buffered = batch.length;
    } else if (this.#file !== undefined) await this.#write(this.#file, batch);
  }

  async #push(): Promise<void> {
    if (this.#file === undefined || this.#buffered === 0) return;
    const count = this.#buffered;
    this.#buffered = 0;
    await this.#write(this.#file, this.#buffer.subarray(0, count));
  }

  async #write(file: AppendFile, bytes: Uint8Array): Promise<void> {
    file.write(bytes);
    const pushed = file.push();
    if (pushed !== undefined) await pushed;
    this.#unflushed += bytes.length;
    if (this.#unflushed >= FLUSH_BYTES) await this.#sync(file);
  }

  async #sync(file: AppendFile): Promise<void> {
    this.#unflushed = 0;
    await flushing(file.path, () => file.sync());
  }

  #path(kind: (typeof KINDS)[number]): string {
    return joinPath(this.#directory, cleanedFileName(this.base, kind));
  }
}
