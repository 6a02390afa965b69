// The stream of the broker's events: connects, notices a broker that does not respond, and reports that somebody reads them.
// Runs on a page or in the worker of all pages, so it knows no document.
// Leaves to others: who listens (events.ts, shared-feed.ts), and what the events say (model.ts).
import type { Overview, SessionState, Tick } from "./wire.js";

/** How often the broker is told that its events are read. Without that it ends the stream after a minute. */
const SAY_MS = 15_000;

/**
 * A broker that sends nothing for this long does not respond, though its connection is open, in milliseconds: it says
 * something every second, and every 5 s if it is very busy.
 */
export const UNHEARD_MS_MAX = 12_000;

/** Time until a broker is asked again that refused to be listened to, in milliseconds. */
const RETRY_MS = 2000;

/** Takes the events, and learns of breaks. */
export interface FeedListener {
  overview(overview: Overview): void;
  tick(tick: Tick): void;
  connected(isConnected: boolean): void;
  /** The session has ended: only a login leads to more events. */
  ended(): void;
}

export class Feed {
  readonly #listener: FeedListener;
  #source: EventSource | undefined;
  #isOpen = false;
  #page = "";
  #saidMs = 0;
  #isHeard = false;
  #silence: ReturnType<typeof setTimeout> | undefined;
  #again: ReturnType<typeof setTimeout> | undefined;

  constructor(listener: FeedListener) {
    this.#listener = listener;
  }

  /** The browser reconnects by itself after a break. */
  open(): void {
    this.#isOpen = true;
    if (this.#source !== undefined) return;
    clearTimeout(this.#again);
    const source = new EventSource("/api/events");
    this.#source = source;
    this.#page = "";
    source.addEventListener("open", () => this.#heard());
    source.addEventListener("error", () => {
      this.#lost();
      // The browser does not retry after an error response, as from a broker that is just starting.
      if (source.readyState !== EventSource.CLOSED) return;
      this.#source = undefined;
      this.#again = setTimeout(() => void this.#reopen(), RETRY_MS);
    });
    source.addEventListener("overview", ({ data }: MessageEvent<string>) => {
      this.#heard();
      const overview = JSON.parse(data) as Overview;
      if (this.#page !== overview.page) this.#saidMs = performance.now();
      this.#page = overview.page;
      this.#listener.overview(overview);
    });
    source.addEventListener("tick", ({ data }: MessageEvent<string>) => {
      this.#heard();
      this.#listener.tick(JSON.parse(data) as Tick);
      this.#sayThatItReads();
    });
  }

  close(): void {
    this.#isOpen = false;
    this.#isHeard = false;
    clearTimeout(this.#silence);
    clearTimeout(this.#again);
    this.#source?.close();
    this.#source = undefined;
  }

  async #reopen(): Promise<void> {
    const response = await fetch("/api/session").catch(() => undefined);
    // Closed meanwhile, or opened anew: perhaps in another session, of which this answer says nothing.
    if (!this.#isOpen || this.#source !== undefined) return;
    if (response?.status === 401) this.#listener.ended();
    this.open();
  }

  #heard(): void {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.#lost(), UNHEARD_MS_MAX);
    if (this.#isHeard) return;
    this.#isHeard = true;
    this.#listener.connected(true);
  }

  #lost(): void {
    clearTimeout(this.#silence);
    this.#isHeard = false;
    this.#listener.connected(false);
  }

  /** Driven by events, because timers of a background page hardly run. */
  #sayThatItReads(): void {
    if (this.#page === "" || performance.now() - this.#saidMs < SAY_MS) return;
    this.#saidMs = performance.now();
    sayThatItReads(this.#page).catch(() => {});
  }
}

/** The token is that of the current session: in another tab somebody may have logged in anew. */
async function sayThatItReads(page: string): Promise<void> {
  const { csrfToken } = (await (await fetch("/api/session")).json()) as SessionState;
  const headers: Record<string, string> = csrfToken === null ? {} : { "x-csrf-token": csrfToken };
  await fetch(`/api/events/${page}`, { method: "POST", headers });
}
