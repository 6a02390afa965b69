// The keys of a range of the log, each with the number of its last record, in a fixed amount of memory.
// Leaves to others: what a number stands for (compact-segments.ts).
//
// Open addressing in one typed array; a slot has five 32-bit words: 128 bits of the key's hash, and the number + 1 (0 in
// an empty slot). The key itself is not stored, so two keys with the same hash would count as one. Nobody can choose
// such keys: the hash is universal, with random coefficients for each map, which never leave it. For any two keys, the
// probability of a collision is 2^-128.
//
//   h = a0 + a1·x1 + a2·x2 + … mod 2^32, of which the upper 16 bits count; eight times, with different coefficients.
//   x1 is the key's length, the others are its bytes in pairs. A long key is replaced by its SHA-256.
// Source: D. Lemire, O. Kaser, Strongly universal string hashing is fast, 2012 (the family "multilinear")

const SLOT_WORDS = 5;
const SLOT_BYTES = 4 * SLOT_WORDS;
const NUMBER_WORD = 4;

/** Share of the slots that may be used: beyond it, searches become long. */
const LOAD_MAX = 0.75;

const LANES = 8;

/** Keys longer than this are hashed by SHA-256 first. */
const SHORT_KEY_BYTES_MAX = 128;

/** Stands for the length of every longer key. */
const LONG_KEY = 0xffff;

const DIGEST_BYTES = 32;

/** Numbers are stored plus 1, in 32 bits. */
export const RECORD_NUMBER_MAX = 2 ** 32 - 2;

export class KeyMap {
  readonly #slots: Int32Array;
  readonly #slotCount: number;
  readonly #sizeMax: number;
  readonly #coefficients = new Int32Array(LANES * (2 + SHORT_KEY_BYTES_MAX / 2));
  readonly #digest = new Uint8Array(DIGEST_BYTES);
  #size = 0;
  // The hash of the key that is looked up.
  #word0 = 0;
  #word1 = 0;
  #word2 = 0;
  #word3 = 0;

  /** Takes `bytes` of memory, at least that of one key. */
  constructor(bytes: number) {
    this.#slotCount = Math.max(2, Math.floor(bytes / SLOT_BYTES));
    this.#sizeMax = Math.max(1, Math.floor(this.#slotCount * LOAD_MAX));
    this.#slots = new Int32Array(this.#slotCount * SLOT_WORDS);
    crypto.getRandomValues(this.#coefficients);
  }

  /** Number of keys. */
  get size(): number {
    return this.#size;
  }

  /** Number of the last record with the key `bytes[start, end)`; -1 if there is none. */
  get(bytes: Uint8Array, start: number, end: number): number {
    this.#hash(bytes, start, end);
    return (this.#slots[this.#find() + NUMBER_WORD]! >>> 0) - 1;
  }

  /** Sets the number of the last record with a key. Returns false, without a change, if there is no room for the key. */
  set(bytes: Uint8Array, start: number, end: number, number: number): boolean {
    this.#hash(bytes, start, end);
    const slots = this.#slots;
    const at = this.#find();
    if (slots[at + NUMBER_WORD] === 0) {
      if (this.#size === this.#sizeMax) return false;
      this.#size++;
      slots[at] = this.#word0;
      slots[at + 1] = this.#word1;
      slots[at + 2] = this.#word2;
      slots[at + 3] = this.#word3;
    }
    slots[at + NUMBER_WORD] = number + 1;
    return true;
  }

  /** Where the slot with the current hash is, or the empty one for it. */
  #find(): number {
    const slots = this.#slots;
    const end = slots.length;
    let at = Math.floor((this.#word0 >>> 0) * (this.#slotCount / 2 ** 32)) * SLOT_WORDS;
    while (
      slots[at + NUMBER_WORD] !== 0 &&
      (slots[at] !== this.#word0 ||
        slots[at + 1] !== this.#word1 ||
        slots[at + 2] !== this.#word2 ||
        slots[at + 3] !== this.#word3)
    ) {
      at += SLOT_WORDS;
      if (at === end) at = 0;
    }
    return at;
  }

  #hash(bytes: Uint8Array, start: number, end: number): void {
    if (end - start <= SHORT_KEY_BYTES_MAX) {
      this.#hashShort(bytes, start, end, end - start);
      return;
    }
    Bun.CryptoHasher.hash("sha256", bytes.subarray(start, end), this.#digest);
    this.#hashShort(this.#digest, 0, DIGEST_BYTES, LONG_KEY);
  }

  #hashShort(bytes: Uint8Array, start: number, end: number, length: number): void {
    const c = this.#coefficients;
    let h0 = (c[0]! + Math.imul(c[8]!, length)) | 0;
    let h1 = (c[1]! + Math.imul(c[9]!, length)) | 0;
    let h2 = (c[2]! + Math.imul(c[10]!, length)) | 0;
    let h3 = (c[3]! + Math.imul(c[11]!, length)) | 0;
    let h4 = (c[4]! + Math.imul(c[12]!, length)) | 0;
    let h5 = (c[5]! + Math.imul(c[13]!, length)) | 0;
    let h6 = (c[6]! + Math.imul(c[14]!, length)) | 0;
    let h7 = (c[7]! + Math.imul(c[15]!, length)) | 0;
    let k = 2 * LANES;
    for (let at = start; at < end; at += 2) {
      const pair = at + 1 < end ? bytes[at]! | (bytes[at + 1]! << 8) : bytes[at]!;
      h0 = (h0 + Math.imul(c[k]!, pair)) | 0;
      h1 = (h1 + Math.imul(c[k + 1]!, pair)) | 0;
      h2 = (h2 + Math.imul(c[k + 2]!, pair)) | 0;
      h3 = (h3 + Math.imul(c[k + 3]!, pair)) | 0;
      h4 = (h4 + Math.imul(c[k + 4]!, pair)) | 0;
      h5 = (h5 + Math.imul(c[k + 5]!, pair)) | 0;
      h6 = (h6 + Math.imul(c[k + 6]!, pair)) | 0;
      h7 = (h7 + Math.imul(c[k + 7]!, pair)) | 0;
      k += LANES;
    }
    this.#word0 = (h0 & ~0xffff) | (h1 >>> 16);
    this.#word1 = (h2 & ~0xffff) | (h3 >>> 16);
    this.#word2 = (h4 & ~0xffff) | (h5 >>> 16);
    this.#word3 = (h6 & ~0xffff) | (h7 >>> 16);
  }
}
