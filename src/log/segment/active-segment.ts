// The active segment: the last of a log, the only one that is written, read by position and never mapped.
// Leaves to others: which offsets batches get and when they are flushed (log.ts, the partition above it).
import { RustLogError } from "../../errors.ts";
import { type Rest, restBytes } from "../../record/bytes.ts";
import {
  BATCH_HEADER_BYTES,
  type BatchFault,
  lastOffset,
  newestTimestamp,
} from "../../record/batch.ts";
import { type AppendFile, joinPath } from "../disk/disk.ts";
import { CheckedSegment } from "./checked-segment.ts";
import type { LocatedBatch } from "./segment.ts";
import { IndexFile } from "../index/index-file.ts";
import type { SegmentContext } from "../log-context.ts";
import type { LogSlice } from "./log-slice.ts";
import type { LookupTrace } from "./lookup-trace.ts";
import { UnmappedLog } from "./log-bytes.ts";
import { createEmpty } from "../disk/new-file.ts";
import { OFFSET_ENTRY_BYTES } from "../index/offset-index.ts";
import { SealedSegment } from "./sealed-segment.ts";
import { segmentFileName } from "./segment-files.ts";
import { SegmentIndex } from "../index/segment-index.ts";
import { TIME_ENTRY_BYTES } from "../index/time-index.ts";

/** Batch headers are read this many bytes at a time, so that a walk over small batches costs few calls. */
const HEADER_WINDOW_BYTES = 4 * 1024;

/** Slices are read into one buffer that all share: what a socket does not take is read again later. */
const scratch = new Uint8Array(256 * 1024);

/** A run of the active segment; once that is sealed, of its mapping. */
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

/** What an active segment is opened with: made new, or found by recovery. */
export interface ActiveSegmentState {
  readonly file: AppendFile;
  readonly index: SegmentIndex;
  /** Entries that the index files have already; 0 when they are missing or not to be trusted. */
  readonly savedEntries: { readonly offsets: number; readonly times: number };
  /** When its first batch was appended, in milliseconds since the epoch; undefined while it is empty. */
  readonly firstAppendMs: number | undefined;
  /** Bytes whose CRCs nobody has compared since the last start of a broker; damage may be in them. */
  readonly uncheckedBytes: number;
}

/** The segment that appends go to. */
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
    // Recovery has flushed what it found.
    this.#flushedBytes = state.file.size;
    this.#firstAppendMs = state.firstAppendMs;
    this.#uncheckedBytes = state.uncheckedBytes;
    this.trustFrom(state.uncheckedBytes);
    this.#checked = new UnmappedLog((into, position) => this.#file.read(into, position));
    const { offsets, times } = state.savedEntries;
    const path = (kind: "index" | "timeindex") =>
      joinPath(directory, segmentFileName(baseOffset, kind));
    const { index } = state;
    this.#offsetsFile = new IndexFile(
      disk,
      path("index"),
      OFFSET_ENTRY_BYTES,
      index.offsets,
      offsets,
    );
    this.#timesFile = new IndexFile(disk, path("timeindex"), TIME_ENTRY_BYTES, index.times, times);
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

  /** Bytes handed to `append`, pushed or not: what the file's length will be. */
  get writtenBytes(): number {
    return this.#writtenBytes;
  }

  /** Whether a read has found damage: then nothing must be appended any more. */
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

  /** Largest timestamp of any record, in milliseconds; -Infinity when there is none. */
  override get maxTimestamp(): number {
    return this.#index.maxTimestamp;
  }

  /** Adds a stamped batch; it can be read after the next `push`. */
  append(batch: Uint8Array, rest: Rest, nowMs: number): void {
    this.#firstAppendMs ??= nowMs;
    const bytes = batch.length + restBytes(rest);
    this.#index.add(
      lastOffset(batch, 0) - this.baseOffset,
      this.#writtenBytes,
      bytes,
      newestTimestamp(batch, 0),
    );
    this.#file.write(batch);
    for (const piece of rest) this.#file.write(piece);
    this.#writtenBytes += bytes;
  }

  /** Hands what was appended to the kernel; throws the system's error. */
  push(): void | Promise<void> {
    return this.#file.push();
  }

  /** Notes that all that was appended is in the file: where `rewind` returns to. */
  mark(): void {
    this.#index.mark();
  }

  /** Cuts what was appended since the last `mark`, after a failed push, from the file and the indexes. */
  rewind(bytes: number): void {
    this.#file.truncate(bytes);
    this.#index.rewind();
    this.#offsetsFile.rewind();
    this.#timesFile.rewind();
    this.#writtenBytes = bytes;
    this.#windowBytes = 0;
    if (bytes === 0) this.#firstAppendMs = undefined;
  }

  /** Makes all that was pushed durable. */
  async sync(): Promise<void> {
    this.#flushedBytes = this.#file.size;
    await this.#file.sync();
  }

  /**
   * Makes a new one, empty, in a directory that must be flushed after it. Throws STORAGE_ERROR when a file of that name
   * has any bytes: they may be records, and nothing is overwritten.
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
   * Brings the index files up to the indexes in memory. An entry in the file of the offset index is a promise that its
   * batch was flushed: recovery relies on it.
   */
  async saveIndexes(): Promise<void> {
    const flushed = this.#index.offsets.lookupPosition(this.#flushedBytes - 1) + 1;
    if (!this.#offsetsFile.complete) await this.#offsetsFile.save(flushed);
    if (!this.#timesFile.complete) await this.#timesFile.save();
  }

  /**
   * Flushes the log, and the indexes with their last entries, so that the segment may become a sealed one.
   * Returns whether the index files are complete; they are not when there was no space for them.
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
   * Closes the files; reads of earlier slices go to the sealed segment that takes its place. `endOffset` is the base
   * offset of the segment after it.
   */
  becomeSealed(endOffset: number): SealedSegment {
    this.#successor = new SealedSegment(this.#context, this.baseOffset, {
      fileBytes: this.#file.size,
      endOffset,
    });
    this.close();
    return this.#successor;
  }

  /** Closes and removes a new one that can't be used. */
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

  /** What was checked by recovery, or appended by this process, states what holds. */
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
    // These indexes were made in this process, or loaded with a CRC that matched: the log is what is wrong.
    this.damageFound();
    throw this.corrupt(position, reason);
  }
}
