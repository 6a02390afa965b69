// A sealed segment: flushed, immutable, read through a mapping made on first use, only ever unlinked.
// Leaves to others: how a batch is found in it (segment.ts).
import { INDEX_INTERVAL_BYTES } from "../limits.ts";
import { batchBytes, findBatchFault, lastOffset, maxTimestamp } from "../record/batch.ts";
import { type Disk, joinPath } from "./disk.ts";
import type { LogSlice } from "./log-slice.ts";
import { OFFSET_ENTRY_BYTES, OffsetIndex, offsetIndexFault } from "./offset-index.ts";
import { LogSegment } from "./segment.ts";
import { segmentFileName } from "./segment-files.ts";
import { SegmentIndex } from "./segment-index.ts";
import { TIME_ENTRY_BYTES, TimeIndex, timeIndexFault } from "./time-index.ts";
import { VerifiedRanges } from "./verified-ranges.ts";

/** A view of a mapping: it stays valid when the segment's file is unlinked meanwhile. */
class MappedSlice implements LogSlice {
  readonly bytes: number;
  readonly #mapping: Uint8Array;
  readonly #position: number;

  constructor(mapping: Uint8Array, position: number, bytes: number) {
    this.#mapping = mapping;
    this.#position = position;
    this.bytes = bytes;
  }

  read(from: number, bytesMax: number): Uint8Array {
    const start = this.#position + from;
    return this.#mapping.subarray(start, start + Math.min(bytesMax, this.bytes - from));
  }
}

/** One immutable segment of a partition's directory. */
export class SealedSegment extends LogSegment {
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #report: (line: string) => void;
  #fileBytes: number | undefined;
  #bytes = 0;
  #mapping: Uint8Array | undefined;
  #index: SegmentIndex | undefined;
  readonly #verified = new VerifiedRanges();
  #timesChecked = false;
  #nextOffset = 0;

  /** Opens nothing yet: files are looked at on first use, so that a start costs no more than a listing. */
  constructor(
    disk: Disk,
    directory: string,
    baseOffset: number,
    partitionName: string,
    report: (line: string) => void,
  ) {
    super(baseOffset, partitionName);
    this.#disk = disk;
    this.#directory = directory;
    this.#report = report;
  }

  override get bytes(): number {
    this.index();
    return this.#bytes;
  }

  /** Length of the `.log` file, in bytes; the same as `bytes` unless its end is damaged. */
  override get fileBytes(): number {
    this.#fileBytes ??= this.#disk.fileSize(this.#path("log")) ?? 0;
    return this.#fileBytes;
  }

  /** Offset after the last record. */
  get nextOffset(): number {
    this.index();
    return this.#nextOffset;
  }

  /** Largest timestamp of any record, in milliseconds; -Infinity when there is none. */
  get maxTimestamp(): number {
    if (!this.#timesChecked) this.#checkTimes();
    return this.index().maxTimestamp;
  }

  override slice(position: number, bytes: number): LogSlice {
    return new MappedSlice(this.#map(), position, bytes);
  }

  /** A view of the bytes from `position`, for a slice that was made while the segment was active. */
  view(position: number, bytes: number): Uint8Array {
    return this.#map().subarray(position, position + bytes);
  }

  /**
   * As in all segments, but what it promises has been checked once by its CRCs: a run ends before the first
   * batch that is damaged, and one that begins there is refused with CORRUPT_MESSAGE.
   */
  override boundary(position: number, bytesMax: number, end: number): number {
    const stop = super.boundary(position, bytesMax, end);
    for (let at = this.#verified.verifiedFrom(position); at < stop;) {
      const fault = findBatchFault(this.#map(), at, stop);
      if (fault !== undefined) {
        if (at > position) return at;
        const last = this.headerFault(at, stop) === undefined ? lastOffset(this.#map(), at) : -1;
        const skip = last < 0 ? "" : `; the records after it begin at offset ${last + 1}`;
        throw this.corrupt(at, `${fault.message}${skip}`);
      }
      const next = at + batchBytes(this.#map(), at);
      this.#verified.add(at, next);
      at = this.#verified.verifiedFrom(next);
    }
    return stop;
  }

  override findTimestamp(timestamp: number, end: number): ReturnType<LogSegment["findTimestamp"]> {
    if (!this.#timesChecked) this.#checkTimes();
    return super.findTimestamp(timestamp, end);
  }

  /** Calls `visit` with the place of each batch header, in order, as far as the log is not damaged. */
  visitBatches(visit: (bytes: Uint8Array, at: number) => void): void {
    this.#walk(0, (_size, bytes, at) => {
      visit(bytes, at);
      return true;
    });
  }

  /** Unlinks the files, the log last: indexes without a log would be strangers. */
  remove(): void {
    this.#disk.remove(this.#path("timeindex"));
    this.#disk.remove(this.#path("index"));
    this.#disk.remove(this.#path("log"));
  }

  protected override headerBytes(position: number): Uint8Array {
    this.headerAt = position;
    return this.#mapping ?? this.#map();
  }

  protected override index(): SegmentIndex {
    if (this.#index === undefined) {
      this.#index = this.#loadIndex();
      this.#findEnd(this.#index);
    }
    return this.#index;
  }

  protected override repairIndex(_position: number, reason: string): void {
    this.#rebuild(this.index(), reason);
  }

  /** Makes the indexes anew from the log, uses them at once, and saves them in the background. */
  #rebuild(hints: SegmentIndex | undefined, reason: string): SegmentIndex {
    const file = segmentFileName(this.baseOffset, "index");
    this.#report(`${this.partitionName}: rebuilding the indexes of ${file}: ${reason}`);
    const index = this.walkIndex(hints);
    index.seal();
    this.#index = index;
    this.#timesChecked = true;
    this.#findEnd(index);
    this.#save("index", index.offsets.bytesFrom(0));
    this.#save("timeindex", index.times.bytesFrom(0));
    return index;
  }

  #path(kind: "log" | "index" | "timeindex"): string {
    return joinPath(this.#directory, segmentFileName(this.baseOffset, kind));
  }

  #map(): Uint8Array {
    this.#mapping ??= this.fileBytes === 0 ? new Uint8Array(0) : this.#disk.map(this.#path("log"));
    return this.#mapping;
  }

  /** The indexes from their files, or rebuilt when a file is missing, malformed or ends too early. */
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
    return this.#rebuild(loaded, fault);
  }

  #readIndexFile(kind: "index" | "timeindex"): Uint8Array | undefined {
    const size = this.#disk.fileSize(this.#path(kind));
    if (size === undefined) return undefined;
    return size === 0 ? new Uint8Array(0) : this.#disk.map(this.#path(kind));
  }

  /** Why the last entry of an offset index does not fit the end of the log, or undefined. */
  #tailFault(index: SegmentIndex): string | undefined {
    const { offsets } = index;
    const last = offsets.count - 1;
    if (last >= 0 && !this.pointsAtBatch(offsets.position(last), offsets.relativeOffset(last))) {
      return "its last entry does not match the log";
    }
    let early = false;
    let bytesSinceEntry = 0;
    this.#walk(this.#tailStart(index), (size) => {
      if (bytesSinceEntry > INDEX_INTERVAL_BYTES) early = true;
      bytesSinceEntry += size;
      return !early;
    });
    // A batch after the last entry should have had an entry of its own.
    return early ? "it ends too early" : undefined;
  }

  /** Finds the end of the last whole batch: what follows it can't be served, and belongs to no offset. */
  #findEnd(index: SegmentIndex): void {
    let next = this.baseOffset;
    let end = this.#tailStart(index);
    this.#walk(end, (size, bytes, at) => {
      next = lastOffset(bytes, at) + 1;
      end += size;
      return true;
    });
    this.#nextOffset = next;
    if (end < this.fileBytes) {
      const file = segmentFileName(this.baseOffset, "log");
      const excess = this.fileBytes - end;
      this.#report(
        `${this.partitionName}: segment ${file}, position ${end}: ${excess} bytes are no batch; not served`,
      );
    }
    this.#bytes = end;
  }

  /** Rebuilds the indexes unless the last time entry is the largest timestamp of all that follows it. */
  #checkTimes(): void {
    const index = this.index();
    this.#timesChecked = true;
    let position = 0;
    if (index.times.count > 0) {
      const last = index.times.count - 1;
      position = this.locate(this.baseOffset + index.times.relativeOffset(last), this.bytes);
    }
    let stale = false;
    this.#walk(position, (_size, bytes, at) => {
      stale = maxTimestamp(bytes, at) > index.maxTimestamp;
      return !stale;
    });
    if (!stale) return;
    this.#rebuild(index, "the time index ends too early");
  }

  /** Where the last indexed batch starts. */
  #tailStart(index: SegmentIndex): number {
    const { offsets } = index;
    return offsets.count === 0 ? 0 : offsets.position(offsets.count - 1);
  }

  /** Visits batch headers from `from` until `visit` says no, or there is no plausible one. */
  #walk(from: number, visit: (size: number, bytes: Uint8Array, at: number) => boolean): void {
    let position = from;
    while (position < this.fileBytes) {
      if (this.headerFault(position, this.fileBytes) !== undefined) return;
      const size = this.batchSizeAt(position, this.fileBytes);
      if (!visit(size, this.headerBytes(position), this.headerAt)) return;
      position += size;
    }
  }

  /** Saves a rebuilt index in the background; if that fails, the next use after a start rebuilds it again. */
  #save(kind: "index" | "timeindex", entries: Uint8Array): void {
    // Beside and renamed, never in place: the old file may be mapped, and a mapped file is never truncated.
    const temporary = `${this.#path(kind)}.tmp`;
    this.#disk
      .writeFile(temporary, entries)
      .then(() => {
        if (this.#disk.fileSize(this.#path("log")) === undefined) this.#disk.remove(temporary);
        else this.#disk.rename(temporary, this.#path(kind));
      })
      .catch((error: unknown) => {
        this.#report(`${this.#path(kind)}: could not be saved: ${String(error)}`);
      });
  }
}
