// What is told to the pages that are open: everything once, and then, some times a second, what changed. It looks at
// numbers that are there anyway, partition by partition, only while somebody watches, and never at a record.
// Leaves to others: what a page asks for by itself (page-routes.ts).
import type { Broker } from "../broker/broker.ts";
import { VERSION } from "../broker/version.ts";
import { lagOf } from "../offsets/lag.ts";
import type { Partition } from "../topics/partition.ts";
import type { GroupOffset, Overview, PartitionState, Tick, Totals } from "./page/wire.ts";

const TICK_MS = 200;

/** After a look that took a while it waits this many times as long: it takes a twentieth of the loop at most. */
const REST_FACTOR = 20;

/** A page that is told nothing for this long might think that the broker is gone. */
const SILENCE_MS_MAX = 1000;

/** Pages that can be open at once. */
const PAGES_MAX = 64;

/** Events that wait for a slow page; then it is told everything again once it has read them. */
const BACKLOG_EVENTS_MAX = 16;

const encoder = new TextEncoder();

interface Page {
  readonly controller: ReadableStreamDefaultController<Uint8Array>;
  isBehind: boolean;
}

/** The live side of the page. */
export class PageFeed {
  readonly #broker: Broker;
  readonly #flush: string;
  readonly #tickMs: number;
  readonly #pages = new Set<Page>();
  #timer: Timer | undefined;
  #topics = "";
  #partitions = new Map<Partition, PartitionState>();
  #groups: readonly GroupOffset[] = [];
  #groupsJson = "";
  #groupsDueMs = 0;
  #toldMs = 0;

  /** `flush` is the broker's flush policy, in words; `tickMs` is the shortest time between two looks. */
  constructor(broker: Broker, flush: string, tickMs: number = TICK_MS) {
    this.#broker = broker;
    this.#flush = flush;
    this.#tickMs = tickMs;
  }

  /** Pages that are open. */
  get pages(): number {
    return this.#pages.size;
  }

  /** Opens a stream of events for a page. */
  open(): Response {
    if (this.#pages.size >= PAGES_MAX) {
      return new Response(`${PAGES_MAX} pages are open already\n`, { status: 503 });
    }
    let page: Page | undefined;
    const stream = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          page = { controller, isBehind: true };
          this.#pages.add(page);
          if (this.#timer === undefined) this.#look();
          if (page.isBehind) this.#catchUp(page);
        },
        cancel: () => {
          if (page !== undefined) this.#pages.delete(page);
        },
      },
      { highWaterMark: BACKLOG_EVENTS_MAX },
    );
    const headers = { "content-type": "text/event-stream", "cache-control": "no-store" };
    return new Response(stream, { headers });
  }

  /** One look at the broker, and a word to all pages if something changed. */
  #look(): void {
    this.#timer = undefined;
    if (this.#pages.size === 0) {
      this.#forget();
      return;
    }
    const beganMs = performance.now();
    const isNew = this.#findTopics();
    const tick: Tick = {
      totals: this.#totals(),
      partitions: this.#findChanges(),
      groups: this.#findGroups(beganMs),
    };
    if (isNew) for (const page of this.#pages) page.isBehind = true;
    const isDue = beganMs - this.#toldMs >= SILENCE_MS_MAX;
    const isNews = isNew || isDue || tick.partitions.length > 0 || tick.groups !== undefined;
    if (isNews) {
      this.#toldMs = beganMs;
      const event = eventOf("tick", tick);
      for (const page of this.#pages) {
        if (page.isBehind) this.#catchUp(page);
        else this.#send(page, event);
      }
    }
    const tookMs = performance.now() - beganMs;
    this.#timer = setTimeout(() => this.#look(), Math.max(this.#tickMs, tookMs * REST_FACTOR));
  }

  #forget(): void {
    this.#topics = "";
    this.#partitions = new Map();
    this.#groups = [];
    this.#groupsJson = "";
    this.#groupsDueMs = 0;
  }

  #catchUp(page: Page): void {
    if ((page.controller.desiredSize ?? 0) < BACKLOG_EVENTS_MAX / 2) return;
    page.isBehind = false;
    this.#send(page, eventOf("overview", this.#overview()));
  }

  #send(page: Page, event: Uint8Array): void {
    if ((page.controller.desiredSize ?? 0) <= 0) page.isBehind = true;
    else page.controller.enqueue(event);
  }

  #overview(): Overview {
    const { services, address } = this.#broker;
    return {
      version: VERSION,
      address,
      flush: this.#flush,
      topics: services.registry.list().map(({ name, internal, partitions }) => ({
        name,
        internal,
        partitions: partitions.length,
      })),
      partitions: [...this.#partitions.values()],
      groups: this.#groups,
      totals: this.#totals(),
    };
  }

  #totals(): Totals {
    const { receivedBytes, sentBytes } = this.#broker.metrics;
    const { connections } = this.#broker;
    return { atMs: performance.now(), receivedBytes, sentBytes, connections };
  }

  /** Whether topics came or went. */
  #findTopics(): boolean {
    const topics = this.#broker.services.registry.list();
    const names = topics.map(({ name, partitions }) => `${name} ${partitions.length}`).join();
    // One that was deleted and created again between two looks has the old name, but none of the old partitions.
    const isKnown = topics.every(({ online }) => online.every((p) => this.#partitions.has(p)));
    if (names === this.#topics && isKnown) return false;
    this.#topics = names;
    const present = new Set(topics.flatMap(({ online }) => online));
    for (const partition of this.#partitions.keys()) {
      if (!present.has(partition)) this.#partitions.delete(partition);
    }
    return true;
  }

  #findChanges(): PartitionState[] {
    const changed: PartitionState[] = [];
    for (const { online } of this.#broker.services.registry.list()) {
      for (const partition of online) {
        const before = this.#partitions.get(partition);
        const now = stateOf(partition, before);
        if (now === before) continue;
        this.#partitions.set(partition, now);
        changed.push(now);
      }
    }
    return changed;
  }

  #findGroups(nowMs: number): readonly GroupOffset[] | undefined {
    if (nowMs < this.#groupsDueMs) return undefined;
    const { offsets, registry } = this.#broker.services;
    const groups = offsets.groups().flatMap(({ group }) =>
      (offsets.describe(group) ?? []).flatMap(({ topic, partition: index, offset }) => {
        const partition = registry.findOnline(topic, index);
        if (partition === undefined) return [];
        const { logStartOffset, highWatermark } = partition;
        const lag = lagOf({ committedOffset: offset, logStartOffset, highWatermark });
        return [{ group, topic, partition: index, offset, lag }];
      }),
    );
    const json = JSON.stringify(groups);
    this.#groupsDueMs = nowMs + (performance.now() - nowMs) * REST_FACTOR;
    if (json === this.#groupsJson) return undefined;
    this.#groupsJson = json;
    this.#groups = groups;
    return groups;
  }
}

/** The state of a partition; `before` itself when nothing changed. */
function stateOf(partition: Partition, before: PartitionState | undefined): PartitionState {
  const { segments, end } = partition.layout;
  const { sealed, active } = segments;
  const { logStartOffset, logEndOffset } = partition;
  const isSameList =
    before !== undefined &&
    before.sealedCount === sealed.length &&
    before.logStart === logStartOffset &&
    before.activeBase === active.baseOffset;
  if (
    isSameList &&
    before.highWatermark === end.offset &&
    before.activeBytes === active.writtenBytes &&
    before.logEnd === logEndOffset
  ) {
    return before;
  }
  return {
    topic: partition.topic,
    partition: partition.index,
    logStart: logStartOffset,
    highWatermark: end.offset,
    endSegment: end.segment,
    endPosition: end.position,
    logEnd: logEndOffset,
    activeBase: active.baseOffset,
    activeBytes: active.writtenBytes,
    sealedCount: sealed.length,
    sealedBytes: isSameList ? before.sealedBytes : segments.bytes - active.bytes,
  };
}

function eventOf(name: "overview" | "tick", data: Overview | Tick): Uint8Array {
  return encoder.encode(`event: ${name}\ndata: ${JSON.stringify(data)}\n\n`);
}
