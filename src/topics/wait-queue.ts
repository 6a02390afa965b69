// Who waits for a number that only grows, in the order of what each waits for: waking costs nothing for those whose
// number is not reached. Leaves to others: what the numbers are (partition.ts).
//
// A binary heap: the smallest number first, and no entry above one with a smaller number. Each entry knows its
// place, because most waits end by a timer or with their connection.

interface Waiting {
  readonly number: number;
  readonly wake: () => void;
  /** Its place in the heap; NOWHERE once it was taken out. */
  place: number;
  isCancelled: boolean;
}

const NOWHERE = -1;

/** Entries that `reach` takes from the heap one by one. */
const REMOVED_ONE_BY_ONE_MAX = 100;

/** Listeners by the number that each waits for. */
export class WaitQueue {
  readonly #heap: Waiting[] = [];

  get size(): number {
    return this.#heap.length;
  }

  /** Calls `wake` once, when `number` is reached. Returns the function that ends this. */
  add(number: number, wake: () => void): () => void {
    const waiting = { number, wake, place: this.#heap.length, isCancelled: false };
    this.#heap.push(waiting);
    this.#rise(waiting);
    return () => {
      waiting.isCancelled = true;
      if (waiting.place !== NOWHERE) this.#remove(waiting);
    };
  }

  /** Wakes all that wait for `reached` or less; not those that one of them adds. */
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

  /** Removes all that wait for `reached` or less, in one pass: for very many, the heap takes longer. */
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
