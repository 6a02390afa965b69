// The event stream of one open page. It keeps no more in memory than the page can read at once: a slow page gets the
// newest state when it continues, not everything it missed.
// Leaves to others: the state (visitor-watch.ts), and the number of pages (page-feed.ts).
import type { Partition } from "../../../topics/partition.js";
import type { Changes } from "./broker-watch.js";
import type { PageTurns, PageTurnTaker } from "./page-turns.js";
import type { VisitorWatch } from "./visitor-watch.js";

/** Maximum bytes of unread events. A page beyond this is sent nothing until it has read. */
const BACKLOG_BYTES_MAX = 64 * 1024;

const EVENT_PARTITIONS_MAX = 200;

/** Changed partitions looked at for an event: most of them may not be for this visitor. */
const LOOKED_AT_PARTITIONS_MAX = 2_000;

const encoder = new TextEncoder();

export type Watched = Pick<
  VisitorWatch,
  "isReady" | "partitions" | "partitionJson" | "groupsJson" | "overviewJson" | "totalsJson"
>;

export class PageStream implements PageTurnTaker {
  readonly stream: ReadableStream<Uint8Array>;
  /** Identifies the page when it reports that it is reading. */
  readonly id = crypto.randomUUID();
  /** When it last reported, in milliseconds of the feed's clock. */
  seenMs: number;
  readonly #watch: Watched;
  readonly #turns: PageTurns;
  readonly #changed = new Set<Partition>();
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  #isOverviewDue = true;
  /** Whether it was sent an overview and, with or after it, all partitions. */
  #isKnown = false;
  #areGroupsDue = true;
  #isBeatDue = false;

  /** Calls `onRead` whenever the page has read, and `onClosed` when it is gone. */
  constructor(
    watch: Watched,
    turns: PageTurns,
    nowMs: number,
    { onRead, onClosed }: { onRead: () => void; onClosed: () => void },
  ) {
    this.#watch = watch;
    this.#turns = turns;
    this.seenMs = nowMs;
    this.stream = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        pull: () => {
          onRead();
          this.#wake();
        },
        cancel: () => {
          this.#controller = undefined;
          onClosed();
        },
      },
      { highWaterMark: BACKLOG_BYTES_MAX, size: (event) => event?.byteLength ?? 0 },
    );
  }

  /** Queues changes to be sent. */
  update({ isNew, partitions, hasNewGroups }: Changes): void {
    if (isNew) this.#isOverviewDue = true;
    if (hasNewGroups) this.#areGroupsDue = true;
    for (const partition of partitions) this.#changed.add(partition);
    this.#wake();
  }

  /** Sends everything again, because the visitor may see more or less than before. */
  startOver(): void {
    this.#isOverviewDue = true;
    this.#isKnown = false;
    this.#areGroupsDue = true;
    this.#wake();
  }

  /** Sends an event even without changes, so that the page knows the broker is there. */
  beat(): void {
    this.#isBeatDue = true;
    this.#wake();
  }

  /** Ends the stream. A page that is still open reconnects. */
  close(): void {
    this.#controller?.close();
    this.#controller = undefined;
  }

  sendNext(): void {
    if (!this.#hasRoom) return;
    const event = this.#next();
    if (event === undefined) return;
    this.#controller?.enqueue(encoder.encode(event));
    this.#wake();
  }

  get #hasRoom(): boolean {
    return (this.#controller?.desiredSize ?? 0) > 0;
  }

  #wake(): void {
    const isDue =
      this.#isOverviewDue || this.#changed.size > 0 || this.#areGroupsDue || this.#isBeatDue;
    if (isDue && this.#hasRoom && this.#watch.isReady) this.#turns.add(this);
  }

  #next(): string | undefined {
    this.#isBeatDue = false;
    if (this.#isOverviewDue) {
      this.#isOverviewDue = false;
      if (!this.#isKnown)
        for (const partition of this.#watch.partitions()) this.#changed.add(partition);
      this.#isKnown = true;
      const page = JSON.stringify(this.id);
      return `event: overview\ndata: {"page":${page},${this.#watch.overviewJson().slice(1)}\n\n`;
    }
    const partitions: string[] = [];
    let lookedAt = 0;
    for (const partition of this.#changed) {
      if (partitions.length >= EVENT_PARTITIONS_MAX) break;
      if (++lookedAt > LOOKED_AT_PARTITIONS_MAX) break;
      this.#changed.delete(partition);
      const json = this.#watch.partitionJson(partition);
      if (json !== undefined) partitions.push(json);
    }
    const groups = this.#areGroupsDue ? this.#watch.groupsJson : "";
    this.#areGroupsDue = false;
    const fields = [
      `"totals":${this.#watch.totalsJson()}`,
      `"partitions":[${partitions.join()}]`,
      ...(groups === "" ? [] : [`"groups":${groups}`]),
    ];
    return `event: tick\ndata: {${fields.join()}}\n\n`;
  }
}
