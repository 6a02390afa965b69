// The result of a read of the log: runs of whole batches, whose bytes are read only when they are sent.
// Leaves to others: finding them (segment-list.ts, segment-lookup.ts) and sending them (net/outbox.ts).

/** A run of whole batches in one segment. */
export interface LogSlice {
  readonly bytes: number;
  /**
   * Returns 1 to `bytesMax` bytes from byte `from` of the run. The next read of any slice may overwrite the view: use
   * it at once, or copy it. Throws a RustLogError if the segment is gone or the disk fails.
   */
  read(from: number, bytesMax: number): Uint8Array;
}

/** A view of a mapping. It stays valid after the segment's file is unlinked. */
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

export interface LogRead {
  readonly slices: readonly LogSlice[];
  /** Sum of the slices' lengths. */
  readonly bytes: number;
  /** Offset after the last slice, where the next read begins. */
  readonly nextOffset: number;
}

/** Copies all bytes of a read into a new array: for small reads inside the broker, and for tests. */
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
