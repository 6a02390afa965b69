// The time of a call, read from the system once for a few calls: reading it costs half of encoding a record.
// Leaves to others: times that are measured with (performance.now).

/** Calls that share a reading, at most. */
const CALLS_MAX = 8;

/** A clock for calls that come in great numbers. */
export class CallClock {
  #ms = 0;
  #callsLeft = 0;
  #isExpiring = false;

  /** Milliseconds since 1970, of this call or of one of the 7 before it in the same turn of the event loop. */
  now(): number {
    if (this.#callsLeft === 0) this.#read();
    this.#callsLeft -= 1;
    return this.#ms;
  }

  #read(): void {
    this.#ms = Date.now();
    this.#callsLeft = CALLS_MAX;
    if (this.#isExpiring) return;
    this.#isExpiring = true;
    setImmediate(() => {
      this.#isExpiring = false;
      this.#callsLeft = 0;
    });
  }
}
