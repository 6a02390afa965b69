// Schedules the events of pages: pages that can take one are served in order, for a limited time per turn of the event
// loop. Leaves to others: the event (page-stream.ts).

/** Time for the events of all pages per turn, in milliseconds. */
const TURN_MS = 2;

export interface PageTurnTaker {
  /** Sends the next event, and queues the page again if there are more. */
  sendNext(): void;
}

/** The pages waiting to be sent an event. */
export class PageTurns {
  readonly #waiting = new Set<PageTurnTaker>();
  #isScheduled = false;

  /** Lets the page send its next event in a later turn of the event loop. */
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
