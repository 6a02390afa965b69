// Listeners that wait for a growing number to reach a value. Waking costs nothing for listeners whose value is not
// reached. Leaves to others: the meaning of the numbers (partition.ts).
//
// A binary heap with the smallest number at the top. Entries know their place, because most waits end by a timer or
// with their connection.

interface Waiting {
  readonly number: number;
  readonly wake: () => void;
  /** Index in the heap, or NOWHERE once removed. */
  place: number;
  isCancelled: boolean;
}

const NOWHERE = -1;

/** Entries that `reach` removes from the heap one by one. */
const REMOVED_ONE_BY_ONE_MAX = 100;

/** Listeners, each waiting for a number. */
export class WaitQueue {
  readonly #heap: Waiting[] = [];

  get size(): number {
    return this.#heap.length;
  }

  /** Calls `wake` once when `number` is reached. Returns a function that cancels. */
  add(number: number, wake: () => void): () => void {
    const waiting = { number, wake, place: this.#heap.length, isCancelled: false };
    this.#heap.push(waiting);
    this.#rise(waiting);
    return () => {
      waiting.isCancelled = true;
      if (waiting.place !== NOWHERE) this.#remove(waiting);
    };
  }

  /** Wakes every listener that waits for `reached` or less, except those added meanwhile. */
  reach(reached: number): void {
    const due: Waiting[] = [];
    for (let first = this.#heap[0]; first !== undefined; first = this.#heap[0]) {
      if (first.number > reached) break;
      if (due.length === REMOVED_ONE_BY_ONE_MAX) {
        for (const waiting of this.#removeAll(reached)) due.push(waiting);
        break;
      }
      this.#remove(first);
      due.push(first);
    }
    for (const waiting of due) if (!waiting.isCancelled) waiting.wake();
  }

  /** Removes every listener that waits for `reached` or less in one pass: for many entries the heap is slower. */
  #removeAll(reached: number): Waiting[] {
    const all = this.#heap.splice(0);
    const due: Waiting[] = [];
    for (const waiting of all) {
      if (waiting.number <= reached) {
        waiting.place = NOWHERE;
        due.push(waiting);
      } else {
        waiting.place = this.#heap.length;
        this.#heap.push(waiting);
        this.#rise(waiting);
      }
    }
    return due.sort((a, b) => a.number - b.number);
  }

  #remove(waiting: Waiting): void {
    const { place } = waiting;
    const last = this.#heap.pop();
    waiting.place = NOWHERE;
    if (last === undefined || last === waiting) return;
    this.#put(last, place);
    this.#rise(last);
    this.#sink(last);
  }

  #rise(waiting: Waiting): void {
    for (;;) {
      const above = this.#heap[(waiting.place - 1) >> 1];
      if (waiting.place === 0 || above === undefined || above.number <= waiting.number) return;
      this.#swap(above, waiting);
    }
  }

  #sink(waiting: Waiting): void {
    for (;;) {
      const [left, right] = [this.#heap[2 * waiting.place + 1], this.#heap[2 * waiting.place + 2]];
      const below =
        right !== undefined && left !== undefined && right.number < left.number ? right : left;
      if (below === undefined || below.number >= waiting.number) return;
      this.#swap(waiting, below);
    }
  }

  #swap(a: Waiting, b: Waiting): void {
    const place = a.place;
    this.#put(a, b.place);
    this.#put(b, place);
  }

  #put(waiting: Waiting, place: number): void {
    this.#heap[place] = waiting;
    waiting.place = place;
  }
}
