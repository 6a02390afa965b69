// One stream of events for all pages of a browser, which has only six connections for all of them. Runs in a worker that
// the pages share. It keeps the newest state, so a page that comes later gets all of it first, and then the changes.
// A page that does not read is sent nothing: what has changed is noted, and sent in its newest state when the page reads again.
// Leaves to others: the stream (feed.ts), the worker (events-worker.ts), and the page's side (events.ts).
import type { Feed, FeedListener } from "./feed.js";
import type { GroupsState, Overview, PartitionState, Tick, Totals } from "./wire.js";

/** What a page says. */
export type FromPage =
  | {
      readonly kind: "listen";
      /** The token of its session. */
      readonly session: string | null;
    }
  /** It has read a message. */
  | { readonly kind: "read" }
  | { readonly kind: "leave" };

/** What a page is told. */
export type ToPage =
  | { readonly kind: "overview"; readonly overview: Overview }
  | { readonly kind: "tick"; readonly tick: Tick }
  | { readonly kind: "connected"; readonly isConnected: boolean }
  /** Shows that the worker is there. */
  | { readonly kind: "here" }
  | { readonly kind: "ended" };

/** Messages that a page may have unread. */
const UNREAD_MAX = 4;

const TICK_PARTITIONS_MAX = 500;

/** How often each page hears something, also while the broker is away, in milliseconds. */
const HERE_MS = 4000;

/** A page that reads nothing for this long is gone: its tab has crashed or is frozen. In milliseconds. */
const UNREAD_MS_MAX = 60_000;

type FeedPort = Pick<MessagePort, "postMessage">;

interface SharedFeedOptions {
  readonly nowMs?: () => number;
}

interface Page {
  readonly port: FeedPort;
  unread: number;
  readMs: number;
  /** What it was told last; undefined if nothing yet. */
  isConnected: boolean | undefined;
  isOverviewDue: boolean;
  isTickDue: boolean;
  areGroupsDue: boolean;
  isHereDue: boolean;
  hasEnded: boolean;
  /** Partitions whose newest state is due, by key. */
  readonly due: Set<string>;
}

export class SharedFeed implements FeedListener {
  readonly #feed: Pick<Feed, "open" | "close">;
  readonly #nowMs: () => number;
  readonly #pages = new Map<FeedPort, Page>();
  readonly #partitions = new Map<string, PartitionState>();
  #overview: Overview | undefined;
  #totals: Totals | undefined;
  #groups: GroupsState | undefined;
  #isConnected: boolean | undefined;
  #session: string | null = null;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(
    feedFor: (listener: FeedListener) => Pick<Feed, "open" | "close">,
    { nowMs = () => performance.now() }: SharedFeedOptions = {},
  ) {
    this.#feed = feedFor(this);
    this.#nowMs = nowMs;
  }

  /** Takes what a page says through its port. */
  take(port: FeedPort, message: FromPage): void {
    if (message.kind === "listen") this.#listen(port, message.session);
    else if (message.kind === "leave") this.#leave(port);
    else this.#read(port);
  }

  overview(overview: Overview): void {
    // A new stream tells everything again.
    if (overview.page !== this.#overview?.page) this.#forget();
    const ids = new Map(overview.topics.map(({ name, id }) => [name, id]));
    const before = new Map(this.#overview?.topics.map(({ name, id }) => [name, id]));
    for (const [key, { topic }] of this.#partitions) {
      if (ids.get(topic) !== before.get(topic)) this.#partitions.delete(key);
    }
    this.#overview = overview;
    this.#totals = overview.totals;
    for (const page of this.#pages.values()) {
      page.isOverviewDue = true;
      this.#send(page);
    }
  }

  tick({ partitions, totals, groups }: Tick): void {
    this.#totals = totals;
    if (groups !== undefined) this.#groups = groups;
    const keys = partitions.map((state) => {
      const key = `${state.topic} ${state.partition}`;
      this.#partitions.set(key, state);
      return key;
    });
    for (const page of this.#pages.values()) {
      page.isTickDue = true;
      if (groups !== undefined) page.areGroupsDue = true;
      for (const key of keys) page.due.add(key);
      this.#send(page);
    }
  }

  connected(isConnected: boolean): void {
    this.#isConnected = isConnected;
    for (const page of this.#pages.values()) this.#send(page);
  }

  ended(): void {
    this.#forget();
    for (const page of this.#pages.values()) {
      page.hasEnded = true;
      this.#send(page);
    }
  }

  /** Pages hear that the worker is there. Those that don't read any more are gone. */
  look(): void {
    for (const page of [...this.#pages.values()]) {
      if (page.unread > 0 && this.#nowMs() - page.readMs > UNREAD_MS_MAX) {
        this.#leave(page.port);
        continue;
      }
      page.isHereDue = true;
      this.#send(page);
    }
  }

  #listen(port: FeedPort, session: string | null): void {
    const isFirst = this.#pages.size === 0;
    // What is known may not be for who has logged in since.
    if (!isFirst && session !== this.#session) this.#stop();
    this.#session = session;
    const page: Page = {
      ...{ port, unread: 0, readMs: this.#nowMs(), isConnected: undefined, hasEnded: false },
      ...{ isOverviewDue: true, isTickDue: false, isHereDue: true },
      areGroupsDue: this.#groups !== undefined,
      due: new Set(this.#partitions.keys()),
    };
    this.#pages.set(port, page);
    this.#timer ??= setInterval(() => this.look(), HERE_MS);
    this.#feed.open();
    this.#send(page);
  }

  #leave(port: FeedPort): void {
    if (!this.#pages.delete(port) || this.#pages.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#stop();
  }

  #read(port: FeedPort): void {
    const page = this.#pages.get(port);
    if (page === undefined) {
      // It was taken for gone, but was only frozen.
      this.#listen(port, this.#session);
      return;
    }
    page.unread = Math.max(0, page.unread - 1);
    page.readMs = this.#nowMs();
    this.#send(page);
  }

  #stop(): void {
    this.#feed.close();
    this.#isConnected = undefined;
    this.#forget();
  }

  #forget(): void {
    this.#overview = undefined;
    this.#totals = undefined;
    this.#groups = undefined;
    this.#partitions.clear();
    for (const page of this.#pages.values()) {
      page.due.clear();
      page.areGroupsDue = false;
    }
  }

  #send(page: Page): void {
    while (page.unread < UNREAD_MAX) {
      const message = this.#next(page);
      if (message === undefined) return;
      // Time counts from the first one that is unread.
      if (page.unread === 0) page.readMs = this.#nowMs();
      page.unread++;
      page.port.postMessage(message);
    }
  }

  #next(page: Page): ToPage | undefined {
    if (page.hasEnded) {
      page.hasEnded = false;
      return { kind: "ended" };
    }
    if (this.#isConnected !== undefined && page.isConnected !== this.#isConnected) {
      page.isConnected = this.#isConnected;
      page.isHereDue = false;
      return { kind: "connected", isConnected: this.#isConnected };
    }
    if (this.#overview !== undefined && this.#totals !== undefined) {
      if (page.isOverviewDue) {
        page.isOverviewDue = false;
        return { kind: "overview", overview: { ...this.#overview, totals: this.#totals } };
      }
      if (page.isTickDue || page.due.size > 0 || page.areGroupsDue) {
        page.isHereDue = false;
        return { kind: "tick", tick: this.#tickFor(page, this.#totals) };
      }
    }
    if (!page.isHereDue) return undefined;
    page.isHereDue = false;
    return { kind: "here" };
  }

  #tickFor(page: Page, totals: Totals): Tick {
    const partitions: PartitionState[] = [];
    for (const key of page.due) {
      if (partitions.length >= TICK_PARTITIONS_MAX) break;
      page.due.delete(key);
      const state = this.#partitions.get(key);
      if (state !== undefined) partitions.push(state);
    }
    const groups = page.areGroupsDue ? this.#groups : undefined;
    page.areGroupsDue = false;
    page.isTickDue = false;
    return { totals, partitions, ...(groups === undefined ? {} : { groups }) };
  }
}
