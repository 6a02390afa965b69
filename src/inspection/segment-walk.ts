// Walks a `.log` file: its batches, and the ranges of bytes between them that are not batches.
// Leaves to others: finding the next batch after damage (record/batch-walker.ts), gaps in the offsets, and the records
// (verify-segment.ts, cli/inspect-log.ts).
//
// Every byte of the file belongs to exactly one part, in order.
import { type BatchFault, batchBytes, nextOffset } from "../record/batch.js";
import { BatchWalker } from "../record/batch-walker.js";
import type { ReadableFile } from "../record/bytes.js";
import type { Crc32c } from "../record/crc32c.js";
import { DamageSearch } from "../log/recovery/segment-scan.js";

/** A complete batch with a matching CRC. */
export interface WalkedBatch {
  readonly kind: "batch";
  readonly position: number;
  readonly size: number;
  /** Holds the batch at `at`; valid until the walk continues. */
  readonly bytes: Uint8Array;
  readonly at: number;
  /** Base offset stated by the next batch; Infinity if there is none. Call this before the walk continues. */
  readonly nextBaseOffset: () => number;
}

/** Bytes that are not a valid batch. */
export interface DamagedRange {
  readonly kind: "damage";
  readonly position: number;
  readonly size: number;
  /** Why there is no batch at `position`. */
  readonly fault: BatchFault;
  /** The header at `position`, if there are 61 bytes with the right magic. Its fields may be wrong. */
  readonly header: Uint8Array | undefined;
  /** Whether no valid batch follows in the file. */
  readonly isLast: boolean;
}

type SegmentPart = WalkedBatch | DamagedRange;

interface WalkOptions {
  /** Base offset of the segment if it is the last of its log, whose end may be torn; recovery uses the same rule. */
  readonly lastSegment?: number | undefined;
  readonly computeCrc?: Crc32c;
}

/** The parts of a `.log` file, from its start. Throws the system's error when it can't be read. */
export function* walkSegment(
  file: ReadableFile,
  { lastSegment, computeCrc }: WalkOptions = {},
): Generator<SegmentPart, void> {
  const walker = new BatchWalker(file, computeCrc);
  const search = new DamageSearch(walker, file);
  let due = lastSegment ?? 0;
  for (let position = 0; position < file.size;) {
    const fault = walker.faultAt(position);
    if (fault === undefined) {
      const size = batchBytes(walker.bytes, walker.at(position));
      walker.load(position, size);
      const { bytes } = walker;
      const at = walker.at(position);
      due = nextOffset(bytes, at);
      const end = position + size;
      const nextBaseOffset = (): number => walker.baseOffsetAt(end);
      yield { kind: "batch", position, size, bytes, at, nextBaseOffset };
      position = end;
      continue;
    }
    const header = walker.headerAt(position);
    const next =
      lastSegment === undefined
        ? walker.findNext(position, header, due)
        : (search.endOf(position, due)?.position ?? file.size);
    const [size, isLast] = [next - position, next === file.size];
    yield { kind: "damage", position, size, fault, header, isLast };
    position = next;
  }
}
