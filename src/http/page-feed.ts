// The live side of the page: reads the broker's state a few times per second while a page is open, and sends the
// changes to all pages. Leaves to others: reading the state (broker-watch.ts), the stream of one page (page-stream.ts),
// and requests from a page (page-routes.ts).
import type { Broker } from "../broker/broker.js";
import { BrokerWatch } from "./broker-watch.js";
import { PageStream } from "./page-stream.js";
import { PageTurns } from "./page-turns.js";

const TICK_MS = 200;

/** Minimum time between two looks at the groups. */
const GROUPS_MS = 1000;

/** After a slow look, wait this many times its duration, up to a limit. */
const REST_FACTOR = 20;
const FEED_REST_MS_MAX = 5000;

/** A page that hears nothing for this long might conclude that the broker is gone. */
const SILENCE_MS_MAX = 1000;

const PAGES_MAX = 64;

/**
 * A page that has not reported for this long that it is reading is disconnected. Its connection does not show that:
 * unread events may sit in kernel buffers on both sides.
 */
const UNSEEN_MS_MAX = 60_000;

interface PageFeedOptions {
  /** The shortest time between two looks. */
  readonly tickMs?: number;
  readonly nowMs?: () => number;
}

export class PageFeed {
  readonly #watch: BrokerWatch;
  readonly #tickMs: number;
  readonly #turns = new PageTurns();
  readonly #pages = new Set<PageStream>();
  #isLooking = false;
  #timer: Timer | undefined;
  #groupsDueMs = 0;
  #beatDueMs = 0;
  readonly #nowMs: () => number;

  /** `flush` is the broker's flush policy as text. */
  constructor(broker: Broker, flush: string, options: PageFeedOptions = {}) {
    this.#watch = new BrokerWatch(broker, flush);
    this.#tickMs = options.tickMs ?? TICK_MS;
    this.#nowMs = options.nowMs ?? (() => performance.now());
  }

  get pages(): number {
    return this.#pages.size;
  }

  /** Opens a stream of events for a page. Calls `onRead` whenever the page has read. */
  open(onRead: () => void = () => {}): Response {
    if (this.#pages.size >= PAGES_MAX) {
      return new Response(`too many open pages (${PAGES_MAX})\n`, { status: 503 });
    }
    const page = new PageStream(this.#watch, this.#turns, this.#nowMs(), {
      onRead,
      onClosed: () => this.#pages.delete(page),
    });
    this.#pages.add(page);
    // Before the first look there is nothing to send.
    if (!this.#isLooking && this.#timer === undefined) void this.#look();
    const headers = { "content-type": "text/event-stream", "cache-control": "no-store" };
    return new Response(page.stream, { headers });
  }

  /** Notes that a page is reading. Returns false if no page with this id is open. */
  seen(id: string): boolean {
    for (const page of this.#pages) {
      if (page.id !== id) continue;
      page.seenMs = this.#nowMs();
      return true;
    }
    return false;
  }

  async #look(): Promise<void> {
    this.#timer = undefined;
    this.#isLooking = true;
    const beganMs = this.#nowMs();
    const withGroups = beganMs >= this.#groupsDueMs;
    const changes = await this.#watch.look(withGroups);
    const endedMs = this.#nowMs();
    if (withGroups) this.#groupsDueMs = endedMs + GROUPS_MS;
    const isBeatDue = endedMs >= this.#beatDueMs;
    if (isBeatDue) this.#beatDueMs = endedMs + SILENCE_MS_MAX;
    for (const page of this.#pages) {
      if (endedMs - page.seenMs > UNSEEN_MS_MAX) {
        this.#pages.delete(page);
        page.close();
        continue;
      }
      page.update(changes);
      if (isBeatDue) page.beat();
    }
    this.#isLooking = false;
    if (this.#pages.size === 0) {
      this.#watch.forget();
      this.#groupsDueMs = 0;
      return;
    }
    const restMs = Math.min((endedMs - beganMs) * REST_FACTOR, FEED_REST_MS_MAX);
    this.#timer = setTimeout(() => void this.#look(), Math.max(this.#tickMs, restMs));
  }
}
