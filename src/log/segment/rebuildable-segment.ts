// Walks all batches of a segment whose log may be damaged, to rebuild its indexes or find its largest timestamp.
// Leaves to others: when to do so, and the files (sealed-segment.ts).
//
// A batch with a wrong CRC may contain any timestamp. So saved indexes and retention use only timestamps of batches
// with a matching CRC. Computing the CRCs reads the whole log, so it is done in portions.
import { RustLogError } from "../../errors.js";
import { crc, FIELD } from "../../record/batch.js";
import { crc32c } from "../../record/crc32c.js";
import { nextTurn } from "../event-loop.js";
import { CheckedSegment } from "./checked-segment.js";
import { BatchWalker } from "../../record/batch-walker.js";
import { DamageSearch } from "../recovery/segment-scan.js";
import { SegmentIndex } from "../index/segment-index.js";

/** Bytes checked by CRC in one turn of the event loop. */
const CHECKED_BYTES_A_TURN = 1024 * 1024;

interface FoundBatch {
  readonly position: number;
  readonly size: number;
  /** Last offset, less that of the segment. */
  readonly lastRelativeOffset: number;
  readonly isBehindDamage: boolean;
}

/** A segment that receives no more appends. */
export abstract class RebuildableSegment extends CheckedSegment {
  /** Cached result of `verifiedMaxTimestamp`. */
  protected verifiedMax: number | undefined;
  #checkedInTurn = 0;

  /** A view of 1 to `bytes` bytes of the log from `position`. The next call may overwrite it. */
  protected abstract bytesAt(position: number, bytes: number): Uint8Array;

  /**
   * Largest timestamp of the batches with a matching CRC; -Infinity if there is no such batch. May stop early with a
   * smaller timestamp once it has found one of at least `enough`. Runs over many turns of the event loop; a full result
   * is cached.
   */
  async verifiedMaxTimestamp(enough: number): Promise<number> {
    if (this.verifiedMax === undefined) {
      const stated = this.maxTimestamp;
      if (stated >= enough && (await this.#isStatedByWholeBatch(stated))) return stated;
      this.verifiedMax = (await this.walkVerifiedIndex()).maxTimestamp;
    }
    return this.verifiedMax;
  }

  async #isStatedByWholeBatch(timestamp: number): Promise<boolean> {
    const { times } = this.index();
    if (times.count === 0) return false;
    try {
      const newest = this.baseOffset + times.relativeOffset(times.count - 1);
      const position = this.locate(newest, this.bytes)?.position;
      if (position === undefined || this.maxTimestampAt(position) !== timestamp) return false;
      return await this.matchesCrc(position, this.batchSizeAt(position, this.fileBytes));
    } catch (error) {
      // The headers before it are damaged.
      if (error instanceof RustLogError && error.code === "CORRUPT_MESSAGE") return false;
      throw error;
    }
  }

  /** Builds indexes from all batch headers. Their timestamps may be wrong where the log is damaged. */
  protected walkIndex(): SegmentIndex {
    const built = new SegmentIndex();
    for (const batch of this.#batches()) addTo(built, batch, this.maxTimestampAt(batch.position));
    return built;
  }

  /** Like `walkIndex`, but uses only timestamps of batches with a matching CRC. */
  protected async walkVerifiedIndex(): Promise<SegmentIndex> {
    const built = new SegmentIndex();
    for (const batch of this.#batches()) {
      const isWhole = await this.matchesCrc(batch.position, batch.size);
      const time = isWhole ? this.maxTimestampAt(batch.position) : Number.NEGATIVE_INFINITY;
      addTo(built, batch, time);
    }
    return built;
  }

  /** Whether the CRC of a batch matches. A large batch takes several turns of the event loop. */
  protected async matchesCrc(position: number, size: number): Promise<boolean> {
    const stated = crc(this.headerBytes(position), this.headerAt);
    const end = position + size;
    let computed = 0;
    for (let at = position + FIELD.attributes; at < end;) {
      if (this.#checkedInTurn >= CHECKED_BYTES_A_TURN) {
        await nextTurn();
        this.#checkedInTurn = 0;
      }
      const left = CHECKED_BYTES_A_TURN - this.#checkedInTurn;
      const part = this.bytesAt(at, Math.min(left, end - at));
      if (part.length === 0) return false;
      computed = crc32c(part, 0, part.length, computed);
      at += part.length;
      this.#checkedInTurn += part.length;
    }
    return computed === stated;
  }

  /**
   * All batches with a plausible header, in order. After a damaged header, continues at the next batch with a matching
   * CRC, so that damage does not spread.
   */
  *#batches(): Generator<FoundBatch> {
    let search: DamageSearch | undefined;
    let position = 0;
    let expected = this.baseOffset;
    let previous: number | undefined;
    let expectedBefore = expected;
    let isBehindDamage = false;
    while (position < this.fileBytes) {
      if (this.headerFault(position, this.fileBytes) !== undefined) {
        search ??= this.#newSearch();
        // The length of the previous batch may be wrong.
        const end =
          previous !== undefined && !this.isIntact(previous)
            ? search.endOf(previous, expectedBefore)
            : search.endOf(position, expected);
        if (end === undefined || end.position <= (previous ?? -1)) return;
        position = end.position;
        expected = end.baseOffset;
        previous = undefined;
        isBehindDamage = true;
        continue;
      }
      const next = this.offsetAfter(position, this.trueBaseOffset(position, expected, previous));
      const size = this.batchSizeAt(position, this.fileBytes);
      yield { position, size, lastRelativeOffset: next - 1 - this.baseOffset, isBehindDamage };
      previous = position;
      expectedBefore = expected;
      expected = next;
      position += size;
      isBehindDamage = false;
    }
  }

  #newSearch(): DamageSearch {
    const file = {
      size: this.fileBytes,
      read: (into: Uint8Array, position: number) => this.#copy(into, position),
    };
    return new DamageSearch(new BatchWalker(file), file);
  }

  #copy(into: Uint8Array, position: number): number {
    const count = Math.max(0, Math.min(into.length, this.fileBytes - position));
    for (let done = 0; done < count;) {
      const part = this.bytesAt(position + done, count - done);
      if (part.length === 0) return done;
      into.set(part, done);
      done += part.length;
    }
    return count;
  }
}

function addTo(
  index: SegmentIndex,
  { position, size, lastRelativeOffset, isBehindDamage }: FoundBatch,
  timestamp: number,
): void {
  if (isBehindDamage) index.addBehindDamage(lastRelativeOffset, position, size, timestamp);
  else index.add(lastRelativeOffset, position, size, timestamp);
}
