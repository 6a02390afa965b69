// A sealed segment: flushed, immutable, mapped on first use, and finally unlinked.
// Leaves to others: finding a batch in it (segment-lookup.ts), and its indexes (sealed-indexes.ts).
import { RustLogError } from "../../errors.js";
import { FIELD, isSafeI64 } from "../../record/batch.js";
import type { SegmentIndex } from "../index/segment-index.js";
import type { SegmentContext } from "../log-context.js";
import type { LogBytes } from "./log-bytes.js";
import type { LogSlice } from "./log-slice.js";
import { SealedFiles } from "./sealed-files.js";
import { SealedIndexes } from "./sealed-indexes.js";
import type { Segment } from "./segment.js";
import { SegmentBatches } from "./segment-batches.js";
import type { SegmentLookup } from "./segment-lookup.js";
import type { TimeLookup } from "./time-lookup.js";

interface SealedExtent {
  /** Base offset of the next segment. */
  readonly endOffset: number;
  /** Length of its log in bytes, if known. */
  readonly fileBytes?: number | undefined;
  /** Length that its log must have, if compaction has noted it. */
  readonly notedBytes?: number | undefined;
  /** Whether slices from the time when it was active may read from it. */
  readonly hasOlderSlices?: boolean;
}

/** One immutable segment of a partition's directory. */
export class SealedSegment implements Segment {
  readonly baseOffset: number;
  readonly endOffset: number;
  readonly #context: SegmentContext;
  readonly #files: SealedFiles;
  readonly #notedBytes: number;
  readonly #hasOlderSlices: boolean;
  #fileBytes: number | undefined;
  #opened: SegmentBatches | undefined;
  #loaded: SealedIndexes | undefined;

  /** Opens no file. Files are opened on first use, so that a start with many segments is fast. */
  constructor(context: SegmentContext, baseOffset: number, extent: SealedExtent) {
    const { endOffset, fileBytes, notedBytes = 0, hasOlderSlices = false } = extent;
    this.baseOffset = baseOffset;
    this.endOffset = endOffset;
    this.#notedBytes = notedBytes;
    this.#hasOlderSlices = hasOlderSlices;
    this.#context = context;
    this.#files = new SealedFiles(context, baseOffset);
    this.#fileBytes = fileBytes;
  }

  get bytes(): number {
    return this.#indexes.end.bytes;
  }

  get fileBytes(): number {
    this.#fileBytes ??= this.#files.size("log") ?? 0;
    return this.#fileBytes;
  }

  /**
   * Whether the file ends with bytes that are not a batch, is shorter than it was, or is empty, which a sealed segment
   * never is.
   */
  get isEndDamaged(): boolean {
    return this.isCut || this.bytes < this.fileBytes;
  }

  /** The same as far as the length of the file tells it. */
  get isCut(): boolean {
    return this.fileBytes < this.#notedBytes || this.fileBytes === 0;
  }

  /** Offset after its last batch. */
  get nextOffset(): number {
    return this.#indexes.end.nextOffset;
  }

  /** Largest timestamp of the first batch, in milliseconds; undefined if it has no records or is damaged. */
  get firstTimestamp(): number | undefined {
    if (this.#batches.fault(0, this.log.size) !== undefined) return undefined;
    const timestamp = this.#batches.maxTimestamp(0);
    return timestamp === Number.NEGATIVE_INFINITY ? undefined : timestamp;
  }

  get maxTimestamp(): number {
    return this.#indexes.timesIndex().maxTimestamp;
  }

  get modifiedMs(): number | undefined {
    return this.#files.modifiedMs;
  }

  /** Whether `maxTimestamp` and a search by time can run without opening a file. */
  get isReadyForTimes(): boolean {
    return this.#loaded?.areTimesChecked === true;
  }

  /** Prepares for `maxTimestamp` and a search by time, in several turns of the event loop where it takes long. */
  async prepareTimes(): Promise<void> {
    await this.#indexes.prepareTimes();
  }

  /** Why the indexes were rebuilt from the log; undefined if they were loaded from their files. */
  get rebuildReason(): string | undefined {
    return this.#loaded?.rebuildReason;
  }

  get lookup(): SegmentLookup {
    return this.#indexes.lookup;
  }

  get times(): TimeLookup {
    return this.#indexes.times;
  }

  /** The bytes, also for slices created while the segment was active. */
  get log(): LogBytes {
    return this.#batches.log;
  }

  index(): SegmentIndex {
    return this.#indexes.index();
  }

  slice(position: number, bytes: number): LogSlice {
    return this.log.slice(position, bytes);
  }

  /**
   * Largest timestamp of the batches with a matching CRC; -Infinity if there is no such batch. May stop early with a
   * smaller timestamp once it has found one of at least `enough`. Runs over many turns of the event loop; a full result
   * is cached.
   */
  verifiedMaxTimestamp(enough: number): Promise<number> {
    return this.#indexes.verifiedMaxTimestamp(enough);
  }

  /** Calls `visit` for each batch header, in order, up to the first damage. */
  visitBatches(visit: (bytes: Uint8Array, at: number) => void): void {
    this.#batches.walk(0, (_size, position) => {
      const { bytes, at } = this.log.header(position);
      const isReadable =
        isSafeI64(bytes, at + FIELD.baseOffset) &&
        isSafeI64(bytes, at + FIELD.maxTimestamp) &&
        isSafeI64(bytes, at + FIELD.producerId);
      if (isReadable) visit(bytes, at);
      return true;
    });
  }

  /** Unlinks the files. Slices of a mapping stay valid. */
  remove(): void {
    this.openForSlices();
    this.#files.remove();
    this.close();
  }

  /** Opens the log for slices that may not have read from it yet, because another file gets its name. */
  openForSlices(): void {
    if (!this.#hasOlderSlices) return;
    try {
      void this.#batches;
    } catch (error) {
      // Then the slices can't be read either way.
      if (!(error instanceof RustLogError)) throw error;
    }
  }

  /** Prevents further opens, because another topic's files may get these names. Mapped files stay valid. */
  close(): void {
    this.#files.close();
  }

  get #batches(): SegmentBatches {
    if (this.#opened === undefined) {
      const { baseOffset, endOffset } = this;
      const place = { baseOffset, endOffset, name: this.#context.name };
      this.#opened = new SegmentBatches(this.#files.openLog(this.fileBytes), place);
    }
    return this.#opened;
  }

  get #indexes(): SealedIndexes {
    this.#loaded ??= new SealedIndexes(this.#batches, this.#files, this.#context.report);
    return this.#loaded;
  }
}
