// Rebuilding the indexes of a segment from its log, which may be damaged.
// Leaves to others: when that is due, and the files (sealed-segment.ts).
import { readI64 } from "../record/bytes.ts";
import { BatchWalker } from "./batch-walker.ts";
import { LogSegment } from "./segment.ts";
import { NO_BATCH } from "./segment-headers.ts";
import { SegmentIndex } from "./segment-index.ts";

/** A segment that is all there is of its log: nothing is appended to it any more. */
export abstract class RebuildableSegment extends LogSegment {
  /** The bytes of the log, from `position` on. */
  protected abstract bytesAt(position: number, bytes: number): Uint8Array;

  /**
   * Indexes made by walking the batch headers of the log. Behind a damaged header the walk goes on at the next batch whose
   * CRC is right, which gets an entry, so that damage stays where it is.
   */
  protected walkIndex(): SegmentIndex {
    const built = new SegmentIndex();
    let walker: BatchWalker | undefined;
    let position = 0;
    let expected = this.baseOffset;
    let previous = NO_BATCH;
    let isBehindDamage = false;
    while (position < this.fileBytes) {
      if (this.headerFault(position, this.fileBytes) !== undefined) {
        walker ??= new BatchWalker({
          size: this.fileBytes,
          read: (into, at) => this.#copy(into, at),
        });
        position = walker.findNext(position, undefined, expected);
        if (position === this.fileBytes || walker.faultAt(position) !== undefined) break;
        expected = readI64(walker.bytes, walker.at(position));
        previous = NO_BATCH;
        isBehindDamage = true;
        continue;
      }
      const next = this.offsetAfter(position, this.trueBaseOffset(position, expected, previous));
      const size = this.batchSizeAt(position, this.fileBytes);
      const relative = next - 1 - this.baseOffset;
      if (isBehindDamage) {
        built.addBehindDamage(relative, position, size, this.maxTimestampAt(position));
      } else built.add(relative, position, size, this.maxTimestampAt(position));
      previous = position;
      expected = next;
      position += size;
      isBehindDamage = false;
    }
    return built;
  }

  #copy(into: Uint8Array, position: number): number {
    const count = Math.max(0, Math.min(into.length, this.fileBytes - position));
    for (let done = 0; done < count;) {
      const part = this.bytesAt(position + done, count - done);
      into.set(part, done);
      done += part.length;
    }
    return count;
  }
}
