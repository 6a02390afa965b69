// The walk over a `.log` file: its batches, one by one, and between them the ranges of bytes that are none.
// Leaves to others: finding the next batch after damage (record/batch-walker.ts), what a gap in the offsets
// means, and the records inside (verify-segment.ts, cli/inspect.ts).
//
// Every byte of the file belongs to exactly one part, in order.
import { type BatchFault, batchBytes, nextOffset } from "../record/batch.ts";
import { BatchWalker, type ByteSource, type Crc32c } from "../record/batch-walker.ts";
import { DamageSearch } from "../log/recovery/segment-scan.ts";

/** A whole batch with a matching CRC. */
export interface WalkedBatch {
  readonly kind: "batch";
  /** Where it starts in the file. */
  readonly position: number;
  /** Its size in bytes. */
  readonly size: number;
  /** Bytes in which it stands at `at`, until the walk goes on. */
  readonly bytes: Uint8Array;
  readonly at: number;
}

/** Bytes that are no valid batch. */
export interface DamagedRange {
  readonly kind: "damage";
  /** Where they start in the file. */
  readonly position: number;
  /** How many they are. */
  readonly size: number;
  /** Why no batch starts at `position`. */
  readonly fault: BatchFault;
  /** The header that stands there, if 61 bytes do and its magic is right: what it says may be wrong. */
  readonly header: Uint8Array | undefined;
  /** Whether the file ends before another valid batch comes. */
  readonly isLast: boolean;
}

/** A part of a `.log` file. */
export type SegmentPart = WalkedBatch | DamagedRange;

export interface WalkOptions {
  /** Base offset of the segment if it is the last one of a log: then its end may be torn, as recovery sees it. */
  readonly lastSegment?: number | undefined;
  readonly computeCrc?: Crc32c;
}

/** The parts of a `.log` file, from its start. Throws the system's error when it can't be read. */
export function* walkSegment(
  file: ByteSource,
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
      yield { kind: "batch", position, size, bytes, at };
      position += size;
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
