// Splits work over many files or partitions into small portions, so that other clients are served in between.

/** Resolves in a later turn of the event loop, after sockets and timers. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Waits for a later turn of the event loop after every `portion` items. */
export class Portions {
  readonly #portion: number;
  #done = 0;

  constructor(portion: number) {
    this.#portion = portion;
  }

  /** Must be awaited after each item, or before a piece of work as large as some. */
  next(items = 1): Promise<void> | undefined {
    this.#done += items;
    if (this.#done < this.#portion) return undefined;
    this.#done = 0;
    return nextTurn();
  }
}

/** Items sorted at once, and merged in one turn of the event loop. */
const SORTED_PER_TURN = 1_000;

/** Sorts in several turns of the event loop. Equal items keep their order. Returns the items, or a copy. */
export async function sortInPortions<Item>(
  items: Item[],
  compare: (a: Item, b: Item) => number,
): Promise<Item[]> {
  if (items.length <= SORTED_PER_TURN) return items.sort(compare);
  const portions = new Portions(SORTED_PER_TURN);
  let runs: Item[][] = [];
  for (let from = 0; from < items.length; from += SORTED_PER_TURN) {
    runs.push(items.slice(from, from + SORTED_PER_TURN).sort(compare));
    await portions.next(SORTED_PER_TURN);
  }
  while (runs.length > 1) {
    const merged: Item[][] = [];
    for (let i = 0; i < runs.length; i += 2) {
      merged.push(await mergedRuns(runs[i]!, runs[i + 1] ?? [], compare, portions));
    }
    runs = merged;
  }
  return runs[0] ?? [];
}

async function mergedRuns<Item>(
  left: readonly Item[],
  right: readonly Item[],
  compare: (a: Item, b: Item) => number,
  portions: Portions,
): Promise<Item[]> {
  const merged: Item[] = [];
  for (let l = 0, r = 0; l < left.length || r < right.length;) {
    const isLeft = r >= right.length || (l < left.length && compare(left[l]!, right[r]!) <= 0);
    merged.push(isLeft ? left[l++]! : right[r++]!);
    const turn = portions.next();
    if (turn !== undefined) await turn;
  }
  return merged;
}

/** A number of items per turn of the event loop, shared by several pieces of work. */
export class TurnBudget {
  readonly #itemsPerTurn: number;
  #left: number;
  readonly #waiting: (() => void)[] = [];
  #isScheduled = false;

  constructor(itemsPerTurn: number) {
    this.#itemsPerTurn = itemsPerTurn;
    this.#left = itemsPerTurn;
  }

  /** Must be awaited before each item. Waits for a later turn if this turn's items are used up. */
  next(): Promise<void> | undefined {
    if (!this.#isScheduled) {
      this.#isScheduled = true;
      setImmediate(() => this.#renew());
    }
    if (this.#left > 0) {
      this.#left--;
      return undefined;
    }
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #renew(): void {
    const due = this.#waiting.splice(0, this.#itemsPerTurn);
    this.#left = this.#itemsPerTurn - due.length;
    this.#isScheduled = this.#waiting.length > 0;
    if (this.#isScheduled) setImmediate(() => this.#renew());
    for (const resolve of due) resolve();
  }
}
