// Remembers the text of bytes that occur in one request after the other, such as names and ids of topics: finding it takes
// less time than decoding it again, and gives the same string, whose hash is known.
// Leaves to others: what the bytes mean.
//
// Texts that come once in ten thousand requests, such as the ids of members, would replace those that come in each: a text
// is remembered when it comes a second time with nothing else in its slot in between.

/** Texts that are remembered. A power of two, for the slot of a hash. */
const SLOTS = 256;

/** Longer texts are not remembered: as long as the name of a topic may be. */
const REMEMBERED_BYTES_MAX = 249;

/** Bytes at the end that are hashed, where names differ most. Texts that only differ before them share a slot. */
const HASHED_BYTES = 16;

interface Slot {
  readonly bytes: Uint8Array;
  readonly text: string;
}

export class TextCache {
  readonly #decode: (bytes: Uint8Array, start: number, end: number) => string;
  readonly #slots = new Array<Slot | undefined>(SLOTS).fill(undefined);
  /** The hash of the last text of each slot that was not remembered. */
  readonly #missed = new Int32Array(SLOTS);

  /** `decode` decodes what is not remembered: `bytes[start, end)`. What it throws passes through. */
  constructor(decode: (bytes: Uint8Array, start: number, end: number) => string) {
    this.#decode = decode;
  }

  /** The text of `bytes[start, end)`. */
  get(bytes: Uint8Array, start: number, end: number): string {
    const length = end - start;
    if (length > REMEMBERED_BYTES_MAX) return this.#decode(bytes, start, end);
    let hash = length + 1;
    for (let at = Math.max(start, end - HASHED_BYTES); at < end; at++) {
      hash = (Math.imul(hash, 31) + bytes[at]!) | 0;
    }
    const index = hash & (SLOTS - 1);
    const slot = this.#slots[index];
    if (slot !== undefined && isAt(slot.bytes, bytes, start, length)) return slot.text;
    const text = this.#decode(bytes, start, end);
    if (this.#missed[index] !== hash) this.#missed[index] = hash;
    else this.#slots[index] = { bytes: Uint8Array.from(bytes.subarray(start, end)), text };
    return text;
  }
}

function isAt(expected: Uint8Array, bytes: Uint8Array, start: number, length: number): boolean {
  if (expected.length !== length) return false;
  for (let i = 0; i < length; i++) if (expected[i] !== bytes[start + i]) return false;
  return true;
}
