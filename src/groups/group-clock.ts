// The clock of the groups, and deadlines on it. Tests drive a clock of their own.

export interface GroupClock {
  /** Milliseconds on a clock that never goes back. */
  now(): number;
  /** Milliseconds since the epoch. */
  time(): number;
  /** Calls `call` once, after so many milliseconds. Returns a function that cancels the call. */
  after(ms: number, call: () => void): () => void;
}

export const REAL_CLOCK: GroupClock = {
  now: () => performance.now(),
  time: Date.now,
  after: (ms, call) => {
    const timer = setTimeout(call, ms);
    return () => clearTimeout(timer);
  },
};

/**
 * A timer this late was not late alone: the whole process stood still, and what members sent in time may still be
 * unread. So it waits once more, for this long.
 */
const LATE_MS = 1_000;

/**
 * Calls once when a time is reached. Moving the time further away, as every heartbeat does, only sets a number: the
 * timer that is already running starts another one if it fires too early.
 */
export class Deadline {
  readonly #clock: GroupClock;
  readonly #call: () => void;
  #at: number | undefined;
  #cancel: (() => void) | undefined;
  #firesAt = 0;

  constructor(clock: GroupClock, call: () => void) {
    this.#clock = clock;
    this.#call = call;
  }

  /** Sets the time, from now on, and replaces an earlier one. */
  set(ms: number): void {
    const at = this.#clock.now() + ms;
    this.#at = at;
    if (this.#cancel !== undefined) {
      if (this.#firesAt <= at) return;
      this.#cancel();
    }
    this.#start(at, ms);
  }

  clear(): void {
    this.#at = undefined;
    this.#cancel?.();
    this.#cancel = undefined;
  }

  /** Time until it is reached, in milliseconds. */
  get leftMs(): number {
    return this.#at === undefined ? 0 : this.#at - this.#clock.now();
  }

  #start(at: number, ms: number): void {
    this.#firesAt = at;
    this.#cancel = this.#clock.after(ms, () => this.#fired());
  }

  #fired(): void {
    this.#cancel = undefined;
    const at = this.#at ?? 0;
    const now = this.#clock.now();
    if (now < at) {
      this.#start(at, at - now);
      return;
    }
    if (now - this.#firesAt > LATE_MS) {
      this.#at = now + LATE_MS;
      this.#start(this.#at, LATE_MS);
      return;
    }
    this.#at = undefined;
    this.#call();
  }
}

/** After a deadline, what members have sent in time may still be unread, if the process stood still. */
export const UNREAD_MS = 100;

/** A deadline of a member, which is a little longer if it is missed. */
export class MemberDeadline {
  readonly #deadline: Deadline;
  #isMissed = false;
  #isSet = false;
  #ms = 0;

  constructor(clock: GroupClock, call: () => void) {
    this.#deadline = new Deadline(clock, () => {
      if (this.#isMissed) {
        this.#isSet = false;
        call();
        return;
      }
      this.#isMissed = true;
      this.#deadline.set(UNREAD_MS);
    });
  }

  set(ms: number): void {
    this.#isMissed = false;
    this.#isSet = true;
    this.#ms = ms;
    this.#deadline.set(ms);
  }

  /** Time since it was set, in milliseconds; 0 if it is not set. */
  get sinceMs(): number {
    return this.#isSet ? this.#ms - this.#deadline.leftMs : 0;
  }

  /** Sets it unless it is set. */
  begin(ms: number): void {
    if (!this.#isSet) this.set(ms);
  }

  clear(): void {
    this.#isMissed = false;
    this.#isSet = false;
    this.#deadline.clear();
  }
}
