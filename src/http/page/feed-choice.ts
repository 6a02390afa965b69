// The page's side of the stream that all pages of a browser share. Where there is no worker, or it does not work, the page
// has a stream of its own.
// Leaves to others: the worker's side (shared-feed.ts), the stream (feed.ts), and when to listen (events.ts).
import { type Feed, type FeedListener, UNHEARD_MS_MAX } from "./feed.js";
import type { FromPage, ToPage } from "./shared-feed.js";

/** The way to the worker. */
export interface WorkerPort {
  say(message: FromPage): void;
  close(): void;
}

/** Makes a way to the worker; undefined where browsers have none. Throws if it is forbidden, and calls `failed` if it can't be started. */
type Connect = (take: (message: ToPage) => void, failed: () => void) => WorkerPort | undefined;

export class FeedChoice {
  readonly #listener: FeedListener;
  readonly #session: string | null;
  readonly #connect: Connect;
  /** For a page by itself. */
  readonly #own: Pick<Feed, "open" | "close">;
  #port: WorkerPort | undefined;
  #hasWorker = true;
  #isOpen = false;
  #silence: ReturnType<typeof setTimeout> | undefined;

  constructor(
    listener: FeedListener,
    session: string | null,
    connect: Connect,
    feedFor: (listener: FeedListener) => Pick<Feed, "open" | "close">,
  ) {
    this.#listener = listener;
    this.#session = session;
    this.#connect = connect;
    this.#own = feedFor(listener);
  }

  open(): void {
    if (this.#isOpen) return;
    this.#isOpen = true;
    if (this.#hasWorker) this.#port ??= this.#connected();
    if (this.#port === undefined) {
      this.#own.open();
      return;
    }
    this.#expect();
    this.#port.say({ kind: "listen", session: this.#session });
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    clearTimeout(this.#silence);
    this.#own.close();
    this.#port?.say({ kind: "leave" });
  }

  #connected(): WorkerPort | undefined {
    try {
      return this.#connect(
        (message) => this.#take(message),
        () => this.#fail(),
      );
    } catch {
      // A browser that keeps nothing of this site allows it no shared worker.
      return undefined;
    }
  }

  #take(message: ToPage): void {
    // A message that was under way when the page left.
    if (!this.#isOpen) return;
    this.#expect();
    try {
      this.#give(message);
    } finally {
      this.#port?.say({ kind: "read" });
    }
  }

  #give(message: ToPage): void {
    switch (message.kind) {
      case "overview":
        this.#listener.overview(message.overview);
        return;
      case "tick":
        this.#listener.tick(message.tick);
        return;
      case "connected":
        this.#listener.connected(message.isConnected);
        return;
      case "ended":
        this.#listener.ended();
        return;
      case "here":
    }
  }

  /** The worker says something every few seconds, also while the broker does not respond. */
  #expect(): void {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.#listenAlone(), UNHEARD_MS_MAX);
  }

  /** The worker can't be started: it is not tried again. */
  #fail(): void {
    this.#hasWorker = false;
    this.#listenAlone();
  }

  #listenAlone(): void {
    clearTimeout(this.#silence);
    this.#port?.say({ kind: "leave" });
    this.#port?.close();
    this.#port = undefined;
    if (this.#isOpen) this.#own.open();
  }
}
