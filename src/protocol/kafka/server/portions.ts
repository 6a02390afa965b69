// Long work in portions, between which other requests get a turn.
import type { DialectConnection } from "../../../net/dialect.js";

/** Cheap items in a portion. */
const ITEMS = 1_000;

export class Portions {
  readonly #turns: DialectConnection["turns"];
  #left = ITEMS;

  constructor(turns: DialectConnection["turns"]) {
    this.#turns = turns;
  }

  /** Call after each item. `cost` is in cheap items: some microseconds each. */
  next(cost = 1): void | Promise<void> {
    this.#left -= cost;
    if (this.#left > 0) return;
    this.#left = ITEMS;
    return this.#turns.nextPortion();
  }
}
