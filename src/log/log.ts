// The log of one partition: a list of segments with ascending offsets. Only the last one is written.
// Leaves to others: when to flush and whom to notify (topics/partition.ts), and all byte layouts.
import { RustLogError } from "../errors.js";
import { OFFSET_MAX, RELATIVE_OFFSET_MAX } from "../limits.js";
import type { Pieces } from "../record/bytes.js";
import {
  nextOffset as batchNextOffset,
  recordCount,
  stampBaseOffset,
  stampLeaderEpoch,
} from "../record/batch.js";
import { stampLogAppendTime } from "../record/log-append-time.js";
import { type CompactionNote, NOT_COMPACTED } from "./compaction/compaction-note.js";
import { LogCompaction } from "./compaction/log-compaction.js";
import { settleCompaction } from "./compaction/segment-swap.js";
import { ActiveSegment } from "./segment/active-segment.js";
import { FlushFailure, flushing, isDiskFull, reasonOf } from "./disk/disk.js";
import type { LogContext, LogPosition } from "./log-context.js";
import type { SegmentsView } from "./log-view.js";
import { listLogFiles, sealedSegments } from "./log-directory.js";
import { ProducerSnapshots } from "./producer-snapshot.js";
import type { ProducerBatch, ProducerState } from "./producer-states.js";
import { producersAfter, ProducerStates } from "./producer-states.js";
import { type CleanSegment, noteCleanStop } from "./recovery/noted-segment.js";
import { NO_NOTES, openLastSegment, type SegmentNotes } from "./recovery/recovery.js";
import { LogStart } from "./log-start.js";
import { applyRetention, deleteBefore, isExpired } from "./retention.js";
import type { TimestampMatch } from "./segment/time-lookup.js";
import { SegmentList } from "./segment/segment-list.js";

/** The parts of an open log. */
interface LogState {
  readonly context: LogContext;
  readonly segments: SegmentList;
  readonly start: LogStart;
  readonly nextOffset: number;
  readonly producers: ProducerStates;
  readonly snapshots: ProducerSnapshots;
  readonly note: CompactionNote;
}

/** An append-only log of record batches in one directory. */
export class Log {
  /** Removes records that have a later one with the same key. */
  readonly compaction: LogCompaction;
  readonly #context: LogContext;
  readonly #segments: SegmentList;
  readonly #producers: ProducerStates;
  readonly #snapshots: ProducerSnapshots;
  readonly #start: LogStart;
  #nextOffset: number;
  /** End of the bytes in the file, without those that were only handed to `append`. */
  #pushed: LogPosition;

  private constructor(state: LogState) {
    const { context, segments, start, nextOffset, producers, snapshots, note } = state;
    this.#context = context;
    this.#segments = segments;
    this.#start = start;
    // Below the log start if records were lost; their offsets are not reused.
    this.#nextOffset = Math.max(nextOffset, start.offset);
    this.#producers = producers;
    this.#snapshots = snapshots;
    this.#pushed = this.#mark();
    this.compaction = new LogCompaction({ context, segments, start, producers, note });
  }

  /**
   * Opens and recovers the log of an existing directory. Truncates a torn tail of the last segment, and seals that
   * segment if it is damaged. Skips the scan if the notes of a clean stop vouch for it.
   */
  static async open(context: LogContext, notes: SegmentNotes = NO_NOTES): Promise<Log> {
    const { disk, directory, name } = context;
    let files = listLogFiles(context);
    let note = NOT_COMPACTED;
    if (files.isCompacted || files.cleaned.length > 0) {
      const settled = await settleCompaction(context, files.cleaned);
      note = settled.note;
      if (settled.isChanged) files = listLogFiles(context);
    }
    const { bases, snapshotOffsets } = files;
    const snapshots = new ProducerSnapshots(context, snapshotOffsets);
    const start = new LogStart(context);
    const last = bases.pop();
    if (last === undefined) {
      const segments = new SegmentList(name, [], ActiveSegment.create(context, start.offset));
      await disk.syncDirectory(directory);
      const producers = new ProducerStates();
      return new Log({ context, segments, start, nextOffset: 0, producers, snapshots, note });
    }
    const sealed = sealedSegments(context, bases, last, note.compacted);
    const opened = await openLastSegment(context, last, notes, {
      load: (offset) => snapshots.load(offset),
      rebuild: () => producersAfter(sealed),
    });
    snapshots.removeAfter(opened.nextOffset);
    const { nextOffset, producers } = opened;
    const segments = new SegmentList(name, sealed, new ActiveSegment(context, last, opened.state));
    // Lost records may have been compacted; those that get their offsets are not.
    if (note.firstDirtyOffset > nextOffset) note = { ...note, firstDirtyOffset: 0 };
    const log = new Log({ context, segments, start, nextOffset, producers, snapshots, note });
    // No acknowledged record may follow damage.
    if (opened.isDamaged) {
      await log.roll().catch((error: unknown) => {
        log.close();
        throw error;
      });
    }
    return log;
  }

  /** Offset of the first record that is not deleted. */
  get logStartOffset(): number {
    const first = this.#segments.sealed[0] ?? this.#active;
    return Math.max(this.#start.offset, first.baseOffset);
  }

  /**
   * Deletes the records below `offset`, all of which must be flushed. The change is durable before readers see it. The
   * next retention run deletes the segments. Throws the system's error.
   */
  advanceLogStart(offset: number): Promise<void> {
    return this.#start.advance(offset);
  }

  /** The idempotent producers, least recently active first. */
  producers(): IterableIterator<[number, ProducerState]> {
    return this.#producers.entries();
  }

  get logEndOffset(): number {
    return this.#nextOffset;
  }

  /** End of the pushed bytes. */
  get pushedEnd(): LogPosition {
    return this.#pushed;
  }

  get context(): LogContext {
    return this.#context;
  }

  get segments(): SegmentsView {
    return this.#segments;
  }

  /** Whether a batch of this size must go to a new segment. An empty segment takes any batch. */
  mustRoll({ bytes, records }: { readonly bytes: number; readonly records: number }): boolean {
    const { writtenBytes, firstAppendMs, baseOffset } = this.#active;
    if (writtenBytes === 0) return false;
    if (this.#active.isDamaged) return true;
    const { segmentBytes, segmentMs } = this.#context.settings;
    if (writtenBytes + bytes > segmentBytes) return true;
    if (this.#nextOffset + records - 1 - baseOffset > RELATIVE_OFFSET_MAX) return true;
    return firstAppendMs !== undefined && this.#context.now() - firstAppendMs >= segmentMs;
  }

  /**
   * A batch that its idempotent producer sent before, as it was appended; undefined if the batch is new. Throws
   * OUT_OF_ORDER_SEQUENCE or INVALID_PRODUCER_EPOCH if it must not be appended.
   */
  findDuplicate(header: Uint8Array): ProducerBatch | undefined {
    return this.#producers.check(header);
  }

  /** Stamps offsets and time into a valid batch, adds it to the active segment and returns its base offset. */
  append(batch: Pieces): number {
    const base = this.#nextOffset;
    const [header] = batch;
    if (base + recordCount(header, 0) > OFFSET_MAX) {
      throw new RustLogError("STORAGE_ERROR", `${this.#context.name} has run out of offsets`);
    }
    stampBaseOffset(header, 0, base);
    stampLeaderEpoch(header, 0);
    const nowMs = this.#context.now();
    const { settings } = this.#context;
    if (settings.timestampType === "LogAppendTime") stampLogAppendTime(batch, nowMs);
    this.#active.append(batch, nowMs);
    this.#producers.note(header, 0);
    this.#nextOffset = batchNextOffset(header, 0);
    return base;
  }

  /**
   * Hands all appended bytes to the kernel. If that fails, rolls back everything since the last push, in the file, the
   * indexes and the offsets, and throws the system's error.
   */
  push(): void | Promise<void> {
    let outcome: void | Promise<void>;
    try {
      outcome = this.#active.push();
    } catch (error) {
      this.#takeBack();
      throw error;
    }
    if (outcome === undefined) {
      this.#pushed = this.#mark();
      return;
    }
    return outcome.then(
      () => {
        this.#pushed = this.#mark();
      },
      (error: unknown) => {
        this.#takeBack();
        throw error;
      },
    );
  }

  /**
   * Whether to flush now so that the coming roll need not wait for the disk. True only near the end of a segment, where
   * the bytes must be flushed soon anyway; until then the kernel decides.
   */
  get shouldFlushAhead(): boolean {
    const { bytes, unflushedBytes } = this.#active;
    const { segmentBytes } = this.#context.settings;
    return bytes >= segmentBytes / 2 && unflushedBytes >= segmentBytes / 8;
  }

  /** Makes all pushed bytes durable. */
  sync(): Promise<void> {
    return this.#timed(() => this.#active.sync());
  }

  /** Updates the index files after a flush, if they miss at least this many entries. Never fails. */
  saveIndexes(entriesMin = 1): Promise<void> {
    return this.#active.saveIndexes(entriesMin);
  }

  /**
   * Seals the active segment and begins the next one. All appended bytes must have been pushed. If the new file can't
   * be created, the log is unchanged and the system's error is thrown.
   */
  async roll(): Promise<void> {
    // Seal an empty segment only if there is a gap between it and the next offset.
    if (this.#active.writtenBytes === 0 && this.#active.baseOffset === this.#nextOffset) return;
    const { disk, directory } = this.#context;
    // First truncate a tail that recovery could not truncate: it must not be sealed.
    await this.#active.push();
    await this.#finishActive();
    await this.#snapshots.save(this.#nextOffset, this.#producers);
    const next = ActiveSegment.create(this.#context, this.#nextOffset);
    try {
      await flushing(directory, () => disk.syncDirectory(directory));
    } catch (error) {
      // If left there, the next start would take it for the last segment.
      next.discard();
      throw error;
    }
    this.#segments.sealed.push(this.#active.becomeSealed(next.baseOffset));
    this.#segments.active = next;
    this.#snapshots.keepOnly(this.#nextOffset);
    this.#pushed = this.#mark();
  }

  /** The first batch from offset `start` to `end` that has a record at or after `timestamp`, or undefined. */
  findTimestamp(
    timestamp: number,
    end: LogPosition,
    start = this.logStartOffset,
  ): TimestampMatch | undefined {
    return this.#segments.findTimestamp(timestamp, Math.max(start, this.logStartOffset), end);
  }

  /** Largest timestamp of any record before `end`; -Infinity if there are no records. */
  newestTimestamp(end: LogPosition): number {
    return this.#segments.newestTimestamp(this.logStartOffset, end);
  }

  /** Deletes expired sealed segments, as if the log ended at `end`; returns their number. */
  applyRetention(end: LogPosition): Promise<number> {
    return applyRetention(this.#segments, this.#context, this.compaction, this.#start.offset, end);
  }

  /** Whether the whole active segment has expired, or is below the log start. It must be rolled before it can be deleted. */
  get isActiveUnneeded(): boolean {
    if (this.#active.writtenBytes === 0) return false;
    if (this.#start.offset >= this.#nextOffset) return true;
    return isExpired(this.#active, this.#active.maxTimestamp, this.#context);
  }

  /** Deletes the sealed segments whose records are all below `offset`. */
  deleteBefore(offset: number): Promise<void> {
    return deleteBefore(this.#segments, this.#context, this.compaction, offset);
  }

  /**
   * Flushes everything and closes the log. The result lets the next start skip its scan; it is undefined if the disk
   * was too full to write the files that a skipped scan needs. The log itself is flushed in any case.
   */
  async closeCleanly(): Promise<CleanSegment | undefined> {
    try {
      const complete = await this.#finishActive();
      // A damaged segment must be scanned at the next start.
      return complete && !this.#active.isDamaged ? await this.#noteCleanStop() : undefined;
    } catch (error) {
      if (error instanceof FlushFailure) throw error;
      const { name, report } = this.#context;
      const why = isDiskFull(error) ? "no space" : reasonOf(error);
      report(`${name}: a clean stop can't be noted: ${why}; the next start scans its last segment`);
      return undefined;
    } finally {
      this.close();
    }
  }

  async #noteCleanStop(): Promise<CleanSegment | undefined> {
    if (!(await this.#snapshots.save(this.#nextOffset, this.#producers))) return undefined;
    const { baseOffset, bytes } = this.#active;
    return noteCleanStop(this.#context, { baseOffset, bytes, nextOffset: this.#nextOffset });
  }

  /** A failed flush is an error on a full disk too: the page cache can't be trusted after it. */
  #finishActive(): Promise<boolean> {
    return flushing("a segment", () => this.#timed(() => this.#active.finish()));
  }

  async #timed<T>(flush: () => Promise<T>): Promise<T> {
    const beganMs = performance.now();
    const result = await flush();
    this.#context.onFlush?.(performance.now() - beganMs);
    return result;
  }

  /** Closes the files without flushing. */
  close(): void {
    this.#active.close();
    for (const segment of this.#segments.sealed) segment.close();
  }

  get #active(): ActiveSegment {
    return this.#segments.active;
  }

  #mark(): LogPosition {
    this.#active.mark();
    this.#producers.mark();
    return {
      offset: this.#nextOffset,
      segment: this.#active.baseOffset,
      position: this.#active.writtenBytes,
    };
  }

  #takeBack(): void {
    try {
      this.#active.rewind(this.#pushed.position);
    } catch (error) {
      // The file may now end with part of a batch, and the next batch would follow it.
      throw new RustLogError(
        "STORAGE_ERROR",
        `${this.#context.name}: could not truncate the log after a failed write`,
        { cause: error },
      );
    }
    this.#nextOffset = this.#pushed.offset;
    this.#producers.rewind();
  }
}
