// Long work in portions, between which other requests get a turn.
import type { Turns } from "../../../net/turns.js";

/** Cheap items in a portion. */
const ITEMS = 1_000;

export class Portions {
  readonly #turns: Pick<Turns, "nextPortion">;
  #left = ITEMS;

  constructor(turns: Pick<Turns, "nextPortion">) {
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
