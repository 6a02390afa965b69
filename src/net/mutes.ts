// The connections that are not read for some time because their clients have used more than their quotas.
// Leaves to others: for how long (the dialects), and not reading them (input.ts). One timer serves all of them.

/** Connections whose time ends within this many milliseconds are read again in one go. */
const TICK_MS = 5;

/** Longest delay of a timer. */
const SLEEP_MS_MAX = 60_000;

interface Muted {
  unmute(): void;
}

interface MutesOptions {
  readonly nowMs: () => number;
  /** Calls back once. Returns a function that cancels the call. */
  readonly after: (ms: number, call: () => void) => () => void;
}

export class Mutes<Connection extends Muted> {
  readonly #options: MutesOptions;
  /** By the tick in which their time ends. */
  readonly #ends = new Map<number, Set<Connection>>();
  readonly #ticks = new Map<Connection, number>();
  #timer: (() => void) | undefined;
  #timerTick = Number.POSITIVE_INFINITY;

  constructor(options: MutesOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#ticks.size;
  }

  /** Unmutes a connection at this time. Replaces an earlier time. */
  add(connection: Connection, untilMs: number): void {
    this.remove(connection);
    const tick = Math.ceil(untilMs / TICK_MS);
    let ends = this.#ends.get(tick);
    if (ends === undefined) {
      ends = new Set();
      this.#ends.set(tick, ends);
    }
    ends.add(connection);
    this.#ticks.set(connection, tick);
    if (tick < this.#timerTick) this.#schedule(tick);
  }

  /** Removes a connection without unmuting it. */
  remove(connection: Connection): void {
    const tick = this.#ticks.get(connection);
    if (tick === undefined) return;
    this.#ticks.delete(connection);
    const ends = this.#ends.get(tick)!;
    ends.delete(connection);
    if (ends.size === 0) this.#ends.delete(tick);
  }

  /** Unmutes all connections: the quotas have changed. */
  endAll(): void {
    for (const connection of [...this.#ticks.keys()]) this.#end(connection);
  }

  close(): void {
    this.#timer?.();
    this.#ends.clear();
    this.#ticks.clear();
  }

  #schedule(tick: number): void {
    this.#timer?.();
    this.#timerTick = tick;
    const delayMs = tick * TICK_MS - this.#options.nowMs();
    this.#timer = this.#options.after(Math.max(0, Math.min(delayMs, SLEEP_MS_MAX)), () =>
      this.#run(),
    );
  }

  #run(): void {
    this.#timer = undefined;
    this.#timerTick = Number.POSITIVE_INFINITY;
    const nowMs = this.#options.nowMs();
    for (const [tick, ends] of [...this.#ends]) {
      if (tick * TICK_MS <= nowMs) for (const connection of [...ends]) this.#end(connection);
    }
    let next = Number.POSITIVE_INFINITY;
    for (const tick of this.#ends.keys()) next = Math.min(next, tick);
    if (next < this.#timerTick) this.#schedule(next);
  }

  #end(connection: Connection): void {
    this.remove(connection);
    connection.unmute();
  }
}
