// The active segment: the last one of a log and the only one that is written. It is read by position, never mapped.
// Leaves to others: finding a batch in it (segment-lookup.ts), assigning offsets to batches (log.ts), and when to flush
// (topics/appender.ts).
import { bytesOf, type Pieces } from "../../record/bytes.js";
import { lastOffset, newestTimestamp } from "../../record/batch.js";
import { type AppendFile, joinPath } from "../disk/disk.js";
import { IndexFile } from "../index/index-file.js";
import type { SegmentContext } from "../log-context.js";
import type { LogSlice } from "./log-slice.js";
import { FileLog } from "./log-bytes.js";
import { createEmpty } from "../disk/new-file.js";
import { SealedSegment } from "./sealed-segment.js";
import type { Segment } from "./segment.js";
import { SegmentBatches } from "./segment-batches.js";
import { type LookupIndexes, SegmentLookup } from "./segment-lookup.js";
import { TimeLookup } from "./time-lookup.js";
import { segmentFileName } from "./segment-files.js";
import { SegmentIndex } from "../index/segment-index.js";

/** Initial state of an active segment, new or found by recovery. */
export interface ActiveSegmentState {
  readonly file: AppendFile;
  readonly index: SegmentIndex;
  /** Entries already in the index files; 0 if the files are missing or not trusted. */
  readonly savedEntries: { readonly offsets: number; readonly times: number };
  /** When its first batch was appended, in milliseconds since the epoch; undefined while it is empty. */
  readonly firstAppendMs: number | undefined;
  /** Bytes whose CRCs were not checked since the broker started; they may be damaged. */
  readonly uncheckedBytes: number;
}

export class ActiveSegment implements Segment {
  readonly baseOffset: number;
  readonly endOffset = Number.POSITIVE_INFINITY;
  readonly lookup: SegmentLookup;
  readonly times: TimeLookup;
  readonly #context: SegmentContext;
  readonly #file: AppendFile;
  readonly #offsetsFile: IndexFile;
  readonly #timesFile: IndexFile;
  readonly #index: SegmentIndex;
  #writtenBytes: number;
  #flushedBytes: number;
  #firstAppendMs: number | undefined;
  readonly #log: FileLog;
  #isDamaged = false;

  constructor(context: SegmentContext, baseOffset: number, state: ActiveSegmentState) {
    const { disk, directory } = context;
    this.baseOffset = baseOffset;
    this.#context = context;
    this.#file = state.file;
    this.#index = state.index;
    this.#writtenBytes = state.file.size;
    // Recovery has flushed the file.
    this.#flushedBytes = state.file.size;
    this.#firstAppendMs = state.firstAppendMs;
    this.#log = new FileLog(state.file.path, state.file);
    const place = { baseOffset, endOffset: this.endOffset, name: context.name };
    const batches = new SegmentBatches(this.#log, place);
    // Recovery has checked the batches after these, and a batch is checked before it is appended.
    batches.verified.add(state.uncheckedBytes, Number.POSITIVE_INFINITY);
    const indexes: LookupIndexes = {
      index: () => state.index,
      timesIndex: () => state.index,
      // They were built by this process, or loaded with a matching CRC. So the log is damaged.
      repair: (_reason, error) => {
        this.#damageFound();
        throw error;
      },
      damageFound: () => this.#damageFound(),
    };
    this.lookup = new SegmentLookup(batches, indexes);
    this.times = new TimeLookup(batches, indexes, this.lookup);
    const { offsets, times } = state.savedEntries;
    this.#offsetsFile = new IndexFile({
      disk,
      path: joinPath(directory, segmentFileName(baseOffset, "index")),
      index: state.index.offsets,
      savedEntries: offsets,
    });
    this.#timesFile = new IndexFile({
      disk,
      path: joinPath(directory, segmentFileName(baseOffset, "timeindex")),
      index: state.index.times,
      savedEntries: times,
    });
  }

  get bytes(): number {
    return this.#file.size;
  }

  get fileBytes(): number {
    return this.#file.size;
  }

  /** Bytes handed to `append`, pushed or not: the future length of the file. */
  get writtenBytes(): number {
    return this.#writtenBytes;
  }

  /** Whether a read has found damage; then nothing may be appended any more. */
  get isDamaged(): boolean {
    return this.#isDamaged;
  }

  /** Bytes that were pushed since the last flush began. */
  get unflushedBytes(): number {
    return this.#file.size - this.#flushedBytes;
  }

  /** When the first batch was appended, in milliseconds since the epoch; undefined while it is empty. */
  get firstAppendMs(): number | undefined {
    return this.#firstAppendMs;
  }

  get maxTimestamp(): number {
    return this.#index.maxTimestamp;
  }

  get modifiedMs(): number | undefined {
    return this.#context.disk.modifiedMs(this.#file.path);
  }

  /** Adds a stamped batch. It is readable after the next `push`. */
  append(batch: Pieces, nowMs: number): void {
    this.#firstAppendMs ??= nowMs;
    const bytes = bytesOf(batch);
    const [header] = batch;
    this.#index.add(
      lastOffset(header, 0) - this.baseOffset,
      this.#writtenBytes,
      bytes,
      newestTimestamp(header, 0),
    );
    for (const piece of batch) this.#file.write(piece);
    this.#writtenBytes += bytes;
  }

  /** Hands all appended bytes to the kernel; throws the system's error. */
  push(): void | Promise<void> {
    return this.#file.push();
  }

  /** Marks everything appended so far as written, for `rewind`. */
  mark(): void {
    this.#index.mark();
  }

  /** After a failed push, removes everything appended since the last `mark` from the file and the indexes. */
  rewind(bytes: number): void {
    this.#file.truncate(bytes);
    this.#index.rewind();
    this.#offsetsFile.rewind();
    this.#timesFile.rewind();
    this.#writtenBytes = bytes;
    this.#log.forget();
    if (bytes === 0) this.#firstAppendMs = undefined;
  }

  /** Makes all pushed bytes durable. */
  async sync(): Promise<void> {
    this.#flushedBytes = this.#file.size;
    await this.#file.sync();
  }

  /**
   * Creates an empty segment; the caller flushes the directory. Throws STORAGE_ERROR if a file of that name has any
   * bytes: they may be records, and are never overwritten.
   */
  static create(context: SegmentContext, baseOffset: number): ActiveSegment {
    const { disk, directory } = context;
    const file = createEmpty(disk, joinPath(directory, segmentFileName(baseOffset, "log")));
    const savedEntries = { offsets: 0, times: 0 };
    const state = {
      file,
      index: new SegmentIndex(),
      savedEntries,
      firstAppendMs: undefined,
      uncheckedBytes: 0,
    };
    return new ActiveSegment(context, baseOffset, state);
  }

  /**
   * Updates the index files from the indexes in memory, if they miss at least this many entries. Recovery relies on it that
   * every batch with an entry in the offset index file was flushed.
   */
  async saveIndexes(entriesMin: number): Promise<void> {
    const [offsets, times] = [this.#offsetsFile.unsavedEntries, this.#timesFile.unsavedEntries];
    if (Math.max(offsets, times) < entriesMin) return;
    const flushed = this.#index.offsets.lookupPosition(this.#flushedBytes - 1) + 1;
    if (!this.#offsetsFile.complete) await this.#offsetsFile.save(flushed);
    if (!this.#timesFile.complete) await this.#timesFile.save();
  }

  /**
   * Flushes the log, and the indexes with their last entries, so that the segment can be sealed. Returns whether the
   * index files are complete; they are not if the disk is full.
   */
  async finish(): Promise<boolean> {
    this.#index.seal();
    this.#flushedBytes = this.#file.size;
    await this.#file.sync();
    await this.#offsetsFile.save();
    await this.#timesFile.save();
    await this.#offsetsFile.sync();
    await this.#timesFile.sync();
    return this.#offsetsFile.complete && this.#timesFile.complete;
  }

  /**
   * Closes the files. Existing slices then read from the sealed segment that is returned. `endOffset` is the base
   * offset of the next segment.
   */
  becomeSealed(endOffset: number): SealedSegment {
    const fileBytes = this.#file.size;
    const sealed = new SealedSegment(this.#context, this.baseOffset, {
      fileBytes,
      endOffset,
      hasOlderSlices: true,
    });
    this.#log.continueIn(() => sealed.log);
    this.close();
    return sealed;
  }

  /** Closes and removes a new segment that can't be used. */
  discard(): void {
    this.close();
    this.#context.disk.remove(this.#file.path);
  }

  close(): void {
    this.#log.forget();
    this.#file.close();
    this.#offsetsFile.close();
    this.#timesFile.close();
  }

  index(): SegmentIndex {
    return this.#index;
  }

  slice(position: number, bytes: number): LogSlice {
    return this.#log.slice(position, bytes);
  }

  #damageFound(): void {
    if (this.#isDamaged) return;
    this.#isDamaged = true;
    const file = segmentFileName(this.baseOffset, "log");
    this.#context.report(
      `${this.#context.name}: ${file} is damaged. The segment is kept as it is, and appends go to a new one`,
    );
  }
}
