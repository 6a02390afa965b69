// The indexes of a sealed segment: loaded from their files and checked, or rebuilt from the log.
// Leaves to others: searching them (segment-lookup.ts), rebuilding (index-rebuild.ts), and the files (sealed-files.ts).
import { RustLogError } from "../../errors.js";
import { INDEX_INTERVAL_BYTES } from "../../limits.js";
import { nextTurn } from "../event-loop.js";
import { OffsetIndex, offsetIndexFault } from "../index/offset-index.js";
import { SegmentIndex } from "../index/segment-index.js";
import { TimeIndex, timeIndexFault } from "../index/time-index.js";
import { CrcCheck, rebuildIndex, rebuildVerifiedIndex } from "./index-rebuild.js";
import type { SealedFiles } from "./sealed-files.js";
import type { SegmentBatches } from "./segment-batches.js";
import { segmentFileName } from "./segment-files.js";
import { isDamage, type LookupIndexes, SegmentLookup } from "./segment-lookup.js";
import { TimeLookup } from "./time-lookup.js";

/** Batches, and bytes of log from the first to the last, whose headers are looked at in one turn of the event loop. */
interface Portion {
  readonly batches: number;
  readonly bytes: number;
}

const PORTION: Portion = { batches: 1_000, bytes: 2 * 1024 * 1024 };
const ALL: Portion = { batches: Number.POSITIVE_INFINITY, bytes: Number.POSITIVE_INFINITY };

export class SealedIndexes implements LookupIndexes {
  readonly lookup: SegmentLookup;
  readonly times: TimeLookup;
  readonly #batches: SegmentBatches;
  readonly #files: SealedFiles;
  readonly #report: (line: string) => void;
  #index: SegmentIndex;
  #end = { bytes: 0, nextOffset: 0 };
  #areTimesChecked = false;
  #rebuildReason: string | undefined;
  /** Cached result of `verifiedMaxTimestamp`. */
  #verifiedMax: number | undefined;

  /** Loads the indexes. `report` gets a line if they must be rebuilt. */
  constructor(batches: SegmentBatches, files: SealedFiles, report: (line: string) => void) {
    this.#batches = batches;
    this.#files = files;
    this.#report = report;
    this.lookup = new SegmentLookup(batches, this);
    this.times = new TimeLookup(batches, this, this.lookup);
    this.#index = new SegmentIndex();
    const fault = this.#load();
    if (fault === undefined) this.#findEnd();
    else this.#rebuild(fault);
  }

  /** End of the batches that can be served: their length in bytes, and the offset after the last one. */
  get end(): { readonly bytes: number; readonly nextOffset: number } {
    return this.#end;
  }

  get areTimesChecked(): boolean {
    return this.#areTimesChecked;
  }

  /** Why the indexes were rebuilt from the log; undefined if they were loaded from their files. */
  get rebuildReason(): string | undefined {
    return this.#rebuildReason;
  }

  index(): SegmentIndex {
    return this.#index;
  }

  timesIndex(): SegmentIndex {
    if (this.#areTimesChecked) return this.#index;
    this.#areTimesChecked = true;
    const from = this.#lastTimePosition();
    if (from !== undefined) this.#checkTimes(from, ALL);
    return this.#index;
  }

  repair(reason: string): boolean {
    if (this.#rebuildReason !== undefined) return false;
    this.#rebuild(reason);
    return true;
  }

  /** Damage of the log stays: the segment is never written again. */
  damageFound(): void {}

  /** See `SealedSegment.verifiedMaxTimestamp`. */
  async verifiedMaxTimestamp(enough: number): Promise<number> {
    if (this.#verifiedMax === undefined) {
      const stated = this.timesIndex().maxTimestamp;
      if (stated >= enough && (await this.#isStatedByWholeBatch(stated))) return stated;
      this.#verifiedMax = (await rebuildVerifiedIndex(this.#batches)).maxTimestamp;
    }
    return this.#verifiedMax;
  }

  async #isStatedByWholeBatch(timestamp: number): Promise<boolean> {
    const { times } = this.#index;
    if (times.count === 0) return false;
    try {
      const newest = this.#batches.baseOffset + times.relativeOffset(times.count - 1);
      const position = this.lookup.locate(newest, this.#end.bytes)?.position;
      if (position === undefined) return false;
      if (this.#batches.maxTimestamp(position) !== timestamp) return false;
      const size = this.#batches.sizeAt(position, this.#batches.log.size);
      return await new CrcCheck(this.#batches.log).matches(position, size);
    } catch (error) {
      // The headers before it are damaged.
      if (isDamage(error)) return false;
      throw error;
    }
  }

  /** Loads the index files; returns why they can't be used, or undefined. */
  #load(): string | undefined {
    const offsetBytes = this.#files.readIndex("index");
    const timeBytes = this.#files.readIndex("timeindex");
    if (offsetBytes === undefined || timeBytes === undefined) return "a file is missing";
    const fault =
      offsetIndexFault(offsetBytes, this.#batches.log.size) ?? timeIndexFault(timeBytes);
    if (fault !== undefined) return fault;
    this.#index = new SegmentIndex(new OffsetIndex(offsetBytes), new TimeIndex(timeBytes));
    return this.#tailFault();
  }

  /** Why the last entry of the offset index does not match the end of the log; undefined if it does. */
  #tailFault(): string | undefined {
    const { offsets } = this.#index;
    const last = offsets.count - 1;
    if (last >= 0 && !this.lookup.entryHolds(offsets, last)) {
      return "its last entry does not match the log";
    }
    let early = false;
    let bytesSinceEntry = 0;
    this.#batches.walk(this.#tailStart, (size) => {
      if (bytesSinceEntry > INDEX_INTERVAL_BYTES) early = true;
      bytesSinceEntry += size;
      return !early;
    });
    // A batch after the last entry lacks its entry.
    return early ? "it ends too early" : undefined;
  }

  /** Finds the end of the last whole batch. Bytes after it have no offset and can't be served. */
  #findEnd(): void {
    const { log, baseOffset } = this.#batches;
    const { offsets } = this.#index;
    let end = this.#tailStart;
    let next = baseOffset;
    if (offsets.count > 0 && this.#batches.fault(end, this.#batches.log.size) === undefined) {
      next += offsets.relativeOffset(offsets.count - 1) - this.#batches.lastDelta(end);
    }
    let previous: number | undefined;
    this.#batches.walk(end, (size) => {
      next = this.#batches.offsetAfter(end, this.#batches.trueBaseOffset(end, next, previous));
      previous = end;
      end += size;
      return true;
    });
    // There may be whole batches after the damage.
    if (end < log.size && this.repair("the log is damaged")) return;
    this.#end = { bytes: end, nextOffset: next };
    if (end === log.size) return;
    const excess = `${log.size - end} bytes are not a batch and are not served`;
    this.#report(this.#batches.corrupt(end, excess).message);
  }

  /**
   * Does what `timesIndex` would do first, in portions: where the newest record is not at the end, it looks at the headers of
   * much of the segment.
   */
  async prepareTimes(): Promise<void> {
    if (this.#areTimesChecked) return;
    for (let from = this.#lastTimePosition(); from !== undefined;) {
      const next = this.#checkTimes(from, PORTION);
      if (next === undefined) return;
      await nextTurn();
      from = this.#areTimesChecked ? undefined : next;
    }
  }

  /** Position of the batch that the last time entry names; undefined if the indexes were rebuilt, because it is wrong. */
  #lastTimePosition(): number | undefined {
    const last = this.#index.times.count - 1;
    return last < 0 ? 0 : this.times.positionOfTime(this.#index, last, this.#end.bytes);
  }

  /**
   * Rebuilds the indexes if a batch after the last time entry has a larger timestamp. Looks at a portion of the batches from a
   * position on, and returns where the next one begins; undefined once all were looked at.
   */
  #checkTimes(from: number, portion: Portion): number | undefined {
    const { maxTimestamp } = this.#index;
    let isStale = false;
    let next: number | undefined;
    let batches = 0;
    this.#batches.walk(from, (_size, at) => {
      if (++batches > portion.batches || at - from > portion.bytes) {
        next = at;
        return false;
      }
      const isLater = this.#batches.maxTimestamp(at) > maxTimestamp;
      isStale = isLater && this.#batches.isIntact(at);
      return !isStale;
    });
    if (next === undefined) this.#areTimesChecked = true;
    if (isStale) this.#rebuild("the time index ends too early");
    return next;
  }

  /** Position of the last indexed batch. */
  get #tailStart(): number {
    const { offsets } = this.#index;
    return offsets.count === 0 ? 0 : offsets.position(offsets.count - 1);
  }

  /** Rebuilds the indexes from the log, uses them at once, and saves them in the background. */
  #rebuild(reason: string): void {
    const file = segmentFileName(this.#batches.baseOffset, "index");
    this.#report(`${this.#batches.name}: rebuilding the indexes of ${file}: ${reason}`);
    this.#index = rebuildIndex(this.#batches);
    this.#rebuildReason = reason;
    this.#areTimesChecked = true;
    this.#findEnd();
    void this.#saveVerified();
  }

  /** Saves the rebuilt indexes, without timestamps of damaged batches. */
  async #saveVerified(): Promise<void> {
    try {
      this.#index = await rebuildVerifiedIndex(this.#batches);
      this.#verifiedMax = this.#index.maxTimestamp;
      this.#files.save("index", this.#index.offsets.bytesFrom(0));
      this.#files.save("timeindex", this.#index.times.bytesFrom(0));
    } catch (error) {
      // The files are gone or unreadable: don't save.
      if (!(error instanceof RustLogError)) throw error;
    }
  }
}
