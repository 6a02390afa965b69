// Counts things by a name: connections by address or user. Leaves to others: limits (listener.ts).
export class Tally<Thing> {
  readonly #names = new Map<Thing, string>();
  readonly #counts = new Map<string, number>();

  count(name: string): number {
    return this.#counts.get(name) ?? 0;
  }

  add(name: string, thing: Thing): void {
    this.#names.set(thing, name);
    this.#counts.set(name, this.count(name) + 1);
  }

  /** Does nothing if it was not added. */
  remove(thing: Thing): void {
    const name = this.#names.get(thing);
    if (name === undefined) return;
    this.#names.delete(thing);
    const left = this.count(name) - 1;
    if (left > 0) this.#counts.set(name, left);
    else this.#counts.delete(name);
  }
}
