// Compaction of a range of sealed segments: the new segments are written beside the old ones, as `.cleaned` files.
// Leaves to others: which range, and putting the new segments in place (log-compaction.ts).
//
// The first pass reads the dirty part and finds the last record of each key (dirty-keys.ts). The second one reads
// everything from the oldest segment on, and drops records (batch-cleaner.ts). If there is not enough memory for all keys,
// the range ends earlier, and another run continues.
//
// Small segments are merged. How much of a segment stays is known before, so the segments that would be too large together
// are not tried, except where the estimate is too low; then the last one is read again, for a segment of its own.
//
// A damaged segment stays as it is, and its neighbours are not merged across it. Records that the first pass has read in it
// count, because they stay.
import { RustLogError } from "../../errors.js";
import { SEGMENT_BYTES_MAX } from "../../limits.js";
import { BATCH_HEADER_BYTES } from "../../record/batch.js";
import type { Disk } from "../disk/disk.js";
import { BatchCleaner } from "./batch-cleaner.js";
import { CleanedSegment } from "./cleaned-segment.js";
import type {
  CompactedSegment,
  CompactionJob,
  CompactionResult,
  SourceSegment,
} from "./compaction-job.js";
import { DirtyKeys } from "./dirty-keys.js";
import { DamagedBatchError, SourceBatches } from "./source-batches.js";

/** Bytes of the buffer for output: less for small segments. */
const OUTPUT_BYTES_MIN = 4 * 1024;
const OUTPUT_BYTES_MAX = 1024 * 1024;

/** How a run shares its thread. */
export interface CompactionControl {
  /** Called after each batch, with the bytes of log read so far; if it returns a promise, the run waits for it. */
  readonly pause?: (bytesRead: number) => Promise<void> | undefined;
  /** Asked after each batch whether to give up. */
  readonly isStopped?: () => boolean;
}

/**
 * Runs a job. Returns undefined if it was stopped. Throws CORRUPT_MESSAGE, with file and position, for a batch that was
 * malformed from the start, and the system's error for a failed operation such as a full disk. In these cases, no file is
 * left behind.
 */
export async function compactSegments(
  disk: Disk,
  job: CompactionJob,
  control: CompactionControl = {},
): Promise<CompactionResult | undefined> {
  const run = new CompactionRun(disk, job, control);
  try {
    await run.readDirtyKeys();
    await run.rewriteSegments();
    return run.result();
  } catch (error) {
    run.discard();
    if (error instanceof Stopped) return undefined;
    throw error;
  }
}

class Stopped extends Error {}

/** A new segment, and those that it replaces. */
interface Group {
  readonly cleaned: CleanedSegment;
  readonly replaced: SourceSegment[];
  bytesBefore: number;
  /** Header of the last batch that went before any stayed. If none stays, it does, without records. */
  gone: Uint8Array | undefined;
}

class CompactionRun {
  readonly #disk: Disk;
  readonly #job: CompactionJob;
  readonly #control: CompactionControl;
  readonly #source: SourceBatches;
  readonly #dirty: DirtyKeys;
  readonly #cleaner: BatchCleaner;
  readonly #output: Uint8Array;
  readonly #groups: Group[] = [];
  /** Base offsets of segments that the first pass has read to the end. */
  readonly #checked = new Set<number>();
  /** By base offset, how segments are damaged. */
  readonly #damage = new Map<number, string>();
  #bytesRead = 0;

  constructor(disk: Disk, job: CompactionJob, control: CompactionControl) {
    this.#disk = disk;
    this.#job = job;
    this.#control = control;
    this.#source = new SourceBatches(disk, job.directory);
    this.#dirty = new DirtyKeys(job);
    this.#cleaner = new BatchCleaner(job, this.#dirty);
    const outputBytes = Math.min(OUTPUT_BYTES_MAX, job.segmentBytes);
    this.#output = new Uint8Array(Math.max(OUTPUT_BYTES_MIN, outputBytes));
  }

  /** The first pass. */
  async readDirtyKeys(): Promise<void> {
    for (const segment of this.#job.segments) {
      if (segment.nextOffset <= this.#job.firstDirtyOffset) continue;
      try {
        if (!(await this.#enter(segment))) return;
        this.#checked.add(segment.baseOffset);
      } catch (error) {
        this.#noteDamage(segment, error);
      }
    }
  }

  /** Enters the keys of a segment. Returns false if there is no room for all of them. */
  async #enter(segment: SourceSegment): Promise<boolean> {
    const source = this.#source;
    this.#dirty.beginSegment(segment);
    source.openSegment(segment);
    while (source.next()) {
      this.#bytesRead += source.size;
      if (!this.#dirty.enter(source)) return false;
      const paused = this.#shareThread();
      if (paused !== undefined) await paused;
    }
    return true;
  }

  /** Throws the error unless it says that the segment is damaged. */
  #noteDamage({ baseOffset: base }: SourceSegment, error: unknown): void {
    // What was read a moment ago counts: it may be why other records went.
    if (!(error instanceof DamagedBatchError) || this.#checked.has(base)) throw error;
    this.#damage.set(base, error.message);
  }

  /** The second pass. */
  async rewriteSegments(): Promise<void> {
    const { segments } = this.#job;
    let group: Group | undefined;
    for (let i = 0; i < segments.length; i++) {
      const segment = segments[i]!;
      if (segment.baseOffset >= this.#dirty.end) break;
      if (group !== undefined) {
        if (this.#mayFit(group, segment, segments[i + 1])) {
          if (await this.#addTo(group, segment)) continue;
        }
        await this.#finish(group);
      }
      group = this.#begin(segment);
      if (await this.#addTo(group, segment)) continue;
      group = undefined;
      this.#cleaner.passDamage();
    }
    if (group !== undefined) await this.#finish(group);
  }

  result(): CompactionResult {
    const groups = this.#groups
      .filter(({ cleaned }) => cleaned.isChanged)
      .map(({ cleaned, replaced, bytesBefore }): CompactedSegment => ({
        replaced: replaced.map(({ baseOffset: base }) => base),
        base: cleaned.base,
        bytes: cleaned.bytes,
        bytesBefore,
      }));
    const bytesRead = this.#bytesRead;
    const bytesWritten = groups.reduce((sum, { bytes }) => sum + bytes, 0);
    const damage = [...this.#damage.values()];
    const stats = { bytesRead, bytesWritten, damage, ...this.#cleaner.progress };
    return { groups, cleanedTo: this.#dirty.end, stats };
  }

  /** Removes all files. */
  discard(): void {
    for (const { cleaned } of this.#groups) cleaned.discard();
  }

  #begin(segment: SourceSegment): Group {
    const cleaned = new CleanedSegment({
      ...{ disk: this.#disk, directory: this.#job.directory, base: segment.baseOffset },
      ...{ buffer: this.#output, pause: () => this.#shareThread() },
    });
    const group: Group = { cleaned, replaced: [], bytesBefore: 0, gone: undefined };
    this.#groups.push(group);
    return group;
  }

  /** Whether it is worth trying to add a segment to a group. */
  #mayFit({ cleaned }: Group, segment: SourceSegment, next: SourceSegment | undefined): boolean {
    if (this.#damage.has(segment.baseOffset) || !cleaned.reaches(segment.nextOffset)) return false;
    if (cleaned.bytes === 0) return true;
    const bytes = this.#source.sizeOf(segment) * this.#dirty.keptShare(segment, next);
    return cleaned.bytes + bytes <= this.#job.segmentBytes;
  }

  /** Adds what is left of a segment to a group. Returns false, without a change, if it does not fit or is damaged. */
  async #addTo(group: Group, segment: SourceSegment): Promise<boolean> {
    if (this.#damage.has(segment.baseOffset)) return false;
    const { cleaned, gone } = group;
    const { progress } = this.#cleaner;
    await cleaned.mark();
    this.#cleaner.beginSegment(segment);
    try {
      if (await this.#clean(group, segment)) return true;
    } catch (error) {
      this.#noteDamage(segment, error);
    }
    cleaned.rewind();
    this.#cleaner.beginSegment(segment, progress);
    group.gone = gone;
    return false;
  }

  /** Returns false if the segment does not fit the group. */
  async #clean(group: Group, segment: SourceSegment): Promise<boolean> {
    const { cleaned } = group;
    const source = this.#source;
    const isFirst = group.replaced.length === 0;
    // A group without a batch takes any segment.
    const isBounded = cleaned.bytes > 0;
    const bytesMax = isBounded ? this.#job.segmentBytes : SEGMENT_BYTES_MAX;
    source.openSegment(segment);
    while (source.next()) {
      this.#bytesRead += source.size;
      const left = source.fileBytes - source.position - source.size;
      const room = isBounded ? Number.POSITIVE_INFINITY : bytesMax - cleaned.bytes - left;
      const batch = this.#cleaner.clean(source, room);
      if (batch !== undefined && cleaned.bytes + batch.length > bytesMax) {
        if (isFirst) throw this.#tooLarge(segment);
        return false;
      }
      if (isFirst && !cleaned.isChanged && batch?.buffer === source.bytes.buffer) {
        cleaned.keep(source.bytes, source.at, source.size);
      } else {
        if (!cleaned.isChanged) await cleaned.begin();
        const written = batch === undefined ? this.#noteGone(group) : cleaned.append(batch);
        if (written !== undefined) await written;
      }
      const paused = this.#shareThread();
      if (paused !== undefined) await paused;
    }
    if (!isFirst && !cleaned.isChanged) await cleaned.begin();
    group.replaced.push(segment);
    group.bytesBefore += source.fileBytes;
    return true;
  }

  #noteGone(group: Group): undefined {
    const { bytes, at } = this.#source;
    if (group.cleaned.bytes === 0) group.gone = bytes.slice(at, at + BATCH_HEADER_BYTES);
  }

  async #finish({ cleaned, gone }: Group): Promise<void> {
    if (!cleaned.isChanged) return;
    if (cleaned.bytes === 0 && gone !== undefined) {
      await cleaned.append(this.#cleaner.emptied(gone));
    }
    await cleaned.finish();
  }

  #shareThread(): Promise<void> | undefined {
    if (this.#control.isStopped?.()) throw new Stopped();
    return this.#control.pause?.(this.#bytesRead);
  }

  #tooLarge({ baseOffset: base }: SourceSegment): RustLogError {
    const message = `${this.#job.name}: the segment at offset ${base} would grow beyond ${SEGMENT_BYTES_MAX} bytes`;
    return new RustLogError("STORAGE_ERROR", message);
  }
}
