// The compaction of one log: which range may be compacted, one run at a time, and putting its result in place.
// Leaves to others: when to run (the broker), the run itself (compact-segments.ts), and the steps of the replacement on
// the disk (segment-swap.ts).
//
// Only sealed segments below the high watermark are compacted. While a run reads them, everything else goes on:
// segments may even be deleted. What is left of them when the run ends is replaced.
import { RustLogError } from "../../errors.js";
import { FlushFailure, isDiskFull } from "../disk/disk.js";
import { nextTurn } from "../event-loop.js";
import type { LogContext, LogPosition } from "../log-context.js";
import type { LogStart } from "../log-start.js";
import type { ProducerStates } from "../producer-states.js";
import { SealedSegment } from "../segment/sealed-segment.js";
import { segmentFileName } from "../segment/segment-files.js";
import type { SegmentList } from "../segment/segment-list.js";
import type {
  CompactedSegment,
  CompactionJob,
  CompactionResult,
  CompactionStats,
} from "./compaction-job.js";
import type { CompactedFile, CompactionNote, Replacement } from "./compaction-note.js";
import {
  discardCleanedFiles,
  flushDirectory,
  placeFile,
  removeFiles,
  writeCompactionNote,
} from "./segment-swap.js";

/** Does the work of a run, here or in another thread. Resolves with undefined soon after `isStopped` returns true. */
export type CompactionRun = (
  job: CompactionJob,
  isStopped: () => boolean,
) => Promise<CompactionResult | undefined>;

/** How often a run is begun if segments disappear under it. */
const ATTEMPTS = 3;

export interface CompactionOptions {
  /** Age of a segment's newest record before which it is not compacted, in milliseconds. */
  readonly minLagMs: number;
  /** How long a tombstone is kept after the first run that reaches it, in milliseconds. */
  readonly deleteRetentionMs: number;
  /** Memory for the map of keys, in bytes. */
  readonly mapBytes: number;
}

/** How much of a log is compacted. */
export interface CompactionExtent {
  /** Records below it were compacted. */
  readonly firstDirtyOffset: number;
  /** Bytes of segments below it. */
  readonly cleanBytes: number;
  /** Bytes of the other sealed segments below the high watermark. */
  readonly dirtyBytes: number;
}

/** What a run could do now. */
export interface CompactionRange extends CompactionExtent {
  /** Up to which offset the log may be compacted: `dirtyBytes` are only those below it. */
  readonly firstUncleanableOffset: number;
}

/** What a run has done. */
export interface CompactionOutcome {
  readonly firstDirtyOffset: number;
  /** Up to which offset it could have compacted. If that is higher, the map was full; another run continues. */
  readonly endOffset: number;
  readonly stats: CompactionStats;
  /** Segments and bytes of the range, before and after. */
  readonly segmentsBefore: number;
  readonly segmentsAfter: number;
  readonly bytesBefore: number;
  readonly bytesAfter: number;
}

/** A replacement that is not finished. */
interface Unplaced extends Replacement {
  /** Whether readers see the new segment. */
  isSwitched: boolean;
}

interface LogParts {
  readonly context: LogContext;
  readonly segments: SegmentList;
  readonly start: LogStart;
  readonly producers: ProducerStates;
  readonly note: CompactionNote;
}

export class LogCompaction {
  readonly #context: LogContext;
  readonly #segments: SegmentList;
  readonly #start: LogStart;
  readonly #producers: ProducerStates;
  /** As in the file, or about to be there: its replacements are decided and not finished. */
  #note: CompactionNote;
  /** Replacements of the note whose files may not be in place yet. */
  readonly #unplaced: Unplaced[] = [];
  #switches = 0;
  #isRunning = false;
  /** The change of segments that is under way; never rejects. */
  #replacing: Promise<void> | undefined;
  #isStopped = false;
  #isAbandoned = false;

  constructor({ context, segments, start, producers, note }: LogParts) {
    this.#context = context;
    this.#segments = segments;
    this.#start = start;
    this.#producers = producers;
    this.#note = note;
  }

  get firstDirtyOffset(): number {
    return this.#note.firstDirtyOffset;
  }

  /** Changes whenever new segments have taken the place of old ones. */
  get revision(): number {
    return this.#switches;
  }

  /** How much of the log before `end` is compacted. */
  extent(end: LogPosition): CompactionExtent {
    const { firstDirtyOffset } = this;
    const isClean = (it: SealedSegment): boolean => it.endOffset <= firstDirtyOffset;
    const sealed = this.#sealedBefore(end);
    const cleanBytes = sumOf(sealed.filter(isClean));
    const dirtyBytes = sumOf(sealed) - cleanBytes;
    return { firstDirtyOffset, cleanBytes, dirtyBytes };
  }

  /** The part of the log before `end` that may be compacted now. */
  async range(end: LogPosition, minLagMs: number): Promise<CompactionRange> {
    const cleanable = await this.#cleanable(end, minLagMs);
    const { firstDirtyOffset } = this;
    const isClean = (it: SealedSegment): boolean => it.endOffset <= firstDirtyOffset;
    return {
      firstDirtyOffset,
      firstUncleanableOffset: cleanable.at(-1)?.endOffset ?? firstDirtyOffset,
      cleanBytes: sumOf(cleanable.filter(isClean)),
      dirtyBytes: sumOf(cleanable.filter((it) => !isClean(it))),
    };
  }

  /**
   * The smallest timestamp of the first batches of sealed segments that are not compacted yet, in milliseconds: a bound
   * for the age of the oldest such record. Undefined if there is none.
   */
  oldestDirtyTimestamp(end: LogPosition): number | undefined {
    let oldest: number | undefined;
    for (const segment of this.#sealedBefore(end)) {
      if (segment.endOffset <= this.firstDirtyOffset) continue;
      const first = segment.firstTimestamp;
      if (first !== undefined && first < (oldest ?? Number.POSITIVE_INFINITY)) oldest = first;
    }
    return oldest;
  }

  /**
   * Compacts what may be compacted before `end`; undefined if there is nothing. Rejects if the run does, or if there is
   * no space, leaving the log as it is; and with a FlushFailure, after which it is unknown what the disk holds.
   */
  async compact(
    run: CompactionRun,
    options: CompactionOptions,
    end: LogPosition,
  ): Promise<CompactionOutcome | undefined> {
    if (this.#isRunning) throw this.#refusal("a compaction is under way");
    this.#isRunning = true;
    try {
      return await this.#compact(run, options, end);
    } finally {
      this.#isRunning = false;
    }
  }

  /** Whether new segments are being put in place, or could not all be. Nothing may be deleted then. */
  get isReplacing(): boolean {
    return this.#replacing !== undefined || this.#unplaced.length > 0;
  }

  /** Waits until new segments are in place. Throws if they can't be. */
  async replaced(): Promise<void> {
    while (this.#replacing !== undefined) await this.#replacing;
    if (this.#unplaced.length > 0) await this.#exclusively(() => this.#finish());
  }

  /** Tells a run that is under way to end, without its result unless that is decided already. */
  stop(): void {
    this.#isStopped = true;
  }

  /** From now on touches no file: the directory was renamed, and another one may get its name. */
  abandon(): void {
    this.#isStopped = true;
    this.#isAbandoned = true;
  }

  async #compact(
    run: CompactionRun,
    options: CompactionOptions,
    end: LogPosition,
  ): Promise<CompactionOutcome | undefined> {
    for (let attempt = 1; ; attempt++) {
      await this.replaced();
      // A note that is still to be cleared would take the new files for those it names.
      if (this.#note.replacements.length > 0) await this.#exclusively(() => this.#clearNote());
      const range = await this.#cleanable(end, options.minLagMs);
      if ((range.at(-1)?.endOffset ?? 0) <= this.firstDirtyOffset) return undefined;
      try {
        return await this.#compactRange(range, run, options);
      } catch (error) {
        const isDecided = this.#note.replacements.length > 0;
        if (!isDecided && !this.#isAbandoned) discardCleanedFiles(this.#context);
        // Segments were deleted before the run had read them.
        const here = new Set(this.#segments.sealed);
        const isMissing = !range.every((it) => here.has(it));
        if (!isMissing || isDecided || this.#isStopped) throw error;
        if (attempt === ATTEMPTS) throw this.#refusal("segments were deleted before it was done");
      }
    }
  }

  async #compactRange(
    range: readonly SealedSegment[],
    run: CompactionRun,
    options: CompactionOptions,
  ): Promise<CompactionOutcome> {
    this.#checkStopped();
    const cut = range.find((it) => it.isCut);
    if (cut !== undefined) {
      const file = segmentFileName(cut.baseOffset, "log");
      const message = `${this.#context.name}: segment ${file} has lost its end and is not compacted`;
      throw new RustLogError("CORRUPT_MESSAGE", message);
    }
    discardCleanedFiles(this.#context);
    const job = this.#jobOf(range, options);
    const bytesBefore = sumOf(range);
    const result = await this.#run(run, job);
    this.#checkStopped();
    if (result === undefined) throw this.#refusal("the run has stopped");
    await this.#exclusively(() => this.#apply(range, result));
    return outcomeOf(job, result, bytesBefore);
  }

  async #run(run: CompactionRun, job: CompactionJob): Promise<CompactionResult | undefined> {
    try {
      return await run(job, () => this.#isStopped);
    } catch (error) {
      // Nothing depends on the new files yet, so a failed flush of one is no danger.
      if (!(error instanceof FlushFailure)) throw error;
      throw new RustLogError("STORAGE_ERROR", error.message, { cause: error });
    }
  }

  /** The sealed segments before `end` with records that are not deleted. */
  #sealedBefore({ offset, segment: last }: LogPosition): SealedSegment[] {
    return this.#segments.sealed.filter(
      ({ baseOffset, endOffset }) =>
        endOffset > this.#start.offset && endOffset <= offset && baseOffset < last,
    );
  }

  /** Those of them that may be compacted now. By time, only batches with a matching CRC count. */
  async #cleanable(end: LogPosition, minLagMs: number): Promise<SealedSegment[]> {
    const sealed = this.#sealedBefore(end);
    if (minLagMs <= 0) return sealed;
    const newestAllowed = this.#context.now() - minLagMs;
    const cleanable: SealedSegment[] = [];
    for (const segment of sealed) {
      const isDirty = segment.endOffset > this.firstDirtyOffset;
      if (isDirty && segment.maxTimestamp > newestAllowed) {
        const verified = await segment.verifiedMaxTimestamp(newestAllowed + 1);
        if (verified > newestAllowed) break;
      }
      cleanable.push(segment);
    }
    // Some may have been deleted meanwhile.
    const here = new Set(this.#segments.sealed);
    return cleanable.filter((it) => here.has(it));
  }

  #jobOf(range: readonly SealedSegment[], options: CompactionOptions): CompactionJob {
    const { directory, name, now, settings } = this.#context;
    const endOffset = range.at(-1)!.endOffset;
    const lastBatches = [...this.#producers.remembered()].filter(
      ({ lastOffset }) => lastOffset < endOffset,
    );
    return {
      directory,
      name,
      segments: range.map((it) => ({ baseOffset: it.baseOffset, nextOffset: it.endOffset })),
      firstDirtyOffset: this.firstDirtyOffset,
      endOffset,
      lastBatches,
      deleteRetentionMs: options.deleteRetentionMs,
      nowMs: now(),
      segmentBytes: settings.segmentBytes,
      mapBytes: options.mapBytes,
    };
  }

  /** Decides on a result, durably, and carries it out. */
  async #apply(
    range: readonly SealedSegment[],
    { groups, cleanedTo }: CompactionResult,
  ): Promise<void> {
    const replacements = this.#replacementsOf(range, groups);
    const [first] = replacements;
    // Deleted records stay deleted, although the new segment may have them.
    if (first !== undefined && first.base < first.replaced[0]!) {
      await this.#start.advance(first.replaced[0]!);
      this.#checkOpen();
    }
    // The names of the new files must be durable before the decision.
    await flushDirectory(this.#context);
    this.#checkOpen();
    const firstDirtyOffset = Math.max(this.firstDirtyOffset, cleanedTo);
    const compacted = this.#compactedAfter(replacements, firstDirtyOffset);
    const note = { firstDirtyOffset, compacted, replacements };
    await writeCompactionNote(this.#context, note);
    this.#note = note;
    for (const it of replacements) this.#unplaced.push({ ...it, isSwitched: false });
    await this.#finish();
  }

  /** The replacements for the segments of the range that are still there. */
  #replacementsOf(
    range: readonly SealedSegment[],
    groups: readonly CompactedSegment[],
  ): Replacement[] {
    const here = new Set(this.#segments.sealed);
    const bases = new Set(range.filter((it) => here.has(it)).map(({ baseOffset }) => baseOffset));
    return groups.flatMap(({ base, bytes, replaced: all }) => {
      const replaced = all.filter((it) => bases.has(it));
      return replaced.length === 0 ? [] : [{ base, bytes, replaced }];
    });
  }

  /** The segments below the first dirty offset once these replacements are done. */
  #compactedAfter(replacements: readonly Replacement[], firstDirtyOffset: number): CompactedFile[] {
    const replaced = new Set(replacements.flatMap((it) => it.replaced));
    const unchanged = this.#segments.sealed.filter(
      ({ baseOffset, endOffset }) => endOffset <= firstDirtyOffset && !replaced.has(baseOffset),
    );
    return [
      ...unchanged.map(({ baseOffset, fileBytes }) => ({ base: baseOffset, bytes: fileBytes })),
      ...replacements.map(({ base, bytes }) => ({ base, bytes })),
    ].sort((a, b) => a.base - b.base);
  }

  /** Carries out what is decided. Throws the system's error; the next call continues. */
  async #finish(): Promise<void> {
    // Nothing may change before the decision is durable.
    await flushDirectory(this.#context);
    for (let next = this.#unplaced[0]; next !== undefined; next = this.#unplaced[0]) {
      this.#checkOpen();
      this.#place(next);
      this.#unplaced.shift();
      await nextTurn();
    }
    this.#checkOpen();
    await flushDirectory(this.#context);
    try {
      await this.#clearNote();
    } catch (error) {
      // The next run tries again before it writes anything.
      if (!isDiskFull(error)) throw error;
    }
  }

  async #clearNote(): Promise<void> {
    this.#checkOpen();
    const note = { ...this.#note, replacements: [] };
    await writeCompactionNote(this.#context, note);
    this.#note = note;
    this.#checkOpen();
    await flushDirectory(this.#context);
  }

  /** Puts one new segment in place. The change in memory follows the one that readers could see on the disk. */
  #place(next: Unplaced): void {
    const { base, replaced } = next;
    if (!next.isSwitched) {
      const { sealed } = this.#segments;
      const at = sealed.findIndex(({ baseOffset }) => baseOffset === replaced[0]);
      const old = sealed.slice(at, at + replaced.length);
      for (const segment of old) segment.openForSlices();
      placeFile(this.#context, base, "log");
      for (const segment of old) segment.close();
      sealed.splice(at, old.length, this.#placed(next, old.at(-1)!.endOffset));
      next.isSwitched = true;
      this.#switches++;
    }
    placeFile(this.#context, base, "index");
    placeFile(this.#context, base, "timeindex");
    for (const other of replaced) {
      if (other !== base) removeFiles(this.#context, other);
    }
  }

  #placed({ base, bytes }: Replacement, endOffset: number): SealedSegment {
    return new SealedSegment(this.#context, base, {
      endOffset,
      fileBytes: bytes,
      notedBytes: bytes,
    });
  }

  /** Runs a change of the segments during which none are deleted. */
  async #exclusively(work: () => Promise<void>): Promise<void> {
    while (this.#replacing !== undefined) await this.#replacing;
    this.#checkOpen();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#replacing = promise;
    try {
      await work();
    } finally {
      this.#replacing = undefined;
      resolve();
    }
  }

  #checkStopped(): void {
    if (this.#isStopped) throw this.#refusal("the log is being closed");
  }

  /** Must be called after each wait before the next change of a file. */
  #checkOpen(): void {
    if (this.#isAbandoned) throw this.#refusal("the log is closed");
  }

  #refusal(why: string): RustLogError {
    return new RustLogError("STORAGE_ERROR", `${this.#context.name} is not compacted: ${why}`);
  }
}

function sumOf(segments: readonly SealedSegment[]): number {
  let bytes = 0;
  for (const { fileBytes } of segments) bytes += fileBytes;
  return bytes;
}

function outcomeOf(
  { segments, endOffset }: CompactionJob,
  { groups, cleanedTo, stats }: CompactionResult,
  bytesBefore: number,
): CompactionOutcome {
  let segmentsAfter = segments.length;
  let bytesAfter = bytesBefore;
  for (const group of groups) {
    segmentsAfter += 1 - group.replaced.length;
    bytesAfter += group.bytes - group.bytesBefore;
  }
  const firstDirtyOffset = cleanedTo;
  const segmentsBefore = segments.length;
  return {
    firstDirtyOffset,
    endOffset,
    stats,
    segmentsBefore,
    segmentsAfter,
    bytesBefore,
    bytesAfter,
  };
}
