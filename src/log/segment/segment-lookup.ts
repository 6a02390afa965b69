// Searches one segment: finds the batch for an offset, and the end of a run of batches to serve. Never leads to a batch
// with a wrong CRC or offset: each batch is checked when it is first served.
// Leaves to others: searches by time (time-lookup.ts), the batches (segment-batches.ts), the indexes (sealed-indexes.ts,
// active-segment.ts), and choosing the segment (segment-list.ts).
import { RustLogError } from "../../errors.js";
import type { OffsetIndex } from "../index/offset-index.js";
import type { SegmentIndex } from "../index/segment-index.js";
import type { LookupTrace } from "./lookup-trace.js";
import type { SegmentBatches } from "./segment-batches.js";

export interface LocatedBatch {
  readonly position: number;
  readonly baseOffset: number;
}

/** The end of a run of batches. */
interface RunEnd {
  readonly position: number;
  /** Offset after the run; undefined if it ends where reading does. */
  readonly nextOffset: number | undefined;
}

/** The end of the batches before a position. */
interface BatchesEnd {
  /** Offset after them: the base offset of the batch there, unless there is a gap before it. */
  readonly expected: number;
  /** Position of the last of them, if no damage hides it. */
  readonly previous: number | undefined;
}

/** The indexes that a lookup uses, and what happens if they or the log turn out to be wrong. */
export interface LookupIndexes {
  /** The indexes, their offsets checked against the log as far as that is cheap. */
  index(): SegmentIndex;
  /** The same, with their timestamps checked too. */
  timesIndex(): SegmentIndex;
  /**
   * Called when the indexes do not lead where they should. Returns true after rebuilding them from the log; the caller
   * then retries. Returns false if they were rebuilt before: then the log is damaged, and the indexes are right. Throws
   * `error` if they can't be wrong.
   */
  repair(reason: string, error: RustLogError): boolean;
  /** Called when a batch turns out to be damaged. */
  damageFound(): void;
}

/** Index entries checked to find the end of damage, so that one read does bounded work. */
const ENTRIES_PASSED_MAX = 1_000;

const OFFSET_MISMATCH = "an offset index entry does not match the log";

/** Whether an error of a read means that the log is damaged. */
export function isDamage(error: unknown): error is RustLogError {
  return error instanceof RustLogError && error.code === "CORRUPT_MESSAGE";
}

/** The searches of all segments by offset, sealed or active. Positions are bytes from the start of the `.log` file. */
export class SegmentLookup {
  readonly #batches: SegmentBatches;
  readonly #indexes: LookupIndexes;
  readonly #baseOffset: number;

  constructor(batches: SegmentBatches, indexes: LookupIndexes) {
    this.#batches = batches;
    this.#indexes = indexes;
    this.#baseOffset = batches.baseOffset;
  }

  /**
   * The batch that holds `offset`, or the first one after it; undefined if there is none before `end`. Throws
   * CORRUPT_MESSAGE with the place if damage hides it.
   */
  locate(offset: number, end: number, trace?: LookupTrace): LocatedBatch | undefined {
    try {
      return this.#locate(offset, end, trace);
    } catch (error) {
      // Rebuilt indexes lead past the damage.
      if (!isDamage(error) || !this.#indexes.repair("the log is damaged", error)) throw error;
      return this.#locate(offset, end, trace);
    }
  }

  #locate(offset: number, end: number, trace: LookupTrace | undefined): LocatedBatch | undefined {
    try {
      return this.#search(offset, end, trace);
    } catch (error) {
      // Damage before it. The next index entry leads past the damage.
      const entry = this.#indexes.index().offsets.lookup(offset - this.#baseOffset) + 1;
      const position = this.#positionOf(entry, end);
      if (position === undefined) throw error;
      const baseOffset = this.#batches.statedBaseOffset(position);
      if (baseOffset > offset) throw error;
      return { position, baseOffset };
    }
  }

  #search(offset: number, end: number, trace?: LookupTrace): LocatedBatch | undefined {
    const index = this.#indexes.index();
    const { offsets } = index;
    trace?.search(index);
    const entry = offsets.lookup(offset - this.#baseOffset, trace);
    trace?.found(entry);
    if (entry < 0) return this.scan(offset, end, trace);
    const position = offsets.position(entry);
    const holds = this.entryHolds(offsets, entry);
    if (!holds && this.#repair(position, OFFSET_MISMATCH)) return this.#search(offset, end, trace);
    const expected = this.#baseOffset + offsets.relativeOffset(entry) + 1;
    if (position >= end) return undefined;
    if (expected > offset) {
      const baseOffset = holds ? this.#batches.statedBaseOffset(position) : this.offsetAt(position);
      return { position, baseOffset };
    }
    const size = this.#batches.sizeAt(position, end);
    trace?.passedBatch(position, size, expected - 1);
    return this.#scanFrom(position + size, expected, position, offset, end, trace);
  }

  /** Like `locate`, but reads all batch headers from the first on instead of using the index. */
  scan(offset: number, end: number, trace?: LookupTrace): LocatedBatch | undefined {
    return this.#scanFrom(0, this.#baseOffset, undefined, offset, end, trace);
  }

  /** Scans from `from`, where offset `expectedThere` is expected after the batch at `before`. */
  #scanFrom(
    from: number,
    expectedThere: number,
    before: number | undefined,
    offset: number,
    end: number,
    trace: LookupTrace | undefined,
  ): LocatedBatch | undefined {
    let position = from;
    let expected = expectedThere;
    let previous = before;
    while (position < end) {
      const size = this.#batches.sizeAt(position, end);
      const baseOffset = this.#batches.trueBaseOffset(position, expected, previous);
      const next = this.#batches.offsetAfter(position, baseOffset);
      if (next > offset) return { position, baseOffset };
      trace?.passedBatch(position, size, next - 1);
      previous = position;
      expected = next;
      position += size;
    }
    return undefined;
  }

  /**
   * Offset of the batch after the damaged batch that holds `offset`, from its header or from the next index entry;
   * undefined if the rest of this segment is unreadable.
   */
  offsetAfterDamage(offset: number, end: number): number | undefined {
    let located: LocatedBatch | undefined;
    try {
      located = this.#search(offset, end);
    } catch {
      // Damage before it: the index leads past the damage.
    }
    if (located !== undefined && this.#batches.fault(located.position, end) === undefined) {
      const { position, baseOffset } = located;
      const after = position + this.#batches.statedSize(position);
      const next = this.#batches.offsetAfter(position, baseOffset);
      const isWhole = after < end && this.#batches.fault(after, end) === undefined;
      if (next > offset && isWhole) return next;
    }
    const { offsets } = this.#indexes.index();
    const first = offsets.lookup(offset - this.#baseOffset) + 1;
    const last = Math.min(first + ENTRIES_PASSED_MAX, offsets.count) - 1;
    for (let entry = first; entry <= last; entry++) {
      const after = this.#positionOf(entry, end);
      if (after !== undefined) return Math.max(this.#batches.statedBaseOffset(after), offset + 1);
    }
    // Too much is damaged to find its end in one call.
    return last + 1 < offsets.count ? this.#baseOffset + offsets.relativeOffset(last) : undefined;
  }

  /** The end of the batches before `target`, from their headers and the index. */
  #endBefore(target: number): BatchesEnd {
    const { offsets } = this.#indexes.index();
    const { size } = this.#batches.log;
    const entry = offsets.lookupPosition(target - 1);
    let position = 0;
    let expected = this.#baseOffset;
    let previous: number | undefined;
    if (entry >= 0) {
      previous = offsets.position(entry);
      if (!this.entryHolds(offsets, entry) && this.#repair(previous, OFFSET_MISMATCH)) {
        return this.#endBefore(target);
      }
      expected = this.#baseOffset + offsets.relativeOffset(entry) + 1;
      position = previous + this.#batches.sizeAt(previous, size);
    }
    while (position < target && this.#batches.fault(position, size) === undefined) {
      const base = this.#batches.trueBaseOffset(position, expected, previous);
      previous = position;
      expected = this.#batches.offsetAfter(position, base);
      position += this.#batches.statedSize(position);
    }
    if (position === target) return { expected, previous };
    // Damage before it. The first batch after damage always has an index entry.
    const known = offsets.lookupPosition(target);
    if (known < 0 || offsets.position(known) !== target || !this.entryHolds(offsets, known)) {
      const fault = this.#batches.fault(position, size) ?? "its length is wrong";
      throw this.#batches.corrupt(position, fault);
    }
    return { expected: this.#batches.statedBaseOffset(target), previous: undefined };
  }

  /** True base offset of the batch at `position`, even if its header is damaged. */
  offsetAt(position: number): number {
    if (this.#batches.isVerified(position)) return this.#batches.statedBaseOffset(position);
    const { expected, previous } = this.#endBefore(position);
    return this.#batches.trueBaseOffset(position, expected, previous);
  }

  /** Whether there should be a batch at `position`, but it is damaged. */
  isDamagedAt(position: number, end: number): boolean {
    if (position >= end || this.#batches.isVerified(position)) return false;
    if (this.#faultAt(position, end, this.offsetAt(position)) === undefined) return false;
    this.#indexes.damageFound();
    return true;
  }

  /**
   * The largest end of a run of whole batches from `position` within `bytesMax`, of one batch at least. The run ends
   * before the first damaged batch; one that would begin there throws CORRUPT_MESSAGE.
   */
  runFrom(position: number, bytesMax: number, end: number): RunEnd {
    const run = this.#statedRun(position, bytesMax, end);
    const damaged = this.#verify(position, run.position);
    const isKnown = run.nextOffset !== undefined || run.position === end;
    if (damaged === undefined && isKnown) return run;
    const runEnd = damaged ?? run.position;
    return { position: runEnd, nextOffset: this.#endBefore(runEnd).expected };
  }

  /** The same by headers alone; without an offset if the index led to its end. */
  #statedRun(position: number, bytesMax: number, end: number): RunEnd {
    if (end - position <= bytesMax) return { position: end, nextOffset: undefined };
    const limit = position + bytesMax;
    let last: number | undefined = position;
    let at = position + this.#batches.sizeAt(position, end);
    if (at < limit) {
      const { offsets } = this.#indexes.index();
      const entry = offsets.lookupPosition(limit);
      if (entry >= 0 && offsets.position(entry) > at) {
        at = offsets.position(entry);
        if (!this.entryHolds(offsets, entry) && this.#repair(at, OFFSET_MISMATCH)) {
          return this.#statedRun(position, bytesMax, end);
        }
        last = undefined;
      }
      // Serve the batches before the damage. The read that begins at the damage reports it.
      while (this.#batches.fault(at, end) === undefined) {
        const next = at + this.#batches.statedSize(at);
        if (next > limit) break;
        last = at;
        at = next;
      }
    }
    if (last === undefined || at === end) return { position: at, nextOffset: undefined };
    const lastOffset = this.#batches.statedBaseOffset(last) + this.#batches.lastDelta(last);
    return { position: at, nextOffset: lastOffset + 1 };
  }

  /** Checks the batches from `position` to `stop`, and returns the position of a damaged one after the first. */
  #verify(position: number, stop: number): number | undefined {
    const { verified } = this.#batches;
    let expected: number | undefined;
    for (let at = verified.verifiedFrom(position); at < stop;) {
      expected ??= this.offsetAt(at);
      const fault = this.#faultAt(at, stop, expected);
      if (fault !== undefined) {
        this.#indexes.damageFound();
        if (at > position) return at;
        const isWhole = this.#batches.fault(at, stop) === undefined;
        const next = isWhole ? this.#batches.offsetAfter(at, expected) : undefined;
        const skip = next === undefined ? "" : `; the records after it begin at offset ${next}`;
        throw this.#batches.corrupt(at, `${fault}${skip}`);
      }
      const next = at + this.#batches.statedSize(at);
      verified.add(at, next);
      const due = this.#batches.offsetAfter(at, expected);
      expected = next < stop ? this.#batches.trueBaseOffset(next, due, at) : undefined;
      at = verified.verifiedFrom(next);
      if (at !== next) expected = undefined;
    }
    return undefined;
  }

  /** Why the batch at `position` is not the one with base offset `expected`; undefined if it is. */
  #faultAt(position: number, end: number, expected: number): string | undefined {
    const fault = this.#batches.log.faultAt(position, end);
    if (fault !== undefined) return fault.message;
    const baseOffset = this.#batches.statedBaseOffset(position);
    if (baseOffset === expected) return undefined;
    return `its base offset is ${baseOffset}, not ${expected}`;
  }

  /**
   * Position of the batch of an offset index entry; undefined if there is no such entry before `end` or the batch is
   * unreadable.
   */
  #positionOf(entry: number, end: number): number | undefined {
    const { offsets } = this.#indexes.index();
    if (entry >= offsets.count || offsets.position(entry) >= end) return undefined;
    return this.entryHolds(offsets, entry) ? offsets.position(entry) : undefined;
  }

  /** Whether an entry of the offset index points at a batch that ends with its offset. */
  entryHolds(offsets: OffsetIndex, entry: number): boolean {
    return this.#batches.pointsAtBatch(offsets.position(entry), offsets.relativeOffset(entry));
  }

  #repair(position: number, reason: string): boolean {
    return this.#indexes.repair(reason, this.#batches.corrupt(position, reason));
  }
}
