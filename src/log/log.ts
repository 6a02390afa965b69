// The log of one partition: a row of segments with ascending offsets, of which only the last is written.
// Leaves to others: when to flush and whom to tell (topics/partition.ts), and all byte layouts.
import { RustLogError } from "../errors.ts";
import { OFFSET_MAX, RELATIVE_OFFSET_MAX } from "../limits.ts";
import { NO_REST, type Rest } from "../record/bytes.ts";
import { nextOffset as batchNextOffset, recordCount, stampBaseOffset } from "../record/batch.ts";
import { ActiveSegment } from "./segment/active-segment.ts";
import { FlushFailure, flushing, isDiskFull, reasonOf } from "./disk/disk.ts";
import type { LogContext, LogPosition } from "./log-context.ts";
import type { SegmentsView } from "./log-view.ts";
import type { LogRead } from "./segment/log-slice.ts";
import { listLogFiles, sealedSegments } from "./log-directory.ts";
import { ProducerSnapshots } from "./producer-snapshot.ts";
import { producersAfter, ProducerStates } from "./producer-states.ts";
import {
  type CleanSegment,
  NO_NOTES,
  noteCleanStop,
  openLastSegment,
  type SegmentNotes,
} from "./recovery/recovery.ts";
import { LogStart } from "./log-start.ts";
import { applyRetention, deleteBefore } from "./retention.ts";
import type { TimestampMatch } from "./segment/segment.ts";
import { SegmentList } from "./segment/segment-list.ts";

/** An append-only log of record batches in one directory. */
export class Log {
  readonly #context: LogContext;
  readonly #segments: SegmentList;
  readonly #producers: ProducerStates;
  readonly #snapshots: ProducerSnapshots;
  readonly #start: LogStart;
  #nextOffset: number;
  /** The end of what is in the file, as against what was only handed to `append`. */
  #pushed: LogPosition;

  private constructor(
    context: LogContext,
    segments: SegmentList,
    start: LogStart,
    nextOffset: number,
    producers: ProducerStates,
    snapshots: ProducerSnapshots,
  ) {
    this.#context = context;
    this.#segments = segments;
    this.#start = start;
    // Less than the log start after records were lost: their offsets are not given again.
    this.#nextOffset = Math.max(nextOffset, start.offset);
    this.#producers = producers;
    this.#snapshots = snapshots;
    this.#pushed = this.#mark();
  }

  /**
   * Opens the log of a directory, which must exist, and recovers it: a torn end is cut off the last segment, and one
   * that is damaged is sealed, unless the notes say that there is no need to look.
   */
  static async open(context: LogContext, notes: SegmentNotes = NO_NOTES): Promise<Log> {
    const { disk, directory, name } = context;
    const { bases, snapshotOffsets } = listLogFiles(context);
    const snapshots = new ProducerSnapshots(context, snapshotOffsets);
    const start = new LogStart(context);
    const last = bases.pop();
    if (last === undefined) {
      const segments = new SegmentList(name, [], ActiveSegment.create(context, start.offset));
      await disk.syncDirectory(directory);
      return new Log(context, segments, start, 0, new ProducerStates(), snapshots);
    }
    const sealed = sealedSegments(context, bases, last);
    const opened = await openLastSegment(context, last, notes, {
      load: (offset) => snapshots.load(offset),
      rebuild: () => producersAfter(sealed),
    });
    snapshots.removeAfter(opened.nextOffset);
    const active = new ActiveSegment(context, last, opened.state);
    const segments = new SegmentList(name, sealed, active);
    const log = new Log(context, segments, start, opened.nextOffset, opened.producers, snapshots);
    // No acknowledgement must ever depend on what is behind damage.
    if (opened.isDamaged) {
      await log.roll().catch((error: unknown) => {
        log.close();
        throw error;
      });
    }
    return log;
  }

  /** Offset of the first record that is still there. */
  get logStartOffset(): number {
    const first = this.#segments.sealed[0] ?? this.#active;
    return Math.max(this.#start.offset, first.baseOffset);
  }

  /**
   * Deletes the records below `offset`, which must be flushed: durably, before readers see it. Their segments go with the
   * next retention. Throws the system's error.
   */
  advanceLogStart(offset: number): Promise<void> {
    return this.#start.advance(offset);
  }

  /** Offset that the next record gets. */
  get logEndOffset(): number {
    return this.#nextOffset;
  }

  /** The end of what has been pushed to the file. */
  get pushedEnd(): LogPosition {
    return this.#pushed;
  }

  get context(): LogContext {
    return this.#context;
  }

  get segments(): SegmentsView {
    return this.#segments;
  }

  /** Number of segments, the active one included. */
  get segmentCount(): number {
    return this.#segments.count;
  }

  /** Length of all `.log` files, in bytes. */
  get bytes(): number {
    return this.#segments.bytes;
  }

  /** Whether a batch of so many bytes and records must go to a new segment. An empty segment takes any. */
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
   * The base offset of a batch that an idempotent producer has sent before, or undefined if it is new. Throws
   * OUT_OF_ORDER_SEQUENCE or INVALID_PRODUCER_EPOCH if it must not be appended.
   */
  findDuplicate(batch: Uint8Array): number | undefined {
    return this.#producers.check(batch);
  }

  /**
   * Gives a valid batch its offsets and adds it to the active segment; returns its base offset. `batch` has the whole
   * header; `rest` holds the pieces after it.
   */
  append(batch: Uint8Array, rest: Rest = NO_REST): number {
    const base = this.#nextOffset;
    if (base + recordCount(batch, 0) > OFFSET_MAX) {
      throw new RustLogError("STORAGE_ERROR", `${this.#context.name} has run out of offsets`);
    }
    stampBaseOffset(batch, 0, base);
    this.#active.append(batch, rest, this.#context.now());
    this.#producers.note(batch, 0);
    this.#nextOffset = batchNextOffset(batch, 0);
    return base;
  }

  /**
   * Hands all that was appended to the kernel. If that fails, everything since the last push is taken back,
   * from the file, the indexes and the offsets, and the system's error is thrown.
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
   * Whether so much is not flushed, in a segment that nears its end, that its roll would have to wait for the disk.
   * What is flushed then has to be flushed in any case: a segment that is never rolled is left to the kernel.
   */
  get shouldFlushAhead(): boolean {
    const { bytes, unflushedBytes } = this.#active;
    const { segmentBytes } = this.#context.settings;
    return bytes >= segmentBytes / 2 && unflushedBytes >= segmentBytes / 8;
  }

  /** Makes all that was pushed durable, and brings the index files up to date. */
  async sync(): Promise<void> {
    await this.#timed(() => this.#active.sync());
    await this.#active.saveIndexes();
  }

  /**
   * Seals the active segment and begins the next one. All that was appended must have been pushed. When the
   * new file can't be made the log stays as it was, and the system's error is thrown.
   */
  async roll(): Promise<void> {
    // An empty one is sealed only if offsets are missing between it and the next one.
    if (this.#active.writtenBytes === 0 && this.#active.baseOffset === this.#nextOffset) return;
    const { disk, directory } = this.#context;
    // A tail that recovery could not truncate goes first: it must not be sealed.
    await this.#active.push();
    await this.#finishActive();
    await this.#snapshots.save(this.#nextOffset, this.#producers);
    const next = ActiveSegment.create(this.#context, this.#nextOffset);
    try {
      await flushing(directory, () => disk.syncDirectory(directory));
    } catch (error) {
      // Were it left there, the next start would take it for the last segment.
      next.discard();
      throw error;
    }
    this.#segments.sealed.push(this.#active.becomeSealed(next.baseOffset));
    this.#segments.active = next;
    this.#snapshots.keepOnly(this.#nextOffset);
    this.#pushed = this.#mark();
  }

  /**
   * Whole batches from the one that holds `offset`, up to `bytesMax` bytes but one batch at least, all before
   * `end`; see `SegmentList.read`.
   */
  read(offset: number, bytesMax: number, end: LogPosition): LogRead {
    return this.#segments.read(offset, bytesMax, end);
  }

  /** The first batch before `end` that has a record at or after `timestamp`, or undefined. */
  findTimestamp(timestamp: number, end: LogPosition): TimestampMatch | undefined {
    return this.#segments.findTimestamp(timestamp, this.logStartOffset, end);
  }

  /** Deletes sealed segments that retention has run out for, as if the log ended at `end`; returns how many. */
  applyRetention(end: LogPosition): Promise<number> {
    return applyRetention(this.#segments, this.#context, this.#start.offset, end);
  }

  /** Whether retention has run out for all of the active segment, which must be rolled before it can go. */
  get isActiveExpired(): boolean {
    const { settings, now } = this.#context;
    if (settings.retentionMs < 0 || this.#active.writtenBytes === 0) return false;
    return this.#active.maxTimestamp < now() - settings.retentionMs;
  }

  /** Deletes the sealed segments whose records are all below `offset`. */
  deleteBefore(offset: number): Promise<void> {
    return deleteBefore(this.#segments, this.#context, offset);
  }

  /**
   * Flushes everything and closes the log; what is returned lets the next start skip its scan. Undefined when
   * the files that this needs could not be written, for want of space: the log itself is flushed then.
   */
  async closeCleanly(): Promise<CleanSegment | undefined> {
    try {
      const complete = await this.#finishActive();
      // A damaged one is to be scanned.
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

  /** Also on a full disk a failed flush is one: after it the page cache can't be trusted. */
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
      // Part of a batch may now stand at the end of the file, where the next one would follow it.
      throw new RustLogError(
        "STORAGE_ERROR",
        `${this.#context.name}: a batch that could not be written could not be cut off either`,
        { cause: error },
      );
    }
    this.#nextOffset = this.#pushed.offset;
    this.#producers.rewind();
  }
}
