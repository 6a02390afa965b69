// A sealed segment: flushed, immutable, mapped on first use, and finally unlinked.
// Leaves to others: finding a batch in it (segment.ts).
import { RustLogError } from "../../errors.js";
import { INDEX_INTERVAL_BYTES } from "../../limits.js";
import { type BatchFault, FIELD, isSafeI64 } from "../../record/batch.js";
import type { SegmentContext } from "../log-context.js";
import { type LogBytes, MappedLog } from "./log-bytes.js";
import type { LogSlice } from "./log-slice.js";
import type { LookupTrace } from "./lookup-trace.js";
import { OFFSET_ENTRY_BYTES, OffsetIndex, offsetIndexFault } from "../index/offset-index.js";
import { SealedFiles } from "./sealed-files.js";
import { RebuildableSegment } from "./rebuildable-segment.js";
import {
  type LocatedBatch,
  type SearchRange,
  TIME_MISMATCH,
  type TimestampMatch,
} from "./segment.js";
import { segmentFileName } from "./segment-files.js";
import { SegmentIndex } from "../index/segment-index.js";
import { TIME_ENTRY_BYTES, TimeIndex, timeIndexFault } from "../index/time-index.js";

interface SealedExtent {
  /** Base offset of the next segment. */
  readonly endOffset: number;
  /** Length of its log in bytes, if known. */
  readonly fileBytes?: number | undefined;
}

/** One immutable segment of a partition's directory. */
export class SealedSegment extends RebuildableSegment {
  override readonly endOffset: number;
  readonly #files: SealedFiles;
  readonly #report: (line: string) => void;
  #fileBytes: number | undefined;
  #bytes = 0;
  #log: LogBytes | undefined;
  #mapping: Uint8Array | undefined;
  #index: SegmentIndex | undefined;
  #timesChecked = false;
  #rebuildReason: string | undefined;
  #nextOffset = 0;

  /** Opens no file. Files are opened on first use, so that a start with many segments is fast. */
  constructor(context: SegmentContext, baseOffset: number, { endOffset, fileBytes }: SealedExtent) {
    super(baseOffset, context.name);
    const { disk, directory, report } = context;
    this.#files = new SealedFiles(disk, directory, baseOffset, report);
    this.#report = report;
    this.#fileBytes = fileBytes;
    this.endOffset = endOffset;
  }

  override get bytes(): number {
    this.index();
    return this.#bytes;
  }

  /** Length of the `.log` file, in bytes; equals `bytes` unless its end is damaged. */
  override get fileBytes(): number {
    this.#fileBytes ??= this.#files.size("log") ?? 0;
    return this.#fileBytes;
  }

  /** Whether the file ends with bytes that are not a batch, or is empty, which a sealed segment never is. */
  get isEndDamaged(): boolean {
    return this.bytes < this.fileBytes || this.fileBytes === 0;
  }

  /** Offset after its last batch. */
  get nextOffset(): number {
    this.index();
    return this.#nextOffset;
  }

  /** Largest timestamp of any record, in milliseconds; -Infinity if there are no records. */
  override get maxTimestamp(): number {
    if (!this.#timesChecked) this.#checkTimes();
    return this.index().maxTimestamp;
  }

  /** Whether `maxTimestamp` and a search by time can run without opening a file. */
  get isReadyForTimes(): boolean {
    return this.#timesChecked && this.#index !== undefined;
  }

  /** Why the indexes were rebuilt from the log; undefined if they were loaded from their files. */
  get rebuildReason(): string | undefined {
    return this.#rebuildReason;
  }

  override slice(position: number, bytes: number): LogSlice {
    return this.#openLog().slice(position, bytes);
  }

  /** A view of the bytes from `position`, for a slice created while the segment was active. */
  view(position: number, bytes: number): Uint8Array {
    return this.#openLog().view(position, bytes);
  }

  /**
   * As in all segments, but if the log before `offset` is damaged, rebuilds the indexes so that they lead past the
   * damage.
   */
  override locate(offset: number, end: number, trace?: LookupTrace): LocatedBatch | undefined {
    try {
      return super.locate(offset, end, trace);
    } catch (error) {
      const isDamage = error instanceof RustLogError && error.code === "CORRUPT_MESSAGE";
      if (!isDamage || this.#rebuildReason !== undefined) throw error;
      this.#rebuild("the log is damaged");
      return super.locate(offset, end, trace);
    }
  }

  override findTimestamp(
    timestamp: number,
    range: SearchRange,
    trace?: LookupTrace,
  ): TimestampMatch | undefined {
    if (!this.#timesChecked) this.#checkTimes();
    return super.findTimestamp(timestamp, range, trace);
  }

  /** Calls `visit` for each batch header, in order, up to the first damage. */
  visitBatches(visit: (bytes: Uint8Array, at: number) => void): void {
    this.walk(0, (_size, at) => {
      const header = this.headerBytes(at);
      const readable =
        !Number.isNaN(this.statedBaseOffset(at)) &&
        isSafeI64(header, this.headerAt + FIELD.maxTimestamp) &&
        isSafeI64(header, this.headerAt + FIELD.producerId);
      if (readable) visit(this.headerBytes(at), this.headerAt);
      return true;
    });
  }

  /** Unlinks the files. Slices of a mapping stay valid. */
  remove(): void {
    this.#files.remove();
    this.close();
  }

  /** Prevents further opens, because another topic's files may get these names. Mapped files stay valid. */
  close(): void {
    this.#files.close();
  }

  protected override bytesAt(position: number, bytes: number): Uint8Array {
    return this.#openLog().view(position, bytes);
  }

  protected override headerBytes(position: number): Uint8Array {
    // The common case, in the innermost loop of every lookup.
    if (this.#mapping !== undefined) {
      this.headerAt = position;
      return this.#mapping;
    }
    const log = this.#openLog();
    const bytes = log.header(position);
    this.headerAt = log.headerAt;
    return bytes;
  }

  override index(): SegmentIndex {
    if (this.#index === undefined) {
      this.#index = this.#loadIndex();
      this.#findEnd(this.#index);
    }
    return this.#index;
  }

  protected override repairIndex(_position: number, reason: string): boolean {
    if (this.#rebuildReason !== undefined) return false;
    this.#rebuild(reason);
    return true;
  }

  protected override batchFaultAt(position: number, end: number): BatchFault | undefined {
    return this.#openLog().faultAt(position, end);
  }

  /** Rebuilds the indexes from the log, uses them at once, and saves them in the background. */
  #rebuild(reason: string): SegmentIndex {
    const file = segmentFileName(this.baseOffset, "index");
    this.#report(`${this.partitionName}: rebuilding the indexes of ${file}: ${reason}`);
    const index = this.walkIndex();
    index.seal();
    this.#index = index;
    this.#rebuildReason = reason;
    this.#timesChecked = true;
    this.#findEnd(index);
    void this.#saveVerified();
    return index;
  }

  /** Saves the rebuilt indexes, without timestamps of damaged batches. */
  async #saveVerified(): Promise<void> {
    try {
      const index = await this.walkVerifiedIndex();
      index.seal();
      this.#index = index;
      this.verifiedMax = index.maxTimestamp;
      this.#files.save("index", index.offsets.bytesFrom(0));
      this.#files.save("timeindex", index.times.bytesFrom(0));
    } catch (error) {
      // The files are gone or unreadable: don't save.
      if (!(error instanceof RustLogError)) throw error;
    }
  }

  #openLog(): LogBytes {
    if (this.#log === undefined) {
      this.#log = this.#files.openLog(this.fileBytes);
      if (this.#log instanceof MappedLog) this.#mapping = this.#log.mapping;
    }
    return this.#log;
  }

  /** Loads the indexes from their files; rebuilds them if a file is missing, malformed or incomplete. */
  #loadIndex(): SegmentIndex {
    const offsetBytes = this.#readIndexFile("index");
    const timeBytes = this.#readIndexFile("timeindex");
    let fault: string | undefined = "a file is missing";
    let loaded: SegmentIndex | undefined;
    if (offsetBytes !== undefined && timeBytes !== undefined) {
      fault = offsetIndexFault(offsetBytes, this.fileBytes) ?? timeIndexFault(timeBytes);
      if (fault === undefined) {
        loaded = new SegmentIndex(
          new OffsetIndex(offsetBytes, offsetBytes.length / OFFSET_ENTRY_BYTES),
          new TimeIndex(timeBytes, timeBytes.length / TIME_ENTRY_BYTES),
        );
        fault = this.#tailFault(loaded);
        if (fault === undefined) return loaded;
      }
    }
    return this.#rebuild(fault);
  }

  #readIndexFile(kind: "index" | "timeindex"): Uint8Array | undefined {
    const size = this.#files.size(kind);
    return size === undefined ? undefined : this.#files.readIndex(kind, size);
  }

  /** Why the last entry of an offset index does not match the end of the log; undefined if it does. */
  #tailFault(index: SegmentIndex): string | undefined {
    const { offsets } = index;
    const last = offsets.count - 1;
    if (last >= 0 && !this.pointsAtBatch(offsets.position(last), offsets.relativeOffset(last))) {
      return "its last entry does not match the log";
    }
    let early = false;
    let bytesSinceEntry = 0;
    this.walk(this.#tailStart(index), (size) => {
      if (bytesSinceEntry > INDEX_INTERVAL_BYTES) early = true;
      bytesSinceEntry += size;
      return !early;
    });
    // A batch after the last entry lacks its entry.
    return early ? "it ends too early" : undefined;
  }

  /** Finds the end of the last whole batch. Bytes after it have no offset and can't be served. */
  #findEnd(index: SegmentIndex): void {
    const { offsets } = index;
    let end = this.#tailStart(index);
    let next = this.baseOffset;
    if (offsets.count > 0 && this.headerFault(end, this.fileBytes) === undefined) {
      next += offsets.relativeOffset(offsets.count - 1) - this.lastDeltaAt(end);
    }
    let previous: number | undefined;
    this.walk(end, (size) => {
      next = this.offsetAfter(end, this.trueBaseOffset(end, next, previous));
      previous = end;
      end += size;
      return true;
    });
    if (end < this.fileBytes && this.#rebuildReason === undefined) {
      // There may be whole batches after the damage.
      this.#rebuild("the log is damaged");
      return;
    }
    this.#nextOffset = next;
    if (end < this.fileBytes) {
      const file = segmentFileName(this.baseOffset, "log");
      const excess = this.fileBytes - end;
      this.#report(
        `${this.partitionName}: segment ${file}, position ${end}: ${excess} bytes are not a batch and are not served`,
      );
    }
    this.#bytes = end;
  }

  /** Rebuilds the indexes if a batch after the last time entry has a larger timestamp. */
  #checkTimes(): void {
    const index = this.index();
    this.#timesChecked = true;
    let position = 0;
    if (index.times.count > 0) {
      const last = index.times.count - 1;
      const offset = index.times.relativeOffset(last);
      position = this.locate(this.baseOffset + offset, this.bytes)?.position ?? this.bytes;
      const holds =
        this.pointsAtBatch(position, offset) &&
        this.maxTimestampAt(position) === index.times.timestamp(last);
      // If the batch is damaged, the entry may be right.
      const isWrong = !holds && this.isIntact(position);
      if (isWrong && this.repairIndex(position, TIME_MISMATCH)) return;
    }
    let stale = false;
    this.walk(position, (_size, at) => {
      stale = this.maxTimestampAt(at) > index.maxTimestamp && this.isIntact(at);
      return !stale;
    });
    if (!stale) return;
    this.#rebuild("the time index ends too early");
  }

  /** Position of the last indexed batch. */
  #tailStart(index: SegmentIndex): number {
    const { offsets } = index;
    return offsets.count === 0 ? 0 : offsets.position(offsets.count - 1);
  }
}
