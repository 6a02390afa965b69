// The bytes that wait to be written to a socket, in order: the one place that owns what it did not take.
// Leaves to others: the socket itself, and when to write (connection).

/** Bytes handed to the socket in one call when many small parts wait: fewer calls, fewer packets. */
const GATHER_BYTES = 64 * 1024;

/** Writes bytes and says how many were taken; fewer than given means: wait for `drain`. */
export type WriteSome = (bytes: Uint8Array) => number;

/**
 * A queue of byte arrays. Parts are consumed only by the number of bytes that the socket took, so a
 * partial write leaves nothing to repair: invariant `0 <= headTaken < parts[head].length`.
 */
export class Outbox {
  #parts: Uint8Array[] = [];
  #head = 0;
  #headTaken = 0;
  #bytes = 0;
  // One buffer for all: what a write did not take is gathered again from the parts themselves.
  #gathered: Uint8Array | undefined;

  get bytes(): number {
    return this.#bytes;
  }

  /** Adds `part` at the end. It must not be changed until it was written. */
  push(part: Uint8Array): void {
    if (part.length === 0) return;
    this.#parts.push(part);
    this.#bytes += part.length;
  }

  /** Writes until nothing waits or the socket takes no more. */
  flush(write: WriteSome): void {
    while (this.#bytes > 0) {
      const offered = this.#next();
      const taken = write(offered);
      if (taken > 0) this.#consume(taken);
      if (taken < offered.length) return;
    }
  }

  /** Forgets everything that waits. */
  clear(): void {
    this.#parts = [];
    this.#head = 0;
    this.#headTaken = 0;
    this.#bytes = 0;
  }

  /** The next bytes to offer: a long part as it is, shorter ones gathered. */
  #next(): Uint8Array {
    const first = this.#parts[this.#head]!;
    const firstLeft = first.length - this.#headTaken;
    if (firstLeft === this.#bytes || firstLeft >= GATHER_BYTES) {
      return this.#headTaken === 0 ? first : first.subarray(this.#headTaken);
    }
    this.#gathered ??= new Uint8Array(GATHER_BYTES);
    let filled = 0;
    let skip = this.#headTaken;
    for (let i = this.#head; i < this.#parts.length && filled < GATHER_BYTES; i++) {
      const part = this.#parts[i]!;
      const length = Math.min(part.length - skip, GATHER_BYTES - filled);
      this.#gathered.set(part.subarray(skip, skip + length), filled);
      filled += length;
      skip = 0;
    }
    return this.#gathered.subarray(0, filled);
  }

  #consume(taken: number): void {
    this.#bytes -= taken;
    this.#headTaken += taken;
    while (this.#head < this.#parts.length) {
      const length = this.#parts[this.#head]!.length;
      if (this.#headTaken < length) break;
      this.#headTaken -= length;
      this.#head += 1;
    }
    if (this.#head === this.#parts.length) {
      this.#parts.length = 0;
      this.#head = 0;
    } else if (this.#head > 64) {
      // Written parts are dropped in runs, so that a long queue costs no shift per part.
      this.#parts.splice(0, this.#head);
      this.#head = 0;
    }
  }
}
