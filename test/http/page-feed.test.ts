// The events that a live page hears: everything once, then what changed. Leaves to others: what it asks for
// (page-routes.test.ts).
import { expect, test } from "bun:test";
import { PageFeed } from "../../src/http/page-feed.ts";
import type { Overview, Tick } from "../../src/http/page/wire.ts";
import { batchOf } from "../support/broker.ts";
import { startPage } from "../support/page-sample.ts";

interface Event {
  readonly name: string;
  readonly data: unknown;
}

/** Listens to the events of an address. */
async function listen(url: string): Promise<{ next: () => Promise<Event>; stop: () => void }> {
  const stopped = new AbortController();
  const response = await fetch(`${url}api/events`, { signal: stopped.signal });
  expect(response.headers.get("content-type")).toBe("text/event-stream");
  const events = eventsOf(response.body!);
  return {
    next: async () => (await events.next()).value!,
    stop: () => stopped.abort(),
  };
}

async function* eventsOf(body: ReadableStream<Uint8Array>): AsyncGenerator<Event, undefined> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of body) {
    text += decoder.decode(chunk, { stream: true });
    for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
      const [, name = "", data = ""] = /^event: (\w+)\ndata: (.*)$/.exec(text.slice(0, end)) ?? [];
      yield { name, data: JSON.parse(data) };
      text = text.slice(end + 2);
    }
  }
  return undefined;
}

test("a page is told everything, then what a produce and a commit changed", async () => {
  await using sample = await startPage();
  const { registry, offsets } = sample.broker.services;
  await registry.create("orders", 2, {});
  await registry.partition("orders", 0).append(batchOf("a", "b"));
  const page = await listen(sample.url);

  const first = await page.next();
  expect(first.name).toBe("overview");
  const overview = first.data as Overview;
  expect(overview.topics).toEqual([{ name: "orders", internal: false, partitions: 2 }]);
  const { active } = registry.partition("orders", 0).layout.segments;
  expect(overview.partitions[0]).toEqual({
    ...{ topic: "orders", partition: 0, logStart: 0, highWatermark: 2, logEnd: 2 },
    ...{ endSegment: 0, endPosition: active.bytes, activeBase: 0, activeBytes: active.bytes },
    ...{ sealedCount: 0, sealedBytes: 0 },
  });

  await registry.partition("orders", 1).append(batchOf("c"));
  let tick = (await page.next()).data as Tick;
  while (tick.partitions.length === 0) tick = (await page.next()).data as Tick;
  expect(tick.partitions.map(({ partition, logEnd }) => [partition, logEnd])).toEqual([[1, 1]]);

  await offsets.commit("billing", [{ topic: "orders", partition: 0, offset: 1 }]);
  let groups: Tick["groups"];
  while (groups === undefined) {
    const { name, data } = await page.next();
    // The first commit makes the internal topic: everything is told anew.
    groups = name === "overview" ? (data as Overview).groups : (data as Tick).groups;
    if (groups?.length === 0) groups = undefined;
  }
  expect(groups).toEqual([{ group: "billing", topic: "orders", partition: 0, offset: 1, lag: 1 }]);
  page.stop();
});

test("a page is told everything anew when a topic comes or goes", async () => {
  await using sample = await startPage();
  const { registry } = sample.broker.services;
  const page = await listen(sample.url);
  expect(((await page.next()).data as Overview).topics).toEqual([]);
  const nextTopics = async (): Promise<string[]> => {
    for (;;) {
      const { name, data } = await page.next();
      if (name === "overview") return (data as Overview).topics.map((topic) => topic.name);
    }
  };
  await registry.create("one", 1, {});
  expect(await nextTopics()).toEqual(["one"]);
  await registry.delete("one");
  expect(await nextTopics()).toEqual([]);
  page.stop();
});

test("a page is told anew of a topic that was deleted and created again at once", async () => {
  await using sample = await startPage();
  const { registry } = sample.broker.services;
  const { online } = await registry.create("one", 1, {});
  await online[0]!.append(batchOf("a", "b"));
  const page = await listen(sample.url);
  expect(((await page.next()).data as Overview).partitions[0]?.logEnd).toBe(2);
  await registry.delete("one");
  await registry.create("one", 1, {});
  let overview: Overview | undefined;
  while (overview?.topics.length !== 1) {
    const { name, data } = await page.next();
    if (name === "overview") overview = data as Overview;
  }
  expect(overview.partitions.map(({ logEnd }) => logEnd)).toEqual([0]);
  page.stop();
});

test("a page that does not read is told everything anew, not all that it missed", async () => {
  await using sample = await startPage();
  const partition = (await sample.broker.services.registry.create("orders", 1, {})).online[0]!;
  const feed = new PageFeed(sample.broker, "always", 10);
  const slow = feed.open().body!.getReader();
  const other = eventsOf(feed.open().body!);
  await other.next();
  // Far more changes than wait for a page, each seen by the one that reads.
  for (let i = 0; i < 24; i++) {
    await partition.append(batchOf("x"));
    await other.next();
  }
  const names: string[] = [];
  const decoder = new TextDecoder();
  while (names.filter((name) => name === "overview").length < 2) {
    const { value } = await slow.read();
    names.push(/event: (\w+)/.exec(decoder.decode(value))?.[1] ?? "");
  }
  expect(names.length).toBeLessThan(24);
  await slow.cancel();
  await other.return(undefined);
  expect(feed.pages).toBe(0);
}, 20_000);

test("no more than 64 pages are open at once, and a page that goes makes room", async () => {
  await using sample = await startPage();
  const feed = new PageFeed(sample.broker, "always");
  const pages = Array.from({ length: 64 }, () => feed.open());
  expect(feed.open().status).toBe(503);
  await pages[0]?.body?.cancel();
  const again = feed.open();
  expect(again.status).toBe(200);
  for (const page of [...pages.slice(1), again]) await page.body?.cancel();
  expect(feed.pages).toBe(0);
});
