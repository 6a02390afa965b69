// The first items of several partitions in the order of a merge by time: of each partition in the order of its offsets, and of
// all partitions the one whose next item is the oldest. Read backwards, the same from the other end.
// Leaves to others: reading the partitions (partition-walk.ts).
//
// An item's key is the largest timestamp up to it in its partition (backwards: the smallest, negated), so that keys ascend
// within a partition although timestamps may not. Memory: as many items as are wanted.
import { firstNotBefore } from "../../binary-search.js";

/** The order of an item. */
interface ItemOrder {
  readonly key: number;
  readonly partition: number;
  /** Place in the partition; ascends in the direction of the merge. */
  readonly place: number;
}

/** An item and its order. */
export interface Selected<Item> extends ItemOrder {
  readonly item: Item;
}

export class Selection<Item> {
  readonly limit: number;
  readonly #items: Selected<Item>[] = [];

  /** Keeps the first `limit` items. */
  constructor(limit: number) {
    this.limit = limit;
  }

  /** The first items of all that were offered, in order. */
  get items(): readonly Selected<Item>[] {
    return this.#items;
  }

  /** Whether an item is known not to be among the first. */
  refuses(order: ItemOrder): boolean {
    const last = this.#items.at(-1);
    return this.#items.length >= this.limit && last !== undefined && compare(order, last) > 0;
  }

  /** Whether no item with this key or a later one can be among the first. */
  isBehind(key: number): boolean {
    const last = this.#items.at(-1);
    return this.#items.length >= this.limit && last !== undefined && key > last.key;
  }

  /** Adds an item, and returns one that is not among the first: the new one, or another; undefined if all are. */
  offer(selected: Selected<Item>): Selected<Item> | undefined {
    const isBefore = (i: number): boolean => compare(this.#items[i]!, selected) < 0;
    const at = firstNotBefore(this.#items.length, isBefore);
    this.#items.splice(at, 0, selected);
    return this.#items.length > this.limit ? this.#items.pop() : undefined;
  }
}

function compare(a: ItemOrder, b: ItemOrder): number {
  if (a.key !== b.key) return a.key < b.key ? -1 : 1;
  return a.partition - b.partition || a.place - b.place;
}
