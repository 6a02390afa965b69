// The active segment: the last one of a log and the only one that is written. It is read by position, never mapped.
// Leaves to others: assigning offsets to batches (log.ts), and when to flush (topics/partition.ts).
import { RustLogError } from "../../errors.js";
import { bytesOf, type Pieces } from "../../record/bytes.js";
import {
  BATCH_HEADER_BYTES,
  type BatchFault,
  lastOffset,
  newestTimestamp,
} from "../../record/batch.js";
import { type AppendFile, joinPath } from "../disk/disk.js";
import { CheckedSegment } from "./checked-segment.js";
import type { LocatedBatch } from "./segment.js";
import { IndexFile } from "../index/index-file.js";
import type { SegmentContext } from "../log-context.js";
import type { LogSlice } from "./log-slice.js";
import type { LookupTrace } from "./lookup-trace.js";
import { UnmappedLog } from "./log-bytes.js";
import { createEmpty } from "../disk/new-file.js";
import { OFFSET_ENTRY_BYTES } from "../index/offset-index.js";
import { SealedSegment } from "./sealed-segment.js";
import { segmentFileName } from "./segment-files.js";
import { SegmentIndex } from "../index/segment-index.js";
import { TIME_ENTRY_BYTES } from "../index/time-index.js";

/** Bytes per read of batch headers, so that a walk over small batches needs few system calls. */
const HEADER_WINDOW_BYTES = 4 * 1024;

/** One buffer that all slices share. Bytes that a socket does not take are read again later. */
const scratch = new Uint8Array(256 * 1024);

/** A run of batches in the active segment; after sealing, in its mapping. */
class FileSlice implements LogSlice {
  readonly bytes: number;
  readonly #segment: ActiveSegment;
  readonly #position: number;

  constructor(segment: ActiveSegment, position: number, bytes: number) {
    this.#segment = segment;
    this.#position = position;
    this.bytes = bytes;
  }

  read(from: number, bytesMax: number): Uint8Array {
    return this.#segment.view(this.#position + from, Math.min(bytesMax, this.bytes - from));
  }
}

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

export class ActiveSegment extends CheckedSegment {
  readonly #context: SegmentContext;
  readonly #file: AppendFile;
  readonly #offsetsFile: IndexFile;
  readonly #timesFile: IndexFile;
  readonly #index: SegmentIndex;
  #writtenBytes: number;
  #flushedBytes: number;
  #firstAppendMs: number | undefined;
  #window: Uint8Array | undefined;
  #windowStart = 0;
  #windowBytes = 0;
  #successor: SealedSegment | undefined;
  readonly #uncheckedBytes: number;
  readonly #checked: UnmappedLog;
  #isDamaged = false;

  constructor(context: SegmentContext, baseOffset: number, state: ActiveSegmentState) {
    const { disk, directory } = context;
    super(baseOffset, context.name);
    this.#context = context;
    this.#file = state.file;
    this.#index = state.index;
    this.#writtenBytes = state.file.size;
    // Recovery has flushed the file.
    this.#flushedBytes = state.file.size;
    this.#firstAppendMs = state.firstAppendMs;
    this.#uncheckedBytes = state.uncheckedBytes;
    this.trustFrom(state.uncheckedBytes);
    this.#checked = new UnmappedLog((into, position) => this.#file.read(into, position));
    const { offsets, times } = state.savedEntries;
    this.#offsetsFile = new IndexFile({
      disk,
      path: joinPath(directory, segmentFileName(baseOffset, "index")),
      entryBytes: OFFSET_ENTRY_BYTES,
      index: state.index.offsets,
      savedEntries: offsets,
    });
    this.#timesFile = new IndexFile({
      disk,
      path: joinPath(directory, segmentFileName(baseOffset, "timeindex")),
      entryBytes: TIME_ENTRY_BYTES,
      index: state.index.times,
      savedEntries: times,
    });
  }

  override get bytes(): number {
    return this.#file.size;
  }

  override get fileBytes(): number {
    return this.#file.size;
  }

  override get endOffset(): number {
    return Number.POSITIVE_INFINITY;
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

  /** Largest timestamp of any record, in milliseconds; -Infinity if there are no records. */
  override get maxTimestamp(): number {
    return this.#index.maxTimestamp;
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
    this.#windowBytes = 0;
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
   * Updates the index files from the indexes in memory. Recovery relies on it that every batch with an entry in the
   * offset index file was flushed.
   */
  async saveIndexes(): Promise<void> {
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
    this.#successor = new SealedSegment(this.#context, this.baseOffset, {
      fileBytes: this.#file.size,
      endOffset,
    });
    this.close();
    return this.#successor;
  }

  /** Closes and removes a new segment that can't be used. */
  discard(): void {
    this.close();
    this.#context.disk.remove(this.#file.path);
  }

  close(): void {
    this.#file.close();
    this.#offsetsFile.close();
    this.#timesFile.close();
  }

  override slice(position: number, bytes: number): LogSlice {
    return new FileSlice(this, position, bytes);
  }

  /** Reads into the shared scratch buffer, at most its length; see `LogSlice.read`. */
  view(position: number, bytes: number): Uint8Array {
    if (this.#successor !== undefined) return this.#successor.view(position, bytes);
    const into = scratch.subarray(0, Math.min(bytes, scratch.length));
    const count = this.#file.read(into, position);
    if (count === 0) throw this.corrupt(position, "the file ends here");
    return into.subarray(0, count);
  }

  protected override headerBytes(position: number): Uint8Array {
    const end = this.#windowStart + this.#windowBytes;
    if (
      this.#window === undefined ||
      position < this.#windowStart ||
      position + BATCH_HEADER_BYTES > end
    ) {
      this.#window ??= new Uint8Array(HEADER_WINDOW_BYTES);
      this.#windowStart = position;
      this.#windowBytes = this.#file.read(this.#window, position);
    }
    this.headerAt = position - this.#windowStart;
    return this.#window;
  }

  override index(): SegmentIndex {
    return this.#index;
  }

  override locate(offset: number, end: number, trace?: LookupTrace): LocatedBatch | undefined {
    try {
      return super.locate(offset, end, trace);
    } catch (error) {
      if (error instanceof RustLogError && error.code === "CORRUPT_MESSAGE") this.damageFound();
      throw error;
    }
  }

  /** Batches checked by recovery, or appended by this process, state the right offset. */
  override offsetAt(position: number): number {
    if (position < this.#uncheckedBytes) return super.offsetAt(position);
    return this.statedBaseOffset(position);
  }

  protected override batchFaultAt(position: number, end: number): BatchFault | undefined {
    return this.#checked.faultAt(position, end);
  }

  protected override damageFound(): void {
    if (this.#isDamaged) return;
    this.#isDamaged = true;
    const file = segmentFileName(this.baseOffset, "log");
    this.#context.report(
      `${this.partitionName}: ${file} is damaged. The segment is kept as it is, and appends go to a new one`,
    );
  }

  protected override repairIndex(position: number, reason: string): never {
    // These indexes were built by this process, or loaded with a matching CRC, so the log is damaged.
    this.damageFound();
    throw this.corrupt(position, reason);
  }
}
