// The log of one partition: a row of segments with contiguous offsets, of which only the last is written.
// Leaves to others: when to flush and whom to tell (topics/partition.ts), and all byte layouts.
import { RustLogError } from "../errors.ts";
import { nextOffset as batchNextOffset, recordCount, stampBaseOffset } from "../record/batch.ts";
import { crc32c } from "../record/crc32c.ts";
import { OFFSET_MAX } from "../limits.ts";
import { ActiveSegment, type ActiveSegmentState } from "./active-segment.ts";
import { type Disk, joinPath } from "./disk.ts";
import type { LogRead, LogSlice } from "./log-slice.ts";
import { type CleanSegment, NO_NOTES, openLastSegment, type SegmentNotes } from "./recovery.ts";
import { SealedSegment } from "./sealed-segment.ts";
import type { LogSegment, TimestampMatch } from "./segment.ts";
import { ProducerSnapshots } from "./producer-snapshot.ts";
import { ProducerStates } from "./producer-states.ts";
import { parseSegmentFileName, segmentFileName } from "./segment-files.ts";
import { SegmentIndex } from "./segment-index.ts";

/** Settings of a log. A change takes effect at the next roll or the next clean-up. */
export interface LogSettings {
  /** Size at which the active segment is rolled, in bytes. */
  readonly segmentBytes: number;
  /** Age of its first batch at which the active segment is rolled, in milliseconds. */
  readonly segmentMs: number;
  /** Size above which the oldest sealed segments are deleted, in bytes; -1 for never. */
  readonly retentionBytes: number;
  /** Age of a sealed segment's newest record at which it is deleted, in milliseconds; -1 for never. */
  readonly retentionMs: number;
}

/** A place between two batches of the log: all before it can be read up to there. */
export interface LogPosition {
  /** Offset of the record that follows. */
  readonly offset: number;
  /** Base offset of the segment that the place is in. */
  readonly segment: number;
  /** Bytes from the start of that segment. */
  readonly position: number;
}

/** What a log is opened with, beside its place. */
export interface LogContext {
  readonly disk: Disk;
  readonly directory: string;
  /** For messages: `orders-3`. */
  readonly name: string;
  readonly settings: LogSettings;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Takes a line about something that an operator should know. */
  readonly report: (line: string) => void;
}

/** An append-only log of record batches in one directory. */
export class Log {
  readonly #context: LogContext;
  readonly #sealed: SealedSegment[];
  readonly #producers: ProducerStates;
  readonly #snapshots: ProducerSnapshots;
  #active: ActiveSegment;
  #nextOffset: number;
  /** The end of what is in the file, as against what was only handed to `append`. */
  #pushed: LogPosition;

  private constructor(
    context: LogContext,
    sealed: SealedSegment[],
    active: ActiveSegment,
    nextOffset: number,
    producers: ProducerStates,
    snapshots: ProducerSnapshots,
  ) {
    this.#context = context;
    this.#sealed = sealed;
    this.#active = active;
    this.#nextOffset = nextOffset;
    this.#producers = producers;
    this.#snapshots = snapshots;
    this.#pushed = this.#mark();
  }

  /**
   * Opens the log of a directory, which must exist, and recovers it: the last segment is cut after its last
   * valid batch, unless the notes say that there is no need.
   */
  static async open(context: LogContext, notes: SegmentNotes = NO_NOTES): Promise<Log> {
    const { disk, directory, name, report } = context;
    const bases: number[] = [];
    const snapshotOffsets: number[] = [];
    for (const file of disk.list(directory)) {
      const parsed = parseSegmentFileName(file);
      if (parsed?.kind === "log") bases.push(parsed.offset);
      else if (parsed?.kind === "snapshot") snapshotOffsets.push(parsed.offset);
      else if (file.endsWith(".tmp")) disk.remove(joinPath(directory, file));
      else if (parsed === undefined) report(`${name}: ${file} is no file of a log; left alone`);
    }
    const snapshots = new ProducerSnapshots(disk, directory, snapshotOffsets);
    const last = bases.pop();
    if (last === undefined) {
      const active = Log.#createSegment(context, 0);
      await disk.syncDirectory(directory);
      return new Log(context, [], active, 0, new ProducerStates(), snapshots);
    }
    const sealed = bases.map((base) => new SealedSegment(disk, directory, base, name, report));
    const opened = await openLastSegment(context, last, notes, {
      load: (offset) => snapshots.load(offset),
      rebuild: () => producersOf(sealed),
    });
    const active = new ActiveSegment(disk, directory, last, name, opened.state, report);
    return new Log(context, sealed, active, opened.nextOffset, opened.producers, snapshots);
  }

  /** Offset of the first record that is still there. */
  get logStartOffset(): number {
    return (this.#sealed[0] ?? this.#active).baseOffset;
  }

  /** Offset that the next record gets. */
  get logEndOffset(): number {
    return this.#nextOffset;
  }

  /** The end of what has been pushed to the file. */
  get pushedEnd(): LogPosition {
    return this.#pushed;
  }

  /** Number of segments, the active one included. */
  get segmentCount(): number {
    return this.#sealed.length + 1;
  }

  /** Length of all `.log` files, in bytes. */
  get bytes(): number {
    let sum = this.#active.bytes;
    for (const segment of this.#sealed) sum += segment.fileBytes;
    return sum;
  }

  /** Whether the next batch must go to a new segment. An empty segment takes any batch. */
  mustRoll(batchBytes: number): boolean {
    const { writtenBytes, firstAppendMs } = this.#active;
    if (writtenBytes === 0) return false;
    const { segmentBytes, segmentMs } = this.#context.settings;
    if (writtenBytes + batchBytes > segmentBytes) return true;
    if (this.#nextOffset - this.#active.baseOffset > 0x7fff_0000) return true;
    return firstAppendMs !== undefined && this.#context.now() - firstAppendMs >= segmentMs;
  }

  /**
   * The base offset of a batch that an idempotent producer has sent before, or undefined if it is new. Throws
   * OUT_OF_ORDER_SEQUENCE or INVALID_PRODUCER_EPOCH if it must not be appended.
   */
  findDuplicate(batch: Uint8Array): number | undefined {
    return this.#producers.check(batch);
  }

  /** Gives a valid batch its offsets and adds it to the active segment; returns its base offset. */
  append(batch: Uint8Array): number {
    const base = this.#nextOffset;
    if (base + recordCount(batch, 0) > OFFSET_MAX) {
      throw new RustLogError("STORAGE_ERROR", `${this.#context.name} has run out of offsets`);
    }
    stampBaseOffset(batch, 0, base);
    this.#active.append(batch, this.#context.now());
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

  /** Makes all that was pushed durable, and brings the index files up to date. */
  async sync(): Promise<void> {
    await this.#active.sync();
    await this.#active.saveIndexes();
  }

  /**
   * Seals the active segment and begins the next one. All that was appended must have been pushed. When the
   * new file can't be made the log stays as it was, and the system's error is thrown.
   */
  async roll(): Promise<void> {
    if (this.#active.writtenBytes === 0) return;
    const { disk, directory } = this.#context;
    await this.#active.finish();
    await this.#snapshots.save(this.#nextOffset, this.#producers);
    const next = Log.#createSegment(this.#context, this.#nextOffset);
    try {
      await disk.syncDirectory(directory);
    } catch (error) {
      // Were it left there, the next start would take it for the last segment.
      next.close();
      disk.remove(joinPath(directory, segmentFileName(this.#nextOffset, "log")));
      throw error;
    }
    this.#sealed.push(this.#active.becomeSealed());
    this.#active = next;
    this.#snapshots.keepOnly(this.#nextOffset);
    this.#pushed = this.#mark();
  }

  /**
   * Whole batches from the one that holds `offset`, up to `bytesMax` bytes but one batch at least, all
   * before `end`. `offset` must be at or above the log start; at or past the end there is nothing.
   * Throws CORRUPT_MESSAGE, naming the place, when the log is damaged there.
   */
  read(offset: number, bytesMax: number, end: LogPosition): LogRead {
    const slices: LogSlice[] = [];
    let total = 0;
    let next = offset;
    for (let i = this.#segmentOf(offset); next < end.offset; i++) {
      const segment = this.#segmentAt(i);
      if (segment === undefined || segment.baseOffset > end.segment) break;
      const limit = segment.baseOffset === end.segment ? end.position : segment.bytes;
      const start = total === 0 ? this.#locate(segment, i, offset, limit) : 0;
      if (start === limit) break;
      const stop = segment.boundary(start, bytesMax - total, limit);
      if (total > 0 && total + stop - start > bytesMax) break;
      slices.push(segment.slice(start, stop - start));
      total += stop - start;
      if (stop < limit) {
        next = segment.baseOffsetAt(stop);
        break;
      }
      next = this.#offsetAfter(segment, i, end);
      if (total >= bytesMax || next !== this.#segmentAt(i + 1)?.baseOffset) break;
    }
    return { slices, bytes: total, nextOffset: next };
  }

  /** The first batch before `end` that has a record at or after `timestamp`, or undefined. */
  findTimestamp(timestamp: number, end: LogPosition): TimestampMatch | undefined {
    for (let i = 0; i < this.segmentCount; i++) {
      const segment = this.#segmentAt(i);
      if (segment === undefined || segment.baseOffset > end.segment) break;
      const limit = segment.baseOffset === end.segment ? end.position : segment.bytes;
      const found = segment.findTimestamp(timestamp, limit);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** Deletes sealed segments that retention has run out for, oldest first; returns how many. */
  async applyRetention(): Promise<number> {
    const { retentionBytes, retentionMs } = this.#context.settings;
    let excess = retentionBytes < 0 ? 0 : this.bytes - retentionBytes;
    const oldestMs = retentionMs < 0 ? Number.NEGATIVE_INFINITY : this.#context.now() - retentionMs;
    let deleted = 0;
    for (let first = this.#sealed[0]; first !== undefined; first = this.#sealed[0]) {
      const tooLarge = retentionBytes >= 0 && excess >= first.fileBytes;
      if (!tooLarge && !(retentionMs >= 0 && first.maxTimestamp < oldestMs)) break;
      excess -= first.fileBytes;
      await this.#deleteFirst();
      deleted++;
    }
    return deleted;
  }

  /** Deletes the sealed segments whose records are all below `offset`. */
  async deleteBefore(offset: number): Promise<void> {
    while (this.#sealed.length > 0 && (this.#segmentAt(1)?.baseOffset ?? 0) <= offset) {
      await this.#deleteFirst();
    }
  }

  /** Flushes everything and closes the log; what is returned lets the next start skip its scan. */
  async closeCleanly(): Promise<CleanSegment> {
    await this.#active.finish();
    await this.#snapshots.save(this.#nextOffset, this.#producers);
    const { disk, directory } = this.#context;
    await disk.syncDirectory(directory);
    const base = this.#active.baseOffset;
    const crcOf = (kind: "index" | "timeindex") => {
      const bytes = disk.readFile(joinPath(directory, segmentFileName(base, kind)));
      return bytes === undefined ? 0 : crc32c(bytes, 0, bytes.length);
    };
    const clean = {
      baseOffset: base,
      bytes: this.#active.bytes,
      nextOffset: this.#nextOffset,
      indexCrc: crcOf("index"),
      timeIndexCrc: crcOf("timeindex"),
    };
    this.close();
    return clean;
  }

  /** Closes the files without flushing. */
  close(): void {
    this.#active.close();
  }

  static #createSegment(context: LogContext, baseOffset: number): ActiveSegment {
    const { disk, directory, name, report } = context;
    const file = disk.openAppend(joinPath(directory, segmentFileName(baseOffset, "log")));
    if (file.size > 0) file.truncate(0);
    const state: ActiveSegmentState = {
      file,
      index: new SegmentIndex(),
      savedEntries: { offsets: 0, times: 0 },
      firstAppendMs: undefined,
    };
    return new ActiveSegment(disk, directory, baseOffset, name, state, report);
  }

  #mark(): LogPosition {
    this.#active.mark(this.#nextOffset);
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

  async #deleteFirst(): Promise<void> {
    const first = this.#sealed.shift();
    if (first === undefined) return;
    first.remove();
    // One flush a segment: were two removals to reach the disk in the other order, there would be a gap.
    await this.#context.disk.syncDirectory(this.#context.directory);
  }

  #segmentAt(i: number): LogSegment | undefined {
    return i === this.#sealed.length ? this.#active : this.#sealed[i];
  }

  /** Number of the segment with the largest base offset at or below `offset`. */
  #segmentOf(offset: number): number {
    if (offset >= this.#active.baseOffset) return this.#sealed.length;
    let low = 0;
    let high = this.#sealed.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#sealed[middle]!.baseOffset <= offset) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  #locate(segment: LogSegment, i: number, offset: number, limit: number): number {
    const position = segment.locate(offset, limit);
    const found =
      position < limit ? segment.baseOffsetAt(position) : this.#segmentAt(i + 1)?.baseOffset;
    if (found !== undefined && found > offset) {
      const file = segmentFileName(segment.baseOffset, "log");
      throw new RustLogError(
        "CORRUPT_MESSAGE",
        `${this.#context.name}: segment ${file}, position ${position}: offsets ${offset} to ${found - 1} are missing`,
      );
    }
    return position;
  }

  #offsetAfter(segment: LogSegment, i: number, end: LogPosition): number {
    if (segment.baseOffset === end.segment) return end.offset;
    return this.#sealed[i]?.nextOffset ?? end.offset;
  }
}

/** The producers after the last of these segments, from the headers of all their batches. */
function producersOf(segments: readonly SealedSegment[]): ProducerStates {
  const states = new ProducerStates();
  for (const segment of segments) segment.visitBatches((bytes, at) => states.note(bytes, at));
  return states;
}
