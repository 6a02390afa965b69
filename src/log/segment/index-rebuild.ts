// Rebuilds the indexes of a sealed segment, whose log may be damaged, by walking over all of its batches.
// Leaves to others: when to do so, and the index files (sealed-indexes.ts).
//
// A batch with a wrong CRC may contain any timestamp. So saved indexes and retention use only timestamps of batches
// with a matching CRC. Computing the CRCs reads the whole log, so it is done in portions.
import { crc, FIELD } from "../../record/batch.js";
import { BatchWalker } from "../../record/batch-walker.js";
import { crc32c } from "../../record/crc32c.js";
import { nextTurn } from "../event-loop.js";
import { SegmentIndex } from "../index/segment-index.js";
import { DamageSearch } from "../recovery/segment-scan.js";
import type { LogBytes } from "./log-bytes.js";
import type { SegmentBatches } from "./segment-batches.js";

/** Bytes checked by CRC in one turn of the event loop. */
const CHECKED_BYTES_A_TURN = 1024 * 1024;

interface FoundBatch {
  readonly position: number;
  readonly size: number;
  /** Last offset, less that of the segment. */
  readonly lastRelativeOffset: number;
}

/** Builds indexes from all batch headers. Their timestamps may be wrong where the log is damaged. */
export function rebuildIndex(batches: SegmentBatches): SegmentIndex {
  const built = new SegmentIndex();
  for (const { position, size, lastRelativeOffset } of allBatches(batches, built)) {
    built.add(lastRelativeOffset, position, size, batches.maxTimestamp(position));
  }
  built.seal();
  return built;
}

/** Like `rebuildIndex`, over many turns of the event loop, and using only timestamps of batches with a matching CRC. */
export async function rebuildVerifiedIndex(batches: SegmentBatches): Promise<SegmentIndex> {
  const built = new SegmentIndex();
  const crcs = new CrcCheck(batches.log);
  for (const { position, size, lastRelativeOffset } of allBatches(batches, built)) {
    const isWhole = await crcs.matches(position, size);
    const time = isWhole ? batches.maxTimestamp(position) : Number.NEGATIVE_INFINITY;
    built.add(lastRelativeOffset, position, size, time);
  }
  built.seal();
  return built;
}

/** Checks CRCs without blocking the event loop: a large batch takes several turns. */
export class CrcCheck {
  readonly #log: LogBytes;
  #checkedInTurn = 0;

  constructor(log: LogBytes) {
    this.#log = log;
  }

  /** Whether the CRC of a batch matches. */
  async matches(position: number, size: number): Promise<boolean> {
    const { bytes, at: headerAt } = this.#log.header(position);
    const stated = crc(bytes, headerAt);
    const end = position + size;
    let computed = 0;
    for (let at = position + FIELD.attributes; at < end;) {
      if (this.#checkedInTurn >= CHECKED_BYTES_A_TURN) {
        await nextTurn();
        this.#checkedInTurn = 0;
      }
      const left = CHECKED_BYTES_A_TURN - this.#checkedInTurn;
      const part = this.#log.view(at, Math.min(left, end - at));
      if (part.length === 0) return false;
      computed = crc32c(part, 0, part.length, computed);
      at += part.length;
      this.#checkedInTurn += part.length;
    }
    return computed === stated;
  }
}

/**
 * All batches with a plausible header, in order. After a damaged header, continues at the next batch with a matching
 * CRC, so that damage does not spread, and tells the index that is being built.
 */
function* allBatches(batches: SegmentBatches, built: SegmentIndex): Generator<FoundBatch> {
  const { log, baseOffset } = batches;
  let search: DamageSearch | undefined;
  let position = 0;
  let expected = baseOffset;
  let previous: number | undefined;
  let expectedBefore = expected;
  while (position < log.size) {
    if (batches.fault(position, log.size) !== undefined) {
      search ??= new DamageSearch(new BatchWalker(log), log);
      // The length of the previous batch may be wrong.
      const end =
        previous !== undefined && !batches.isIntact(previous)
          ? search.endOf(previous, expectedBefore)
          : search.endOf(position, expected);
      if (end === undefined || end.position <= (previous ?? -1)) return;
      position = end.position;
      expected = end.baseOffset;
      previous = undefined;
      built.passDamage();
      continue;
    }
    const base = batches.trueBaseOffset(position, expected, previous);
    const next = batches.offsetAfter(position, base);
    const size = batches.statedSize(position);
    yield { position, size, lastRelativeOffset: next - 1 - baseOffset };
    previous = position;
    expectedBefore = expected;
    expected = next;
    position += size;
  }
}
