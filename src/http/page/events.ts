// The events of the broker: connects, notices a broker that does not respond, and reports that the page reads them.
// Leaves to others: what they say (model.ts), and requests (api.ts).
import { askSession, post } from "./api.js";
import type { Overview, Tick } from "./wire.js";

/** How often a page reports that it reads its events. A page that does not is disconnected after a minute. */
const SAY_MS = 15_000;

/**
 * A broker that sends nothing for this long does not respond, though its connection is open, in milliseconds: it says
 * something every second, and every 5 s if it is very busy.
 */
const UNHEARD_MS_MAX = 12_000;

/** How long a page must be hidden until it stops listening, in milliseconds. */
const HIDDEN_MS = 2000;

/** Time until a broker is asked again that refused to be listened to, in milliseconds. */
const RETRY_MS = 2000;

/** Takes the events, and learns of breaks. */
interface Listener {
  overview(overview: Overview): void;
  tick(tick: Tick): void;
  connected(isConnected: boolean): void;
}

/**
 * Listens while the page can be seen. The browser reconnects by itself after a break. A hidden page listens to nothing: it
 * costs the broker nothing, and a browser has only six connections for all pages of a broker.
 */
export function listen(listener: Listener): void {
  const feed = new Feed(listener);
  feed.open();
  let hidden: ReturnType<typeof setTimeout> | undefined;
  document.addEventListener("visibilitychange", () => {
    clearTimeout(hidden);
    if (document.hidden) hidden = setTimeout(() => feed.close(), HIDDEN_MS);
    else feed.open();
  });
}

class Feed {
  readonly #listener: Listener;
  #source: EventSource | undefined;
  #page = "";
  #saidMs = 0;
  #isHeard = false;
  #silence: ReturnType<typeof setTimeout> | undefined;
  #again: ReturnType<typeof setTimeout> | undefined;

  constructor(listener: Listener) {
    this.#listener = listener;
  }

  open(): void {
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
      this.close();
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
    clearTimeout(this.#silence);
    clearTimeout(this.#again);
    this.#source?.close();
    this.#source = undefined;
  }

  /** Listens again, in the session that there is now. */
  async #reopen(): Promise<void> {
    await askSession().catch(() => undefined);
    if (!document.hidden) this.open();
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
    post(`/api/events/${this.#page}`).catch(() => {});
  }
}
