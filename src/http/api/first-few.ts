// The first few of many things in an order, without sorting all of them.

/** Keeps the first `count` of the things that were added. */
export class FirstFew<Thing> {
  readonly #count: number;
  readonly #compare: (a: Thing, b: Thing) => number;
  #kept: Thing[] = [];
  #last: Thing | undefined;

  constructor(count: number, compare: (a: Thing, b: Thing) => number) {
    this.#count = count;
    this.#compare = compare;
  }

  add(thing: Thing): void {
    if (this.#last !== undefined && this.#compare(thing, this.#last) >= 0) return;
    this.#kept.push(thing);
    if (this.#kept.length >= 2 * this.#count) this.#cut();
  }

  /** In their order. */
  take(): readonly Thing[] {
    this.#cut();
    return this.#kept;
  }

  #cut(): void {
    this.#kept = this.#kept.sort(this.#compare).slice(0, this.#count);
    if (this.#kept.length === this.#count) this.#last = this.#kept.at(-1);
  }
}
