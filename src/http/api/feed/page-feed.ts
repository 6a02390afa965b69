// The live side of the page: reads the broker's state a few times per second while a page is open, and sends the
// changes to all pages, each as far as its visitor may see them. Leaves to others: reading the state (broker-watch.ts), what
// a visitor may see (visitor-watch.ts), the stream of one page (page-stream.ts), and requests from a page (routes.ts).
import type { Broker } from "../../../broker/broker.js";
import { Portions } from "../../../log/event-loop.js";
import type { Caller } from "../../../security/caller.js";
import { BrokerWatch } from "./broker-watch.js";
import type { Visitor } from "../access.js";
import { PageStream } from "./page-stream.js";
import { PageTurns } from "./page-turns.js";
import { VisitorWatch } from "./visitor-watch.js";

const TICK_MS = 200;

/** Minimum time between two looks at the groups. */
const GROUPS_MS = 1000;

/** After a slow look, wait this many times its duration, up to a limit. */
const REST_FACTOR = 20;
const FEED_REST_MS_MAX = 5000;

/** A page that hears nothing for this long might conclude that the broker is gone. */
const SILENCE_MS_MAX = 1000;

const PAGES_MAX = 64;

/** Pages of one user, so that others can open one too. */
const USER_PAGES_MAX = 32;

/** Changed partitions that are noted for pages in a turn of the event loop. */
const NOTES_PER_TURN = 20_000;

/** How often to look whose login has ended, in milliseconds. */
const WELCOME_CHECK_MS = 250;

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

type Viewer = Pick<Visitor, "context" | "session" | "isWelcome">;

export class PageFeed {
  readonly #broker: Broker;
  readonly #watch: BrokerWatch;
  /** By user and address, on which permissions depend; one for all visitors while the broker has no security. */
  readonly #watches = new Map<string, VisitorWatch>();
  readonly #tickMs: number;
  readonly #turns = new PageTurns();
  readonly #pages = new Map<PageStream, Viewer>();
  #isLooking = false;
  #timer: Timer | undefined;
  #welcomeTimer: Timer | undefined;
  #rulesVersion = -1;
  #groupsDueMs = 0;
  #beatDueMs = 0;
  readonly #nowMs: () => number;

  /** `flush` is the broker's flush policy as text. */
  constructor(broker: Broker, flush: string, options: PageFeedOptions = {}) {
    this.#broker = broker;
    this.#watch = new BrokerWatch(broker, flush);
    this.#tickMs = options.tickMs ?? TICK_MS;
    this.#nowMs = options.nowMs ?? (() => performance.now());
  }

  get pages(): number {
    return this.#pages.size;
  }

  /** Opens a stream of events for a page of a visitor. Calls `onRead` whenever the page has read. */
  open(viewer: Viewer, onRead: () => void = () => {}): Response {
    const { caller } = viewer.context;
    if (this.#pages.size >= PAGES_MAX) {
      return new Response(`too many open pages (${PAGES_MAX})\n`, { status: 503 });
    }
    const isSameUser = ({ session, context }: Viewer): boolean =>
      session !== undefined && context.caller.principal === caller.principal;
    if (this.#pages.values().filter(isSameUser).toArray().length >= USER_PAGES_MAX) {
      return new Response(`too many open pages of one user (${USER_PAGES_MAX})\n`, { status: 503 });
    }
    const key = keyOf(caller);
    const watch = this.#watches.get(key) ?? new VisitorWatch(this.#watch, viewer.context);
    this.#watches.set(key, watch);
    const page = new PageStream(watch, this.#turns, this.#nowMs(), {
      onRead,
      onClosed: () => this.#forget(page),
    });
    this.#pages.set(page, viewer);
    // Before the first look there is nothing to send.
    if (!this.#isLooking && this.#timer === undefined) void this.#look();
    this.#welcomeTimer ??= setInterval(() => this.closeUnwelcome(), WELCOME_CHECK_MS).unref();
    const headers = { "content-type": "text/event-stream", "cache-control": "no-store" };
    return new Response(page.stream, { headers });
  }

  /** Closes the pages of visitors who are not served any more. */
  closeUnwelcome(): void {
    for (const [page, viewer] of this.#pages) if (!viewer.isWelcome()) this.#close(page);
  }

  /** Notes that a page is reading. Returns false if no page with this id is open. */
  seen(id: string): boolean {
    for (const page of this.#pages.keys()) {
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
    const { version } = this.#broker.context.security.authorizer;
    const areRulesNew = version !== this.#rulesVersion;
    this.#rulesVersion = version;
    const withGroups = areRulesNew || beganMs >= this.#groupsDueMs;
    const changes = await this.#watch.look();
    const regrouped = withGroups ? await this.#lookAtGroups() : NOBODY;
    const endedMs = this.#nowMs();
    if (withGroups) this.#groupsDueMs = endedMs + GROUPS_MS;
    const isBeatDue = endedMs >= this.#beatDueMs;
    if (isBeatDue) this.#beatDueMs = endedMs + SILENCE_MS_MAX;
    const portions = new Portions(NOTES_PER_TURN);
    for (const [page, { context }] of [...this.#pages]) {
      if (!this.#pages.has(page)) continue;
      if (endedMs - page.seenMs > UNSEEN_MS_MAX) {
        this.#close(page);
        continue;
      }
      if (areRulesNew) page.startOver();
      page.update({ ...changes, hasNewGroups: regrouped.has(keyOf(context.caller)) });
      if (isBeatDue) page.beat();
      await portions.next(changes.partitions.length);
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

  /** The visitors whose groups have changed. */
  async #lookAtGroups(): Promise<ReadonlySet<string>> {
    const changed = new Set<string>();
    for (const [key, watch] of [...this.#watches]) {
      if (await watch.lookAtGroups()) changed.add(key);
    }
    return changed;
  }

  #close(page: PageStream): void {
    this.#forget(page);
    page.close();
  }

  #forget(page: PageStream): void {
    const viewer = this.#pages.get(page);
    if (viewer === undefined) return;
    this.#pages.delete(page);
    const key = keyOf(viewer.context.caller);
    if (!this.#pages.values().some(({ context }) => keyOf(context.caller) === key))
      this.#watches.delete(key);
    if (this.#pages.size > 0) return;
    clearInterval(this.#welcomeTimer);
    this.#welcomeTimer = undefined;
  }
}

const NOBODY: ReadonlySet<string> = new Set();

function keyOf({ host, principal }: Caller): string {
  return `${host} ${principal}`;
}
