// What a read of the log returns: runs of whole batches that are touched only when they are sent.
// Leaves to others: finding them (log.ts, segment.ts) and sending them (the broker's outbox).

/** A run of whole batches in one segment. */
export interface LogSlice {
  /** Length of the run. */
  readonly bytes: number;
  /**
   * Up to `bytesMax` bytes from byte `from` of the run, at least one. The view is of the segment's mapping,
   * or of one scratch buffer that the next read of any slice overwrites: use it at once, or copy it.
   * Throws a RustLogError if the segment is gone or the disk fails.
   */
  read(from: number, bytesMax: number): Uint8Array;
}

/** A view of a mapping: it stays valid when the segment's file is unlinked meanwhile. */
export class MappedSlice implements LogSlice {
  readonly bytes: number;
  readonly #mapping: Uint8Array;
  readonly #position: number;

  /** `bytes` of the mapping from `position` on. */
  constructor(mapping: Uint8Array, position: number, bytes: number) {
    this.#mapping = mapping;
    this.#position = position;
    this.bytes = bytes;
  }

  read(from: number, bytesMax: number): Uint8Array {
    const start = this.#position + from;
    return this.#mapping.subarray(start, start + Math.min(bytesMax, this.bytes - from));
  }
}

/** The answer to a read of the log. */
export interface LogRead {
  readonly slices: readonly LogSlice[];
  /** Sum of the slices' lengths. */
  readonly bytes: number;
  /** The offset that follows the last record of the last slice; what to ask for next. */
  readonly nextOffset: number;
}

/** Copies the whole of a read into one new array: for small reads inside the broker, and for tests. */
export function readAll(read: LogRead): Uint8Array {
  const all = new Uint8Array(read.bytes);
  let at = 0;
  for (const slice of read.slices) {
    for (let from = 0; from < slice.bytes;) {
      const part = slice.read(from, slice.bytes - from);
      all.set(part, at);
      at += part.length;
      from += part.length;
    }
  }
  return all;
}
