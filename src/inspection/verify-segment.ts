// Checks one segment: its log batch by batch and record by record, together with both indexes.
// Leaves to others: its neighbours (verify-partition.ts), and finding batches among bytes (segment-walk.ts).
import { RustLogError } from "../errors.js";
import {
  baseOffset,
  codecOf,
  isMisplaced,
  newestTimestamp,
  nextOffset,
  recordCount,
} from "../record/batch.js";
import { RecordCursor } from "../record/cursor.js";
import { reasonOf, systemErrorCode } from "../log/disk/disk.js";
import type { ProducerStates } from "../log/producer-states.js";
import { SegmentIndex } from "../log/index/segment-index.js";
import { FileReader } from "./file-reader.js";
import { cutTail } from "./repair.js";
import { SegmentIndexes, type SegmentPlace } from "./segment-indexes.js";
import { type DamagedRange, type WalkedBatch, walkSegment } from "./segment-walk.js";
import type { Verification } from "./verification.js";

interface SegmentToCheck extends SegmentPlace {
  /** The `.log` file, relative to the data directory. */
  readonly file: string;
  /** Base offset of the next segment; undefined for the last one. */
  readonly endOffset: number | undefined;
  /** For the last segment, its size as noted by a clean stop, or -1. */
  readonly notedBytes: number;
  /** Where the log ended at that time. */
  readonly notedOffset: number | undefined;
  /** From this offset on nothing was compacted, so that a gap is a loss; undefined if nothing is known of that. */
  readonly firstDirtyOffset: number | undefined;
}

/** State carried from segment to segment. */
interface PartitionProgress {
  readonly producers: ProducerStates;
  /** Whether any batch of the partition is damaged or missing. */
  isDamaged: boolean;
  /** Called where a batch may start: at the start of a segment and after each batch. */
  onBoundary(offset: number): void;
  /** Called for each record; undefined unless the topic is internal. */
  readonly onRecord: ((cursor: RecordCursor) => void) | undefined;
}

interface SegmentEnd {
  /** Offset after the last valid record. */
  readonly nextOffset: number;
  /** Whether the segment ends with damage that is not going to be truncated. */
  readonly isUncertain: boolean;
}

export class SegmentCheck {
  readonly #run: Verification;
  readonly #place: SegmentToCheck;
  readonly #progress: PartitionProgress;
  readonly #rebuilt = new SegmentIndex();
  readonly #cursor = new RecordCursor();
  readonly #unopened = new Map<string, number>();
  /** The lowest valid base offset of the next batch. A higher one is a gap, not damage. */
  #expected: number;
  /** Where the last batch should have ended if its base offset was wrong. */
  #misplacedEnd: number | undefined;
  #damage: DamagedRange | undefined;

  constructor(run: Verification, place: SegmentToCheck, progress: PartitionProgress) {
    this.#run = run;
    this.#place = place;
    this.#progress = progress;
    this.#expected = place.baseOffset;
  }

  /** Walks the segment and reports faults. */
  check(): SegmentEnd {
    const { file, notedBytes, endOffset } = this.#place;
    try {
      using reader = new FileReader(this.#run.path(file));
      const indexes = new SegmentIndexes(this.#run, this.#place, reader.size);
      this.#progress.onBoundary(this.#expected);
      const lastSegment = endOffset === undefined ? this.#place.baseOffset : undefined;
      for (const part of walkSegment(reader, { lastSegment })) {
        if (part.kind === "batch") this.#takeBatch(part, indexes);
        else this.#takeDamage(part, indexes);
        this.#run.advance(part.size, file);
      }
      const isLastMisplaced = this.#misplacedEnd !== undefined;
      this.#expected = this.#misplacedEnd ?? this.#expected;
      const isCut = this.#finishLog(reader.size, indexes);
      const isWhole = endOffset !== undefined || (notedBytes === reader.size && !isCut);
      this.#rebuilt.seal();
      indexes.finish(this.#rebuilt, isWhole ? "whole" : "prefix");
      this.#noteUnopened();
      const isUncertain = isLastMisplaced || (this.#damage !== undefined && !isCut);
      return { nextOffset: this.#expected, isUncertain };
    } catch (error) {
      if (systemErrorCode(error) === undefined) throw error;
      const why = reasonOf(error);
      this.#fault({}, `reading it failed: ${why}`);
      return { nextOffset: this.#expected, isUncertain: true };
    }
  }

  #takeDamage(range: DamagedRange, indexes: SegmentIndexes): void {
    this.#damage = range;
    indexes.offsets.damage(range.position, range.size);
  }

  #takeBatch(batch: WalkedBatch, indexes: SegmentIndexes): void {
    const { bytes, at, position, size } = batch;
    const first = baseOffset(bytes, at);
    const next = nextOffset(bytes, at);
    const { baseOffset: base, endOffset, notedBytes, notedOffset } = this.#place;
    if (this.#damage !== undefined) {
      this.#reportDamage(this.#damage, first);
      this.#damage = undefined;
      if (first > this.#expected) {
        indexes.times.damage(this.#expected - base, first - base);
        this.#expected = first;
      }
    }
    const due = this.#expected;
    let after = Number.POSITIVE_INFINITY;
    if (first > due) {
      after = batch.nextBaseOffset();
      if (position + size === notedBytes) after = notedOffset ?? after;
      else if (after === Number.POSITIVE_INFINITY) after = endOffset ?? after;
    }
    if (!isMisplaced(first, due, next - first, after)) {
      const lost = this.#lostFrom(due);
      if (first > lost) {
        const reason = `${missingOrTwice(first, lost)}, and were not compacted`;
        this.#fault({ position, offset: lost, lastOffset: first - 1 }, reason);
      }
      this.#expected = next;
      this.#misplacedEnd = undefined;
      const last = next - 1 - base;
      const timestamp = newestTimestamp(bytes, at);
      indexes.offsets.batch(position, last);
      indexes.times.batch(last, timestamp);
      this.#rebuilt.add(last, position, size, timestamp);
    } else {
      // An index may state the expected or the actual offset; accept both.
      this.#fault({ position, offset: first }, misplaced(first, due, after));
      indexes.offsets.damage(position, size);
      indexes.times.damage(due - base, due - base + next - first);
      indexes.times.damage(first - base, next - base);
      this.#misplacedEnd = due + next - first;
      // If everything that follows is misplaced too, report it once.
      if (first < due) this.#expected = next;
    }
    this.#run.counts.batches++;
    this.#readRecords(batch);
    try {
      this.#progress.producers.note(bytes, at);
    } catch (error) {
      this.#fault({ position, offset: first }, `its producer: ${reasonOf(error)}`);
    }
    this.#progress.onBoundary(this.#expected);
  }

  #readRecords(batch: WalkedBatch): void {
    const { bytes, at, position, size } = batch;
    const { onRecord } = this.#progress;
    const cursor = this.#cursor.reset(bytes, at, at + size);
    let next = baseOffset(bytes, at);
    try {
      while (cursor.next()) {
        next++;
        this.#run.counts.records++;
        onRecord?.(cursor);
      }
    } catch (error) {
      if (error instanceof RustLogError && error.code !== "CORRUPT_MESSAGE") {
        const codec = codecOf(bytes, at) ?? "none";
        this.#unopened.set(codec, (this.#unopened.get(codec) ?? 0) + 1);
        return;
      }
      this.#fault({ position, offset: next }, reasonOf(error));
    }
  }

  /** Reports what the end of the log leaves open. Returns whether a torn tail will be truncated. */
  #finishLog(logBytes: number, indexes: SegmentIndexes): boolean {
    const { endOffset, notedBytes, baseOffset: base } = this.#place;
    const tail = this.#damage;
    if (tail !== undefined) {
      indexes.times.damage(this.#expected - base, Number.POSITIVE_INFINITY);
      const isTorn = endOffset === undefined && notedBytes < logBytes;
      this.#reportDamage(tail, endOffset, isTorn ? indexes : undefined);
      return isTorn && this.#run.isRepairing;
    }
    const next = this.#expected;
    if (endOffset === undefined || endOffset === next) return false;
    if (endOffset < next || logBytes === 0) {
      const ends = `it ends before offset ${next}, but the next segment starts with ${endOffset}`;
      this.#fault({ position: logBytes }, `${ends}: ${missingOrTwice(endOffset, next)}`);
      return false;
    }
    const { topic, partition, file } = this.#place;
    const range = { lastOffset: endOffset - 1 };
    const reason = "no batch covers them up to the next segment";
    const lost = this.#lostFrom(next);
    if (endOffset > lost) {
      this.#fault({ ...range, offset: lost }, `${reason}, and they were not compacted`);
    } else if (this.#place.firstDirtyOffset === undefined) {
      const why = `${reason}: they were compacted, or a segment is missing`;
      this.#run.note({ file, topic, partition, offset: next, ...range }, why);
    }
    return false;
  }

  /** Where the loss in a gap begins: compaction leaves gaps below its first dirty offset only. */
  #lostFrom(gapStart: number): number {
    const { firstDirtyOffset = Number.POSITIVE_INFINITY } = this.#place;
    return Math.max(gapStart, firstDirtyOffset);
  }

  /** `next` is the offset after the damage; `torn` is set for a tail that may be truncated. */
  #reportDamage(range: DamagedRange, next: number | undefined, torn?: SegmentIndexes): void {
    const { position, size, fault, isLast } = range;
    const first = this.#expected;
    const place = { position, bytes: size, offset: first };
    if (torn !== undefined) {
      const reason = `${fault.message}: a torn tail of ${size} bytes`;
      this.#fault(place, `${reason}${statedOffsets(range)}`, this.#cut(range, torn));
      return;
    }
    const upTo = next !== undefined && next > first ? { lastOffset: next - 1 } : {};
    let reason = `${fault.message} (${size} bytes)`;
    if (this.#place.endOffset === undefined && !isLast) {
      reason +=
        "; valid batches follow, so this is not a torn tail: the next start keeps the segment unchanged and appends to a new one, " +
        "or, if the machine stopped, truncates it here and keeps the removed bytes";
    } else if (this.#place.endOffset === undefined) {
      reason += "; a clean stop noted these bytes, so this is not a torn tail and is not truncated";
    }
    this.#fault({ ...place, ...upTo }, reason);
  }

  #cut(range: DamagedRange, indexes: SegmentIndexes) {
    const { directory, baseOffset: base } = this.#place;
    const path = this.#run.path(directory);
    return cutTail(this.#run.disk, path, base, range.position, this.#expected, () =>
      indexes.rebuild(this.#rebuilt),
    );
  }

  #fault(
    place: { position?: number; bytes?: number; offset?: number; lastOffset?: number },
    reason: string,
    repair?: ReturnType<typeof cutTail>,
  ): void {
    const { topic, partition, file } = this.#place;
    this.#run.damage({ file, topic, partition, ...place }, reason, repair);
    this.#progress.isDamaged = true;
  }

  #noteUnopened(): void {
    const { topic, partition, file } = this.#place;
    for (const [codec, count] of this.#unopened) {
      const batches = `${count} ${count === 1 ? "batch" : "batches"} of codec ${codec}`;
      const reason = `the records of ${batches} can't be decompressed here; their CRCs match`;
      this.#run.note({ file, topic, partition }, reason);
    }
  }
}

function misplaced(first: number, expected: number, after: number): string {
  return first < expected
    ? `a batch starts with offset ${first}, but ${expected} was expected: ${missingOrTwice(first, expected)}`
    : `a batch starts with offset ${first}, but ${expected} was expected: it overlaps offset ${after}, where the next one starts`;
}

/** Says what it means that the log continues with `next` instead of `expected`. */
function missingOrTwice(next: number, expected: number): string {
  const [first, last] = next > expected ? [expected, next - 1] : [next, expected - 1];
  const range = first === last ? `offset ${first} is` : `offsets ${first} to ${last} are`;
  return `${range} ${next > expected ? "missing" : "duplicated"}`;
}

function statedOffsets({ header }: DamagedRange): string {
  try {
    if (header === undefined || recordCount(header, 0) < 1) return "";
    return `; its header states offsets ${baseOffset(header, 0)} to ${nextOffset(header, 0) - 1}`;
  } catch {
    return "";
  }
}
