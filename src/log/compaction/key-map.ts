// The keys of the dirty part of a log, each with the number of its last record, in a fixed amount of memory.
// Leaves to others: numbering the records (dirty-keys.ts).
//
// Open addressing in one typed array; a slot has four 32-bit words: 96 bits of the key's hash, and the number + 1 (0 in an
// empty slot). The key itself is not stored, so two keys with the same hash would count as one. Nobody can choose such
// keys: the hash is universal, with random coefficients for each map, which never leave it. With 16 million keys, the
// probability that any two have the same hash is below 2^-48.
//
//   h = a0 + a1·x1 + a2·x2 + … mod 2^32, of which the upper 16 bits count; six times, with different coefficients.
//   x1 is the key's length, the others are its bytes in pairs. A long key is replaced by its SHA-256.
// That is linear, so keys that are numbers would lie in patterns; the bits are mixed to spread them.
// Source: D. Lemire, O. Kaser, Strongly universal string hashing is fast, 2012 (the family "multilinear")
//
// Few keys take little memory: all of it is reserved at once, but the system provides a page only when it is written, and the
// table uses more and more of it. A key's place is its hash, scaled to the size of the table. So when the table doubles,
// all keys keep their order and move up, which needs no second table.
//
// A slot is rarely in the processor's cache. So keys are queued, and then looked up together: the processor then fetches
// several slots at a time, which is three times as fast.
import type { RecordMarks } from "./record-marks.js";

const SLOT_WORDS = 4;
const NUMBER_WORD = 3;

export const SLOT_BYTES = 4 * SLOT_WORDS;

/** Share of the slots that may be used: beyond it, searches become long. */
export const LOAD_MAX = 0.75;

/** About how many slots a table has at first. */
const SLOTS_AT_FIRST = 16 * 1024;

/** Slots after the last place, for keys that find theirs taken. A search goes up only, and never wraps. */
const SPARE_SLOTS_MAX = 4 * 1024;

const LANES = 6;

/** Keys longer than this are hashed by SHA-256 first. */
const SHORT_KEY_BYTES_MAX = 128;

/** Stands for the length of every longer key. */
const LONG_KEY = 0xffff;

const DIGEST_BYTES = 32;

const QUEUE_KEYS = 256;

/** Numbers are stored plus 1, in a signed word. */
export const RECORD_NUMBER_MAX = 2 ** 31 - 2;

export class KeyMap {
  readonly #slots: Int32Array;
  /** Places of keys. It doubles until it is `#slotsMax`. */
  #slotCount: number;
  readonly #slotsMax: number;
  readonly #sizeMax: number;
  #size = 0;
  /** Most slots between a key and its place. */
  #distanceMax = 0;
  readonly #coefficients = new Int32Array(LANES * (2 + SHORT_KEY_BYTES_MAX / 2));
  readonly #digest = new Uint8Array(DIGEST_BYTES);
  /** Hashes of the queued keys, and the numbers that were queued with them. */
  readonly #queue = new Int32Array(QUEUE_KEYS * SLOT_WORDS);
  #queued = 0;

  /** Has room for `keys` keys. */
  constructor(keys: number) {
    this.#sizeMax = keys;
    let doublings = 0;
    while (keys / LOAD_MAX > SLOTS_AT_FIRST * 2 ** doublings) doublings++;
    this.#slotCount = Math.ceil(keys / LOAD_MAX / 2 ** doublings);
    this.#slotsMax = this.#slotCount * 2 ** doublings;
    const spare = Math.min(keys + 1, SPARE_SLOTS_MAX);
    this.#slots = new Int32Array((this.#slotsMax + spare) * SLOT_WORDS);
    crypto.getRandomValues(this.#coefficients);
  }

  /** Number of keys. */
  get size(): number {
    return this.#size;
  }

  /** Whether the queue must be emptied before another key. */
  get isQueueFull(): boolean {
    return this.#queued === QUEUE_KEYS;
  }

  /** Queues the key `bytes[start, end)` with the number of its record. */
  queue(bytes: Uint8Array, start: number, end: number, number: number): void {
    this.#queue[this.#queued * SLOT_WORDS + NUMBER_WORD] = number;
    if (end - start <= SHORT_KEY_BYTES_MAX) this.#hash(bytes, start, end, end - start);
    else {
      Bun.CryptoHasher.hash("sha256", bytes.subarray(start, end), this.#digest);
      this.#hash(this.#digest, 0, DIGEST_BYTES, LONG_KEY);
    }
    this.#queued++;
  }

  /**
   * Enters the queued keys, whose numbers must ascend, and empties the queue. Marks the record that each key had before as
   * dropped. Returns the number of the first record for whose key there was no room, or -1.
   */
  enterQueued(marks: RecordMarks): number {
    const queue = this.#queue;
    const slots = this.#slots;
    while (
      this.#size + this.#queued > this.#slotCount * LOAD_MAX &&
      this.#slotCount < this.#slotsMax
    ) {
      this.#double();
    }
    const end = this.#queued * SLOT_WORDS;
    this.#queued = 0;
    for (let i = 0; i < end; i += SLOT_WORDS) {
      const at = this.#find(queue, i);
      const number = queue[i + NUMBER_WORD]!;
      const before = slots[at + NUMBER_WORD]!;
      if (before !== 0) {
        marks.drop(before - 1);
        slots[at + NUMBER_WORD] = number + 1;
      } else if (this.#size < this.#sizeMax && at < slots.length - SLOT_WORDS) {
        this.#size++;
        this.#put(queue, i, at, number + 1);
      } else return number;
    }
    return -1;
  }

  /**
   * Looks up the queued keys, and empties the queue. At the index of each queued number, `found` gets the number of the
   * last record with the key, or -1.
   */
  lookUpQueued(found: Int32Array): void {
    const queue = this.#queue;
    const slots = this.#slots;
    const end = this.#queued * SLOT_WORDS;
    this.#queued = 0;
    for (let i = 0; i < end; i += SLOT_WORDS) {
      found[queue[i + NUMBER_WORD]!] = slots[this.#find(queue, i) + NUMBER_WORD]! - 1;
    }
  }

  /** The slot with the hash at `i` of `entries`, or the empty one for it. The last slot is never used. */
  #find(entries: Int32Array, i: number): number {
    const slots = this.#slots;
    const last = slots.length - SLOT_WORDS;
    const word0 = entries[i]!;
    const word1 = entries[i + 1]!;
    const word2 = entries[i + 2]!;
    let at = this.#placeOf(word0);
    while (
      slots[at + NUMBER_WORD] !== 0 &&
      (slots[at] !== word0 || slots[at + 1] !== word1 || slots[at + 2] !== word2) &&
      at < last
    ) {
      at += SLOT_WORDS;
    }
    return at;
  }

  #placeOf(word0: number): number {
    return Math.floor((word0 >>> 0) * (this.#slotCount / 2 ** 32)) * SLOT_WORDS;
  }

  /** Fills an empty slot with the hash at `i` of `entries`. */
  #put(entries: Int32Array, i: number, at: number, stored: number): void {
    const slots = this.#slots;
    if (at === slots.length - SLOT_WORDS) throw new Error("no spare slot is left");
    const word0 = entries[i]!;
    slots[at] = word0;
    slots[at + 1] = entries[i + 1]!;
    slots[at + 2] = entries[i + 2]!;
    slots[at + NUMBER_WORD] = stored;
    const distance = at - this.#placeOf(word0);
    if (distance > this.#distanceMax) this.#distanceMax = distance;
  }

  /**
   * Doubles the places. From the top down, each key moves to about twice its slot, where only keys are that have moved
   * before. At the bottom, a key far from its place might stay below one that has not moved: these keys go last, by way of
   * a copy.
   */
  #double(): void {
    const slots = this.#slots;
    const bottomEnd = 2 * this.#distanceMax + SLOT_WORDS;
    const end = Math.min(this.#slotCount * SLOT_WORDS + this.#distanceMax, slots.length);
    const bottom = slots.slice(0, Math.min(bottomEnd, end));
    slots.fill(0, 0, bottom.length);
    this.#slotCount *= 2;
    this.#distanceMax = 0;
    const moved = new Int32Array(SLOT_WORDS);
    for (let at = end - SLOT_WORDS; at >= bottom.length; at -= SLOT_WORDS) {
      const stored = slots[at + NUMBER_WORD]!;
      if (stored === 0) continue;
      for (let word = 0; word < SLOT_WORDS; word++) moved[word] = slots[at + word]!;
      slots[at + NUMBER_WORD] = 0;
      this.#put(moved, 0, this.#find(moved, 0), stored);
    }
    for (let i = 0; i < bottom.length; i += SLOT_WORDS) {
      const stored = bottom[i + NUMBER_WORD]!;
      if (stored !== 0) this.#put(bottom, i, this.#find(bottom, i), stored);
    }
  }

  /** Writes the hash to the end of the queue. */
  #hash(bytes: Uint8Array, start: number, end: number, length: number): void {
    const a = this.#coefficients;
    let h0 = (a[0]! + Math.imul(a[6]!, length)) | 0;
    let h1 = (a[1]! + Math.imul(a[7]!, length)) | 0;
    let h2 = (a[2]! + Math.imul(a[8]!, length)) | 0;
    let h3 = (a[3]! + Math.imul(a[9]!, length)) | 0;
    let h4 = (a[4]! + Math.imul(a[10]!, length)) | 0;
    let h5 = (a[5]! + Math.imul(a[11]!, length)) | 0;
    let k = 2 * LANES;
    for (let at = start; at < end; at += 2) {
      const pair = at + 1 < end ? bytes[at]! | (bytes[at + 1]! << 8) : bytes[at]!;
      h0 = (h0 + Math.imul(a[k]!, pair)) | 0;
      h1 = (h1 + Math.imul(a[k + 1]!, pair)) | 0;
      h2 = (h2 + Math.imul(a[k + 2]!, pair)) | 0;
      h3 = (h3 + Math.imul(a[k + 3]!, pair)) | 0;
      h4 = (h4 + Math.imul(a[k + 4]!, pair)) | 0;
      h5 = (h5 + Math.imul(a[k + 5]!, pair)) | 0;
      k += LANES;
    }
    const to = this.#queued * SLOT_WORDS;
    const word0 = (h0 & ~0xffff) | (h1 >>> 16);
    const word1 = (h2 & ~0xffff) | (h3 >>> 16);
    const word2 = (h4 & ~0xffff) | (h5 >>> 16);
    // The first word says where the key goes. Different hashes stay different.
    this.#queue[to] = mixed(word0 ^ mixed(word1 ^ word2));
    this.#queue[to + 1] = word1;
    this.#queue[to + 2] = word2;
  }
}

/** Mixes the bits of a word, reversibly: the end of MurmurHash3. */
function mixed(word: number): number {
  let mix = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
  mix = Math.imul(mix ^ (mix >>> 13), 0xc2b2ae35);
  return mix ^ (mix >>> 16);
}
