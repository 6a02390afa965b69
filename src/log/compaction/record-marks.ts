// What the first pass has found out about each record of the dirty part: whether it goes, and whether it is a tombstone.
// With it, the second pass looks at no key of the dirty part, and opens only batches of which a part goes.
// Leaves to others: numbering the records (dirty-keys.ts).

const WORD_BITS = 32;

/** Bits of memory for each record. */
export const MARK_BITS = 2;

export class RecordMarks {
  /** Number of records there is room for. */
  readonly capacity: number;
  readonly #dropped: Int32Array;
  readonly #tombstones: Int32Array;

  constructor(capacity: number) {
    const words = Math.ceil(capacity / WORD_BITS);
    this.capacity = words * WORD_BITS;
    this.#dropped = new Int32Array(words);
    this.#tombstones = new Int32Array(words);
  }

  drop(number: number): void {
    const word = number >>> 5;
    this.#dropped[word] = this.#dropped[word]! | (1 << number);
  }

  noteTombstone(number: number): void {
    const word = number >>> 5;
    this.#tombstones[word] = this.#tombstones[word]! | (1 << number);
  }

  isDropped(number: number): boolean {
    return (this.#dropped[number >>> 5]! & (1 << number)) !== 0;
  }

  isTombstone(number: number): boolean {
    return (this.#tombstones[number >>> 5]! & (1 << number)) !== 0;
  }

  /** How many of `count` records from number `first` on go. */
  countDropped(first: number, count: number): number {
    let sum = 0;
    for (let word = first >>> 5; word << 5 < first + count; word++) {
      sum += bitCount(this.#dropped[word]! & maskOf(word, first, first + count));
    }
    return sum;
  }

  /** How many of `count` records from number `first` on are tombstones that do not go. */
  countTombstones(first: number, count: number): number {
    let sum = 0;
    for (let word = first >>> 5; word << 5 < first + count; word++) {
      const bits = this.#tombstones[word]! & ~this.#dropped[word]!;
      sum += bitCount(bits & maskOf(word, first, first + count));
    }
    return sum;
  }
}

/** The bits of a word that stand for records from `first` up to but not including `end`. */
function maskOf(word: number, first: number, end: number): number {
  const start = word << 5;
  const above = first > start ? -1 << (first - start) : -1;
  return end < start + WORD_BITS ? above & ~(-1 << (end - start)) : above;
}

function bitCount(bits: number): number {
  let sum = bits - ((bits >>> 1) & 0x55555555);
  sum = (sum & 0x33333333) + ((sum >>> 2) & 0x33333333);
  return Math.imul((sum + (sum >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
