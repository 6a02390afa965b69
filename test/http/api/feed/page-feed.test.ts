// The events of a live page: everything once, then the changes. Leaves to others: its requests (routes.test.ts).
import { expect, spyOn, test } from "bun:test";
import { PageFeed } from "../../../../src/http/api/feed/page-feed.js";
import { PageStream, type Watched } from "../../../../src/http/api/feed/page-stream.js";
import { PageTurns } from "../../../../src/http/api/feed/page-turns.js";
import type { Overview, Tick } from "../../../../src/http/page/wire.js";
import { nextTurn } from "../../../../src/log/event-loop.js";
import type { Partition } from "../../../../src/topics/partition.js";
import { joinGroup } from "../../../support/group-members.js";
import { batchOf } from "../../../support/broker.js";
import { eventsOf, type PageEvent } from "../../../support/page-events.js";
import { type PageSample, startPage } from "../../../support/page-sample.js";

/** Listens to the events of an address. */
async function listen(url: string): Promise<{ next: () => Promise<PageEvent>; stop: () => void }> {
  const stopped = new AbortController();
  const response = await fetch(`${url}api/events`, { signal: stopped.signal });
  expect(response.headers.get("content-type")).toBe("text/event-stream");
  const events = eventsOf(response.body!);
  return {
    next: async () => (await events.next()).value!,
    stop: () => stopped.abort(),
  };
}

/** The next tick with changes. */
async function nextTick(
  page: { next: () => Promise<PageEvent> },
  says: (tick: Tick) => boolean,
): Promise<Tick> {
  for (;;) {
    const { name, data } = await page.next();
    if (name === "tick" && says(data as Tick)) return data as Tick;
  }
}

/** Somebody, while there is no security. */
function visitorOf({ broker: { context } }: PageSample) {
  return { context, session: undefined, isWelcome: () => true };
}

/** Nobody reads the partition. */
const NOBODY = { member: null, reader: null };

test("a page gets the topics, all partitions, then the changes by a produce and a commit", async () => {
  await using sample = await startPage();
  const { registry, offsets } = sample.broker.context;
  const { id } = await registry.create("orders", 2, {});
  await registry.partition("orders", 0).append(batchOf("a", "b"));
  const page = await listen(sample.url);

  const first = await page.next();
  expect(first.name).toBe("overview");
  const overview = first.data as Overview;
  expect(overview.topicCount).toBe(1);
  expect(overview.topics).toEqual([
    {
      ...{ name: "orders", id, internal: false, partitions: 2, offline: [] },
      ...{ cleanup: "delete", retentionMs: -1, retentionBytes: -1 },
    },
  ]);
  const all = await nextTick(page, ({ partitions }) => partitions.length > 0);
  const { active } = registry.partition("orders", 0).layout.segments;
  const newestMs = active.maxTimestamp;
  expect(Number.isFinite(newestMs)).toBe(true);
  expect(all.partitions[0]).toEqual({
    ...{ topic: "orders", partition: 0, firstBase: 0, logStart: 0, highWatermark: 2, logEnd: 2 },
    ...{ endSegment: 0, endPosition: active.bytes, activeBase: 0, activeBytes: active.bytes },
    ...{ sealedCount: 0, sealedBytes: 0, revision: 0, newestMs, compactedTo: null },
  });
  expect(all.partitions.map((state) => state.newestMs)).toEqual([newestMs, null]);

  await registry.partition("orders", 1).append(batchOf("c"));
  const tick = await nextTick(page, ({ partitions }) => partitions.length > 0);
  expect(tick.partitions.map(({ partition, logEnd }) => [partition, logEnd])).toEqual([[1, 1]]);
  await registry.deleteRecords(registry.partition("orders", 0), 1);
  const trimmed = await nextTick(page, ({ partitions }) => partitions.length > 0);
  expect(trimmed.partitions.map(({ firstBase, logStart }) => [firstBase, logStart])).toEqual([
    [0, 1],
  ]);

  await offsets.commit("billing", [{ topic: "orders", partition: 0, offset: 1 }]);
  const { groups } = await nextTick(page, ({ groups }) => groups?.count === 1);
  expect(groups).toEqual({
    ...{ count: 1, hasMore: false },
    groups: [
      { group: "billing", lag: 2, partitions: 2, state: "Empty", memberCount: 0, members: [] },
    ],
    offsets: [
      { ...{ group: "billing", topic: "orders", partition: 0, offset: 1, lag: 1 }, ...NOBODY },
      { ...{ group: "billing", topic: "orders", partition: 1, offset: -1, lag: 1 }, ...NOBODY },
    ],
  });
  page.stop();
});

test("a page gets the state and the members of groups, as they come and go", async () => {
  await using sample = await startPage();
  const { registry, groups } = sample.broker.context;
  await registry.create("orders", 2, {});
  const page = await listen(sample.url);
  const [id] = await joinGroup(groups, "billing", [
    { clientId: "app\n1", assigned: { orders: [1] } },
  ]);
  const { groups: joined } = await nextTick(
    page,
    (tick) => tick.groups?.groups[0]?.state === "Stable",
  );
  const name = "app\\n1 at 10.0.0.7";
  expect(joined).toMatchObject({
    groups: [
      {
        ...{ group: "billing", state: "Stable", memberCount: 1, partitions: 2 },
        members: [{ id, name }],
      },
    ],
    offsets: [
      { partition: 0, member: null, reader: null },
      { partition: 1, member: id, reader: name },
    ],
  });
  groups.leave("billing", [{ memberId: id!, instanceId: null }]);
  await nextTick(page, (tick) => tick.groups?.count === 0);
  page.stop();
});

test("a page gets the topics again when one is created, changed or deleted", async () => {
  await using sample = await startPage();
  const { registry } = sample.broker.context;
  const page = await listen(sample.url);
  expect(((await page.next()).data as Overview).topics).toEqual([]);
  const nextTopics = async (): Promise<string[]> => {
    for (;;) {
      const { name, data } = await page.next();
      if (name !== "overview") continue;
      return (data as Overview).topics.map((topic) => `${topic.name} ${topic.retentionMs}`);
    }
  };
  await registry.create("one", 1, {});
  expect(await nextTopics()).toEqual(["one -1"]);
  await registry.alterSettings("one", { "retention.ms": "1000" });
  expect(await nextTopics()).toEqual(["one 1000"]);
  await registry.delete("one");
  expect(await nextTopics()).toEqual([]);
  page.stop();
});

test("a page gets the partitions that were added to a topic", async () => {
  await using sample = await startPage();
  const { registry } = sample.broker.context;
  const { id } = await registry.create("grown", 1, {});
  const page = await listen(sample.url);
  await nextTick(page, ({ partitions }) => partitions.length > 0);
  await registry.addPartitions("grown", 3);
  for (let event = await page.next(); ; event = await page.next()) {
    if (event.name !== "overview") continue;
    const { topics } = event.data as Overview;
    expect(topics).toMatchObject([{ name: "grown", id, partitions: 3 }]);
    break;
  }
  await registry.partition("grown", 2).append(batchOf("v"));
  const tick = await nextTick(page, ({ partitions }) => partitions.some((it) => it.logEnd === 1));
  expect(tick.partitions.map(({ partition }) => partition)).toContain(2);
  page.stop();
});

test("a topic recreated immediately arrives with its new partitions", async () => {
  await using sample = await startPage();
  const { registry } = sample.broker.context;
  const { partitions, id } = await registry.create("one", 1, {});
  await (partitions[0] as Partition).append(batchOf("a", "b"));
  const page = await listen(sample.url);
  const before = await nextTick(page, (tick) => tick.partitions.length > 0);
  expect(before.partitions[0]?.logEnd).toBe(2);
  await registry.delete("one");
  await registry.create("one", 1, {});
  let overview: Overview | undefined;
  while (overview?.topics.length !== 1 || overview.topics[0]?.id === id) {
    const { name, data } = await page.next();
    if (name === "overview") overview = data as Overview;
  }
  const after = await nextTick(page, (tick) => tick.partitions.length > 0);
  expect(after.partitions.map(({ logEnd }) => logEnd)).toEqual([0]);
  page.stop();
});

test("events waiting for a page that does not read are bounded, and the newest state when it reads", async () => {
  const partitions = Array.from({ length: 1000 }, (_, i) => ({ index: i }) as Partition);
  let version = 0;
  const watched: Watched = {
    isReady: true,
    groupsJson: JSON.stringify("g".repeat(10_000)),
    partitions: () => partitions,
    partitionJson: ({ index }) => JSON.stringify({ index, version, more: "x".repeat(500) }),
    overviewJson: () => "{}",
    totalsJson: () => "{}",
  };
  const turns = new PageTurns();
  let sent = 0;
  const page = new PageStream(watched, turns, 0, { onRead: () => {}, onClosed: () => {} });
  const sendNext = page.sendNext.bind(page);
  page.sendNext = () => {
    sent++;
    sendNext();
  };
  for (version = 1; version <= 50; version++) {
    page.update({ isNew: version % 10 === 0, partitions, hasNewGroups: true });
    page.beat();
    await nextTurn();
  }
  // An event has at most 200 partitions, about 110 kB: the page was sent nothing after the first one.
  expect(sent).toBeLessThan(5);
  version = 1000;
  page.update({ isNew: false, partitions, hasNewGroups: true });
  const newest = new Map<number, number>();
  const decoder = new TextDecoder();
  for await (const event of page.stream) {
    expect(event.length).toBeLessThan(200_000);
    const data = /^event: tick\ndata: (.*)$/m.exec(decoder.decode(event))?.[1];
    const tick = JSON.parse(data ?? '{"partitions":[]}') as {
      partitions: { index: number; version: number }[];
    };
    for (const { index, version } of tick.partitions) newest.set(index, version);
    if (newest.size === 1000 && [...newest.values()].every((it) => it === 1000)) break;
  }
});

test("partitions that are not for the visitor are passed over in several turns", async () => {
  const partitions = Array.from({ length: 9_000 }, (_, i) => ({ index: i }) as Partition);
  let asked = 0;
  const watched: Watched = {
    ...{ isReady: true, groupsJson: "", partitions: () => partitions },
    partitionJson: ({ index }) => {
      asked++;
      return index === 8_999 ? '"the last one"' : undefined;
    },
    overviewJson: () => "{}",
    totalsJson: () => "{}",
  };
  const page = new PageStream(watched, new PageTurns(), 0, { onRead() {}, onClosed() {} });
  const sendNext = page.sendNext.bind(page);
  const askedPerTurn: number[] = [];
  page.sendNext = () => {
    const before = asked;
    sendNext();
    askedPerTurn.push(asked - before);
  };
  page.beat();
  const decoder = new TextDecoder();
  for await (const event of page.stream) {
    if (decoder.decode(event).includes("the last one")) break;
  }
  expect(asked).toBe(9_000);
  expect(Math.max(...askedPerTurn)).toBeLessThanOrEqual(2_000);
});

test("the first of many groups are sent, and others get a turn in between", async () => {
  await using sample = await startPage({ offsets: "memory" });
  const { registry, offsets } = sample.broker.context;
  await registry.create("t", 1, {});
  for (let i = 0; i < 3_000; i++) {
    const group = `${"g".repeat(100)}-${String(i).padStart(4, "0")}`;
    await offsets.commit(group, [{ topic: "t", partition: 0, offset: 0 }]);
  }
  const page = await listen(sample.url);
  const { groups } = await nextTick(page, (tick) => tick.groups !== undefined);
  expect(groups).toMatchObject({ count: 3000, hasMore: true });
  expect([groups?.groups.length, groups?.offsets.length]).toEqual([100, 100]);
  page.stop();
});

test("a page that does not report that it reads is disconnected after a minute, others are not", async () => {
  await using sample = await startPage();
  let nowMs = 0;
  const feed = new PageFeed(sample.broker, "always", { tickMs: 5, nowMs: () => nowMs });
  const silent = eventsOf(feed.open(visitorOf(sample)).body!);
  const reading = eventsOf(feed.open(visitorOf(sample)).body!);
  const { data } = (await reading.next()).value!;
  const { page } = data as Overview;
  expect(feed.seen("unknown")).toBe(false);
  for (nowMs = 10_000; nowMs <= 70_000; nowMs += 10_000) {
    expect(feed.seen(page)).toBe(true);
    await reading.next();
  }
  while (!(await silent.next()).done);
  expect(feed.pages).toBe(1);
  nowMs += 100_000;
  while (!(await reading.next()).done);
  expect(feed.pages).toBe(0);
});

test("at most 64 pages are open, and a page that closes makes room", async () => {
  await using sample = await startPage();
  const feed = new PageFeed(sample.broker, "always");
  const pages = Array.from({ length: 64 }, () => feed.open(visitorOf(sample)));
  expect(feed.open(visitorOf(sample)).status).toBe(503);
  await pages[0]?.body?.cancel();
  const again = feed.open(visitorOf(sample));
  expect(again.status).toBe(200);
  for (const page of [...pages.slice(1), again]) await page.body?.cancel();
  expect(feed.pages).toBe(0);
});

test("changes of many partitions are noted for many pages in several turns of the event loop", async () => {
  await using sample = await startPage();
  await sample.broker.context.registry.create("wide", 400, {});
  const feed = new PageFeed(sample.broker, "always");
  let turn = 0;
  const count = (): void => {
    turn++;
    next = setImmediate(count);
  };
  let next = setImmediate(count);
  const turns: number[] = [];
  const update = spyOn(PageStream.prototype, "update").mockImplementation(() => {
    turns.push(turn);
  });
  const pages = Array.from({ length: 64 }, () => feed.open(visitorOf(sample)));
  while (turns.length < 64) await nextTurn();
  clearImmediate(next);
  update.mockRestore();
  expect(new Set(turns.slice(0, 64)).size).toBe(2);
  for (const { body } of pages) await body?.cancel();
});
