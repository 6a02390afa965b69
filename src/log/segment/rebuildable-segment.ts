// Walking through all batches of a segment whose log may be damaged, to rebuild its indexes or to learn its times.
// Leaves to others: when that is due, and the files (sealed-segment.ts).
//
// A batch whose CRC does not match may state any time. So indexes are saved, and records deleted, only by times of batches
// whose CRC matches. That takes all bytes of the log, and is done in portions.
import { RustLogError } from "../../errors.ts";
import { crc, FIELD } from "../../record/batch.ts";
import { crc32c } from "../../record/crc32c.ts";
import { nextTurn } from "../event-loop.ts";
import { CheckedSegment } from "./checked-segment.ts";
import { BatchWalker } from "../../record/batch-walker.ts";
import { DamageSearch } from "../recovery/segment-scan.ts";
import { SegmentIndex } from "../index/segment-index.ts";

/** Bytes whose CRC is computed in one turn of the event loop. */
const CHECKED_BYTES_A_TURN = 1024 * 1024;

/** A batch with a plausible header. */
interface FoundBatch {
  readonly position: number;
  readonly size: number;
  /** Last offset, less that of the segment. */
  readonly lastRelativeOffset: number;
  readonly isBehindDamage: boolean;
}

/** A segment that is all there is of its log: nothing is appended to it any more. */
export abstract class RebuildableSegment extends CheckedSegment {
  /** What `verifiedMaxTimestamp` has found. */
  protected verifiedMax: number | undefined;
  #checkedInTurn = 0;

  /** Up to `bytes` bytes of the log from `position`, at least one; a view that the next call may overwrite. */
  protected abstract bytesAt(position: number, bytes: number): Uint8Array;

  /**
   * Largest timestamp of the batches whose CRC matches; -Infinity when there is none. If it is `enough` or more, the
   * result may be less than the largest, and no less than `enough`. Takes as many turns of the event loop as it
   * needs, once in the life of the process.
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
      // The way there is damaged.
      if (error instanceof RustLogError && error.code === "CORRUPT_MESSAGE") return false;
      throw error;
    }
  }

  /** Indexes by the headers of all batches. Their times are not to be relied on where the log is damaged. */
  protected walkIndex(): SegmentIndex {
    const built = new SegmentIndex();
    for (const batch of this.#batches()) addTo(built, batch, this.maxTimestampAt(batch.position));
    return built;
  }

  /** The same by the times of those batches whose CRC matches. */
  protected async walkVerifiedIndex(): Promise<SegmentIndex> {
    const built = new SegmentIndex();
    for (const batch of this.#batches()) {
      const isWhole = await this.matchesCrc(batch.position, batch.size);
      const time = isWhole ? this.maxTimestampAt(batch.position) : Number.NEGATIVE_INFINITY;
      addTo(built, batch, time);
    }
    return built;
  }

  /** Whether the CRC of a batch matches; in later turns of the event loop if that takes long. */
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
   * All batches with a plausible header, in order. Behind a damaged header the walk goes on at the next batch whose CRC
   * matches, so that damage stays where it is.
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
        // It may be the length of the batch before that is wrong.
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
