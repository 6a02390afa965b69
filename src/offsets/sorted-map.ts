// A map whose keys are strings in order: insertion, lookup and the entries after any key, without sorting.
// Leaves to others: what is kept in it (offset-table.ts).
//
// The entries lie in chunks. A chunk that becomes too long is split in two, so that an insertion moves at most a
// chunk, and a million keys cost little more memory than two arrays of a million entries.

/** Entries of a chunk at most. */
const CHUNK_MAX = 512;

interface Chunk<Value> {
  /** In ascending order; never empty. */
  readonly keys: string[];
  readonly values: Value[];
}

/** A map from strings to values, in ascending order of the strings' UTF-16 code units. */
export class SortedMap<Value> {
  readonly #chunks: Chunk<Value>[] = [];
  #size = 0;

  /** Number of entries. */
  get size(): number {
    return this.#size;
  }

  /** The value of a key, or undefined. */
  get(key: string): Value | undefined {
    const chunk = this.#chunks[this.#chunkOf(key)];
    if (chunk === undefined) return undefined;
    const at = lowerBound(chunk.keys, key);
    return chunk.keys[at] === key ? chunk.values[at] : undefined;
  }

  /** Sets the value of a key. */
  set(key: string, value: Value): void {
    const index = this.#chunkOf(key);
    const chunk = this.#chunks[index];
    if (chunk === undefined) {
      this.#chunks.push({ keys: [key], values: [value] });
      this.#size++;
      return;
    }
    const at = lowerBound(chunk.keys, key);
    if (chunk.keys[at] === key) {
      chunk.values[at] = value;
      return;
    }
    chunk.keys.splice(at, 0, key);
    chunk.values.splice(at, 0, value);
    this.#size++;
    if (chunk.keys.length > CHUNK_MAX) this.#split(index, chunk, at);
  }

  /** Removes a key, if it is there. */
  delete(key: string): void {
    const index = this.#chunkOf(key);
    const chunk = this.#chunks[index];
    if (chunk === undefined) return;
    const at = lowerBound(chunk.keys, key);
    if (chunk.keys[at] !== key) return;
    chunk.keys.splice(at, 1);
    chunk.values.splice(at, 1);
    this.#size--;
    if (chunk.keys.length === 0) this.#chunks.splice(index, 1);
  }

  /** The entries after `key` in order, or all; the map must not change meanwhile. */
  *after(key?: string): Generator<readonly [string, Value], void, undefined> {
    let index = key === undefined ? 0 : this.#chunkOf(key);
    const first = this.#chunks[index];
    let at = first === undefined || key === undefined ? 0 : lowerBound(first.keys, key);
    if (first !== undefined && first.keys[at] === key) at++;
    for (; index < this.#chunks.length; index++, at = 0) {
      const { keys, values } = this.#chunks[index]!;
      for (; at < keys.length; at++) yield [keys[at]!, values[at]!];
    }
  }

  /** Index of the chunk that a key is in, or belongs into. */
  #chunkOf(key: string): number {
    let low = 0;
    let high = this.#chunks.length - 1;
    // The last chunk whose first key is not above the key; the first one if there is no such chunk.
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (this.#chunks[middle]!.keys[0]! <= key) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** Splits in the middle, or behind a key that was appended: keys that come in order fill their chunks. */
  #split(index: number, { keys, values }: Chunk<Value>, insertedAt: number): void {
    const at = insertedAt === keys.length - 1 ? insertedAt : keys.length >>> 1;
    const rest = { keys: keys.splice(at), values: values.splice(at) };
    this.#chunks.splice(index + 1, 0, rest);
  }
}

/** Index of the first key that is not below `key`. */
function lowerBound(keys: readonly string[], key: string): number {
  const last = keys.length - 1;
  if (last >= 0 && keys[last]! < key) return keys.length;
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (keys[middle]! < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
