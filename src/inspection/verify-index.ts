// Checks both indexes of a segment while its log is walked: every entry against the batch it names.
// Leaves to others: the walk (verify-segment.ts), and the layouts of entries (log/index/).
//
// An entry that names a batch in a damaged range can't be checked and is accepted.
import { OFFSET_ENTRY_BYTES, OffsetIndex } from "../log/index/offset-index.js";
import type { SegmentIndex } from "../log/index/segment-index.js";
import { TIME_ENTRY_BYTES, TimeIndex } from "../log/index/time-index.js";

export interface IndexFault {
  /** Number of the entry, from 0; undefined if the fault concerns the file. */
  readonly entry?: number;
  readonly reason: string;
}

/**
 * Whether the index must be complete. The index of the active segment may lag behind its log, unless the stop was
 * clean.
 */
export type IndexExtent = "whole" | "prefix";

export class OffsetIndexCheck {
  readonly index: OffsetIndex;
  readonly #bytes: Uint8Array;
  readonly #baseOffset: number;
  readonly #faults: IndexFault[] = [];
  readonly #entryByPosition = new Map<number, number>();
  /** Entries that are correct or can't be checked. */
  readonly #settled: Uint8Array;
  readonly #damaged: { readonly start: number; readonly end: number }[] = [];

  /** `bytes` is the content of the file; the segment starts at `baseOffset`. */
  constructor(bytes: Uint8Array, baseOffset: number) {
    this.index = new OffsetIndex(bytes);
    const { count } = this.index;
    this.#bytes = bytes;
    this.#baseOffset = baseOffset;
    this.#settled = new Uint8Array(count);
    for (let entry = count - 1; entry >= 0; entry--) {
      this.#entryByPosition.set(this.index.position(entry), entry);
    }
  }

  batch(position: number, lastRelativeOffset: number): void {
    const entry = this.#entryByPosition.get(position);
    if (entry === undefined) return;
    this.#settled[entry] = 1;
    const stated = this.index.relativeOffset(entry);
    if (stated === lastRelativeOffset) return;
    const [says, is] = [this.#baseOffset + stated, this.#baseOffset + lastRelativeOffset];
    const reason = `states that the batch at position ${position} ends with offset ${says}, but it ends with ${is}`;
    this.#faults.push({ entry, reason });
  }

  /** Accepts entries for bytes that are not a batch, or not a credible one. */
  damage(position: number, size: number): void {
    this.#damaged.push({ start: position, end: position + size });
  }

  /** Returns the faults; call it after the last batch. `rebuilt` is the correct index. */
  finish(rebuilt: SegmentIndex, extent: IndexExtent): readonly IndexFault[] {
    const faults = this.#faults;
    const excess = this.#bytes.length % OFFSET_ENTRY_BYTES;
    if (excess !== 0) {
      const reason = `its size of ${this.#bytes.length} bytes is not a multiple of ${OFFSET_ENTRY_BYTES}`;
      faults.push({ reason });
    }
    let before = -1;
    for (let entry = 0; entry < this.index.count; entry++) {
      const position = this.index.position(entry);
      if (this.#settled[entry] === 0 && !this.#isDamagedAt(position)) {
        faults.push({ entry, reason: `points to position ${position}, where no batch starts` });
      } else {
        if (position <= before) faults.push({ entry, reason: "does not ascend" });
        before = position;
      }
    }
    if (faults.length === 0 && this.#damaged.length === 0) this.#findMissing(rebuilt, extent);
    return faults;
  }

  #isDamagedAt(position: number): boolean {
    return this.#damaged.some(({ start, end }) => position >= start && position < end);
  }

  #findMissing(rebuilt: SegmentIndex, extent: IndexExtent): void {
    const { count } = this.index;
    const last = count === 0 ? -1 : this.index.position(count - 1);
    let missing = 0;
    let first = 0;
    for (let entry = 0; entry < rebuilt.offsets.count; entry++) {
      const position = rebuilt.offsets.position(entry);
      if (this.#entryByPosition.has(position)) continue;
      if (extent === "prefix" && position > last) break;
      if (missing++ === 0) first = position;
    }
    if (missing > 0) this.#faults.push({ reason: missingReason(missing, `position ${first}`) });
  }
}

export class TimeIndexCheck {
  readonly index: TimeIndex;
  readonly #bytes: Uint8Array;
  readonly #baseOffset: number;
  readonly #faults: IndexFault[] = [];
  readonly #entryByOffset = new Map<number, number>();
  readonly #settled: Uint8Array;
  readonly #damaged: { readonly first: number; readonly end: number }[] = [];
  #maxTimestamp = Number.NEGATIVE_INFINITY;

  /** `bytes` is the content of the file; the segment starts at `baseOffset`. */
  constructor(bytes: Uint8Array, baseOffset: number) {
    this.index = new TimeIndex(bytes);
    const { count } = this.index;
    this.#bytes = bytes;
    this.#baseOffset = baseOffset;
    this.#settled = new Uint8Array(count);
    for (let entry = count - 1; entry >= 0; entry--) {
      this.#entryByOffset.set(this.index.relativeOffset(entry), entry);
    }
  }

  batch(lastRelativeOffset: number, maxTimestamp: number): void {
    const isNewMax = maxTimestamp > this.#maxTimestamp;
    if (isNewMax) this.#maxTimestamp = maxTimestamp;
    const entry = this.#entryByOffset.get(lastRelativeOffset);
    if (entry === undefined) return;
    this.#settled[entry] = 1;
    const stated = this.#timestamp(entry);
    const offset = this.#baseOffset + lastRelativeOffset;
    if (stated !== maxTimestamp) {
      const reason = `states ${stated ?? "an invalid timestamp"} for the batch that ends with offset ${offset}, but it has ${maxTimestamp}`;
      this.#faults.push({ entry, reason });
    } else if (!isNewMax) {
      const reason = `names offset ${offset}, but an earlier batch has a timestamp as large`;
      this.#faults.push({ entry, reason });
    }
  }

  /** Accepts entries from relative offset `first` to `end`, exclusive, where no batch could be read. */
  damage(first: number, end: number): void {
    this.#damaged.push({ first, end });
  }

  /** Returns the faults; call it after the last batch. `rebuilt` is the correct index. */
  finish(rebuilt: SegmentIndex, extent: IndexExtent): readonly IndexFault[] {
    const faults = this.#faults;
    const { count } = this.index;
    if (this.#bytes.length % TIME_ENTRY_BYTES !== 0) {
      const reason = `its size of ${this.#bytes.length} bytes is not a multiple of ${TIME_ENTRY_BYTES}`;
      faults.push({ reason });
    }
    let before = -1;
    for (let entry = 0; entry < count; entry++) {
      const offset = this.index.relativeOffset(entry);
      if (this.#settled[entry] === 0 && !this.#isDamagedAt(offset)) {
        const reason = `names offset ${this.#baseOffset + offset}, but no batch ends with it`;
        faults.push({ entry, reason });
      } else {
        if (offset <= before) faults.push({ entry, reason: "does not ascend" });
        before = offset;
      }
    }
    if (faults.length > 0 || this.#damaged.length > 0) return faults;
    const last = count === 0 ? Number.NEGATIVE_INFINITY : this.index.timestamp(count - 1);
    if (extent === "whole" && last !== this.#maxTimestamp) {
      const says = count === 0 ? "it has no entries" : `its last entry is ${last}`;
      const reason = `${says}, but the largest timestamp of the segment is ${this.#maxTimestamp}`;
      faults.push({ reason });
    } else this.#findMissing(rebuilt);
    return faults;
  }

  #timestamp(entry: number): number | undefined {
    try {
      return this.index.timestamp(entry);
    } catch {
      return undefined; // Outside the safe integers.
    }
  }

  #isDamagedAt(offset: number): boolean {
    return this.#damaged.some(({ first, end }) => offset >= first && offset < end);
  }

  #findMissing(rebuilt: SegmentIndex): void {
    const { count } = this.index;
    const last = count === 0 ? -1 : this.index.relativeOffset(count - 1);
    let missing = 0;
    let first = 0;
    for (let entry = 0; entry < rebuilt.times.count; entry++) {
      const offset = rebuilt.times.relativeOffset(entry);
      if (offset > last) break;
      if (this.#entryByOffset.has(offset)) continue;
      if (missing++ === 0) first = this.#baseOffset + offset;
    }
    if (missing > 0) this.#faults.push({ reason: missingReason(missing, `offset ${first}`) });
  }
}

function missingReason(missing: number, first: string): string {
  return missing === 1
    ? `an entry is missing, for the batch at ${first}`
    : `${missing} entries are missing, the first for the batch at ${first}`;
}
