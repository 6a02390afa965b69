// Which pages are sent their next event: those that have room for one, in order, for a short time in each turn of the
// event loop. Leaves to others: the event (page-stream.ts).

/** Time for the events of all pages in one turn, in milliseconds. */
const TURN_MS = 2;

/** A page that may have an event. */
export interface PageTurnTaker {
  /** Sends the next event, and waits for another turn if there are more. */
  sendNext(): void;
}

/** The pages that wait to be sent something. */
export class PageTurns {
  readonly #waiting = new Set<PageTurnTaker>();
  #isScheduled = false;

  /** Has the page sent its next event, in a later turn of the event loop. */
  add(page: PageTurnTaker): void {
    this.#waiting.add(page);
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => this.#run());
  }

  #run(): void {
    const endMs = performance.now() + TURN_MS;
    for (const page of this.#waiting) {
      this.#waiting.delete(page);
      page.sendNext();
      if (performance.now() > endMs) break;
    }
    this.#isScheduled = false;
    const [next] = this.#waiting;
    if (next !== undefined) this.add(next);
  }
}
