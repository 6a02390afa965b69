// A live tail: asks for the newest records whenever there are some, one question at a time and not too often. What comes faster
// than it is asked for is counted and not shown, so neither the broker nor the page keeps it. Nothing runs while it is stopped.
// Leaves to others: when there may be new records (records-view.ts), and showing them (record-list.ts).
import { isPassing } from "../api.js";
import { askRecords } from "./record-api.js";
import type { RecordRows } from "./record-wire.js";
import type { RecordsQuery } from "./records-place.js";

/** Time between two questions, at least; and at most, in case no event tells of new records. In milliseconds. */
const POLL_MS_MIN = 250;
const POLL_MS_MAX = 2_000;

interface RecordTailEvents {
  arrived(rows: RecordRows): void;
  /** It has begun, or ceased, to wait for a broker that does not answer. */
  waits(): void;
  /** It has stopped. */
  failed(error: unknown): void;
}

export class RecordTail {
  readonly #events: RecordTailEvents;
  #cancel: AbortController | undefined;
  #wake: (() => void) | undefined;
  #hasNews = false;
  #waitsFor: unknown;

  constructor(events: RecordTailEvents) {
    this.#events = events;
  }

  /** Why the last question had no answer, if that is known to pass. */
  get waitsFor(): unknown {
    return this.#waitsFor;
  }

  #say(waitsFor: unknown): void {
    if ((this.#waitsFor === undefined) === (waitsFor === undefined)) return;
    this.#waitsFor = waitsFor;
    this.#events.waits();
  }

  get isRunning(): boolean {
    return this.#cancel !== undefined;
  }

  /** Begins after what was read so far. */
  start(topic: string, query: RecordsQuery, after: string): void {
    this.stop();
    const cancel = new AbortController();
    this.#cancel = cancel;
    void this.#run(topic, query, after, cancel.signal);
  }

  stop(): void {
    this.#cancel?.abort();
    this.#cancel = undefined;
    this.#waitsFor = undefined;
    this.#wake?.();
  }

  /** There may be new records. */
  news(): void {
    this.#hasNews = true;
    this.#wake?.();
  }

  async #run(
    topic: string,
    query: RecordsQuery,
    after: string,
    signal: AbortSignal,
  ): Promise<void> {
    let from = after;
    while (!signal.aborted) {
      await this.#rest();
      if (signal.aborted || document.hidden) continue;
      this.#hasNews = false;
      try {
        const rows = await askRecords(topic, { ...query, from, dir: "older" }, signal);
        if (signal.aborted) return;
        from = rows.to;
        this.#say(undefined);
        if (rows.items.length > 0 || rows.offsetsLeft > 0) this.#events.arrived(rows);
      } catch (error) {
        if (signal.aborted) return;
        // The next question begins where the last answer ended, also after a restart of the broker.
        if (isPassing(error)) this.#say(error);
        else {
          this.stop();
          this.#events.failed(error);
        }
      }
    }
  }

  /** Waits for news, but not for ever, and not for too short. */
  async #rest(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, POLL_MS_MIN));
    if (this.#hasNews && !document.hidden) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, POLL_MS_MAX - POLL_MS_MIN);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = undefined;
  }
}
