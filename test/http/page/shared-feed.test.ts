// The stream that the pages of a browser share: what each page is told, and when the stream is open.
// Leaves to others: the stream itself, and a real worker (frame.browser.ts).
import { expect, test } from "bun:test";
import { SharedFeed, type ToPage } from "../../../src/http/page/shared-feed.js";
import type { Overview, PartitionState, Tick, TopicState } from "../../../src/http/page/wire.js";

const totals = { atMs: 1, receivedBytes: 0, sentBytes: 0, connections: 1 };

function topic(name: string, id = name): TopicState {
  return {
    ...{ name, id, internal: false, partitions: 2, cleanup: "delete", offline: [] },
    ...{ retentionMs: -1, retentionBytes: -1 },
  };
}

function overview(topics: readonly TopicState[], page = "stream 1"): Overview {
  const about = { version: "1", address: "a:1", flush: "always" };
  return { page, ...about, topics, topicCount: topics.length, totals };
}

function state(name: string, partition = 0, logEnd = 0): PartitionState {
  return {
    ...{ topic: name, partition, logEnd, highWatermark: logEnd, firstBase: 0, logStart: 0 },
    ...{ endSegment: 0, endPosition: 0, activeBase: 0, activeBytes: 0, sealedCount: 0 },
    ...{ sealedBytes: 0, revision: 0, newestMs: null, compactedTo: null },
  };
}

function tick(partitions: readonly PartitionState[], atMs = 2): Tick {
  return { totals: { ...totals, atMs }, partitions };
}

/** A page; its messages as text, without the totals. */
class FakePage {
  readonly #shared: SharedFeed;
  #unread: ToPage[] = [];

  constructor(shared: SharedFeed) {
    this.#shared = shared;
  }

  postMessage(message: unknown): void {
    this.#unread.push(message as ToPage);
  }

  listen(session: string | null = null): this {
    this.#shared.take(this, { kind: "listen", session });
    return this;
  }

  leave(): void {
    this.#shared.take(this, { kind: "leave" });
  }

  /** Number of messages that were sent but not read. */
  get unread(): number {
    return this.#unread.length;
  }

  /** Reads everything, also what is sent meanwhile. */
  read(): string[] {
    const read: string[] = [];
    for (
      let message = this.#unread.shift();
      message !== undefined;
      message = this.#unread.shift()
    ) {
      read.push(textOf(message));
      this.#shared.take(this, { kind: "read" });
    }
    return read;
  }
}

function textOf(message: ToPage): string {
  switch (message.kind) {
    case "overview":
      return `overview ${message.overview.topics.map(({ id }) => id).join(" ")}`.trim();
    case "tick": {
      const { partitions, groups } = message.tick;
      const states = partitions.map((it) => `${it.topic}-${it.partition}=${it.logEnd}`);
      return ["tick", ...states, ...(groups === undefined ? [] : ["groups"])].join(" ");
    }
    case "connected":
      return message.isConnected ? "connected" : "lost";
    default:
      return message.kind;
  }
}

/** The stream below, with what was done to it. */
class Sample implements Disposable {
  readonly done: string[] = [];
  nowMs = 0;
  readonly shared = new SharedFeed(
    () => ({ open: () => this.#note("open"), close: () => this.#note("close") }),
    { nowMs: () => this.nowMs },
  );
  readonly #pages: FakePage[] = [];

  page(): FakePage {
    const page = new FakePage(this.shared);
    this.#pages.push(page);
    return page;
  }

  /** Ends its timer. */
  [Symbol.dispose](): void {
    for (const page of this.#pages) page.leave();
  }

  #note(what: string): void {
    if (this.done.at(-1) !== what) this.done.push(what);
  }
}

const GROUPS = { count: 0, hasMore: false, groups: [], offsets: [] };

test("a page is told what the stream says, and a late one gets the newest state of all first", () => {
  using sample = new Sample();
  const { shared } = sample;
  const first = sample.page().listen();
  expect(first.read()).toEqual(["here"]);
  shared.connected(true);
  shared.overview(overview([topic("a"), topic("b")]));
  shared.tick({ ...tick([state("a", 0, 1), state("b", 1, 5)]), groups: GROUPS });
  expect(first.read()).toEqual(["connected", "overview a b", "tick a-0=1 b-1=5 groups"]);
  shared.tick(tick([state("a", 0, 2)]));
  shared.tick(tick([]));
  expect(first.read()).toEqual(["tick a-0=2", "tick"]);
  const late = sample.page().listen();
  expect(late.read()).toEqual(["connected", "overview a b", "tick a-0=2 b-1=5 groups"]);
  expect(first.read()).toEqual([]);
  shared.tick(tick([state("b", 1, 6)]));
  expect([first.read(), late.read()]).toEqual([["tick b-1=6"], ["tick b-1=6"]]);
});

test("the overview of a late page has the newest counters", () => {
  using sample = new Sample();
  sample.page().listen();
  sample.shared.overview(overview([topic("a")]));
  sample.shared.tick(tick([], 500));
  const told: ToPage[] = [];
  const late = { postMessage: (message: unknown) => void told.push(message as ToPage) };
  sample.shared.take(late, { kind: "listen", session: null });
  expect(told[0]).toMatchObject({ kind: "overview", overview: { totals: { atMs: 500 } } });
  sample.shared.take(late, { kind: "leave" });
});

test("the stream is open from the first page that listens until the last one leaves", () => {
  using sample = new Sample();
  const [one, other] = [sample.page(), sample.page()];
  expect(sample.done).toEqual([]);
  one.listen();
  other.listen();
  one.leave();
  expect(sample.done).toEqual(["open"]);
  sample.shared.connected(true);
  sample.shared.overview(overview([topic("a")]));
  other.leave();
  expect(sample.done).toEqual(["open", "close"]);
  // A page without a stream has said nothing about what was known before.
  expect(one.listen().read()).not.toContain("overview a");
  expect(sample.done).toEqual(["open", "close", "open"]);
});

test("what belongs to topics that are gone or were created again is not told to a late page", () => {
  using sample = new Sample();
  const { shared } = sample;
  sample.page().listen();
  shared.overview(overview([topic("a"), topic("b"), topic("c")]));
  shared.tick(tick([state("a", 0, 1), state("b", 0, 2), state("c", 0, 3)]));
  shared.overview(overview([topic("b", "b again"), topic("c")]));
  expect(sample.page().listen().read()).toEqual(["overview b again c", "tick c-0=3"]);
});

test("a new stream replaces all that was known", () => {
  using sample = new Sample();
  const { shared } = sample;
  const page = sample.page().listen();
  shared.overview(overview([topic("a")]));
  shared.tick(tick([state("a", 0, 1), state("a", 1, 1)]));
  page.read();
  shared.overview(overview([topic("a")], "stream 2"));
  shared.tick(tick([state("a", 0, 7)]));
  expect(page.read()).toEqual(["overview a", "tick a-0=7"]);
  expect(sample.page().listen().read()).toEqual(["overview a", "tick a-0=7"]);
});

test("a page that does not read is sent little, and later the newest state of what has changed", () => {
  using sample = new Sample();
  const { shared } = sample;
  const page = sample.page().listen();
  shared.overview(overview([topic("a"), topic("b")]));
  shared.tick(tick([state("b", 0, 1)]));
  page.read();
  for (let end = 1; end <= 100; end++) shared.tick(tick([state("a", end % 2, end)]));
  expect(page.unread).toBe(4);
  shared.overview(overview([topic("a"), topic("b"), topic("c")]));
  const told = page.read();
  expect(told.slice(4)).toEqual(["overview a b c", "tick a-1=99 a-0=100"]);
});

test("many partitions are told in parts", () => {
  using sample = new Sample();
  const page = sample.page().listen();
  sample.shared.overview(overview([topic("a")]));
  sample.shared.tick(tick(Array.from({ length: 1200 }, (_, i) => state("a", i))));
  const counts = page.read().map((text) => text.split(" ").length - 1);
  expect(counts).toEqual([0, 1, 500, 500, 200]);
});

test("each page learns that the broker does not respond, also one that comes then", () => {
  using sample = new Sample();
  const { shared } = sample;
  const page = sample.page().listen();
  shared.connected(true);
  shared.connected(false);
  shared.connected(false);
  const late = sample.page().listen();
  expect(page.read()).toEqual(["here", "connected", "lost"]);
  expect(late.read()).toEqual(["lost"]);
  shared.connected(true);
  expect([page.read(), late.read()]).toEqual([["connected"], ["connected"]]);
});

test("each page hears something now and then; one that does not read for a minute is gone until it reads", () => {
  using sample = new Sample();
  const { shared } = sample;
  const [gone, there] = [sample.page().listen(), sample.page().listen()];
  const told = there.read();
  for (sample.nowMs = 4_000; sample.nowMs <= 64_000; sample.nowMs += 4_000) {
    shared.look();
    told.push(...there.read());
  }
  expect(told.length).toBe(17);
  expect(new Set(told)).toEqual(new Set(["here"]));
  there.leave();
  expect(sample.done).toEqual(["open", "close"]);
  gone.read();
  expect(sample.done).toEqual(["open", "close", "open"]);
  shared.overview(overview([topic("a")]));
  expect(gone.read()).toContain("overview a");
});

test("a page of another session is told nothing of the one before: the stream is opened anew", () => {
  using sample = new Sample();
  const { shared } = sample;
  const before = sample.page().listen("ann");
  shared.connected(true);
  shared.overview(overview([topic("of-ann")]));
  shared.tick({ ...tick([state("of-ann")]), groups: GROUPS });
  sample.page().listen("ann");
  expect(sample.done).toEqual(["open"]);
  const after = sample.page().listen("root");
  expect(sample.done).toEqual(["open", "close", "open"]);
  expect(after.read()).toEqual(["here"]);
  before.read();
  shared.connected(true);
  shared.overview(overview([topic("of-root")], "stream 2"));
  shared.tick(tick([state("of-root")]));
  expect(after.read()).toEqual(["connected", "overview of-root", "tick of-root-0=0"]);
  // The tabs from before see what the browser may see now.
  expect(before.read()).toEqual(["overview of-root", "tick of-root-0=0"]);
});

test("each page learns that the session has ended", () => {
  using sample = new Sample();
  const { shared } = sample;
  const pages = [sample.page().listen("ann"), sample.page().listen("ann")];
  shared.overview(overview([topic("a")]));
  for (const page of pages) page.read();
  shared.ended();
  expect(pages.map((page) => page.read())).toEqual([["ended"], ["ended"]]);
  expect(sample.page().listen("ann").read()).toEqual(["here"]);
});
