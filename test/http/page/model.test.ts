// What the page knows about the broker, across a restart. Leaves to others: the events (../page-feed.test.ts).
import { expect, test } from "bun:test";
import { Model } from "../../../src/http/page/model.js";
import type { Overview, PartitionState, TopicState } from "../../../src/http/page/wire.js";

const TOPIC: TopicState = {
  ...{ name: "t", id: "one", internal: false, partitions: 1, offline: [] },
  ...{ cleanup: "delete", retentionMs: -1, retentionBytes: -1 },
};

function overviewAt(atMs: number, receivedBytes: number): Overview {
  return {
    ...{ page: "", version: "1", address: "localhost:9092", flush: "always" },
    ...{ topics: [], topicCount: 0 },
    totals: { atMs, receivedBytes, sentBytes: 0, connections: 1 },
  };
}

test.each([0, 5000])("rates continue after a restart, with %d bytes received", (received) => {
  const model = new Model();
  model.reset(overviewAt(3_600_000, 0));
  model.reset(overviewAt(200, received));
  const totals = { atMs: 1200, receivedBytes: received + 700, sentBytes: 0, connections: 2 };
  model.update({ totals, partitions: [] });
  expect(model.totals?.connections).toBe(2);
  expect(model.rates).toEqual([{ received: 700, sent: 0 }]);
});

/** Partition `partition` of topic `t`, with so many bytes. */
function stateOf(partition: number, activeBytes: number, logEnd = 5): PartitionState {
  return {
    ...{ topic: "t", partition, firstBase: 0, highWatermark: logEnd, endSegment: 0, activeBytes },
    ...{ endPosition: activeBytes, logStart: 0, logEnd, activeBase: 0, sealedCount: 0 },
    ...{ sealedBytes: 0, revision: 0, newestMs: null, compactedTo: null },
  };
}

test("the bytes of a topic, and those of its longest partition, follow its partitions", () => {
  const model = new Model();
  const topic = { ...TOPIC, partitions: 2 };
  model.reset({ ...overviewAt(1, 0), topics: [topic], topicCount: 1 });
  const { totals } = overviewAt(1, 0);
  const sizes = (): number[] => [model.bytes, model.bytesOf("t"), model.longest("t")];
  model.update({ totals, partitions: [stateOf(0, 30), stateOf(1, 40)] });
  expect(sizes()).toEqual([70, 70, 40]);
  model.update({ totals, partitions: [stateOf(1, 50)] });
  expect(sizes()).toEqual([80, 80, 50]);
  model.update({ totals, partitions: [stateOf(1, 10)] });
  expect(sizes()).toEqual([40, 40, 30]);
  model.reset(overviewAt(1, 0));
  expect(sizes()).toEqual([0, 0, 0]);
});

test("what was known of a partition is forgotten when it is offline after a restart", () => {
  const model = new Model();
  const topic = { ...TOPIC, partitions: 2 };
  model.reset({ ...overviewAt(1, 0), topics: [topic], topicCount: 1 });
  const { totals } = overviewAt(1, 0);
  const newest = { ...stateOf(1, 40, 7), newestMs: 900 };
  model.update({ totals, partitions: [{ ...stateOf(0, 30), newestMs: 700 }, newest] });
  const offline = [{ partition: 1, reason: "not permitted" }];
  model.reset({ ...overviewAt(1, 0), topics: [{ ...topic, offline }], topicCount: 1 });
  expect([model.bytes, model.bytesOf("t"), model.longest("t")]).toEqual([30, 30, 30]);
  expect([model.recordsOf("t"), model.newestMsOf("t")]).toEqual([5, 700]);
  expect(model.shape("t", 1)).toBeUndefined();
});

test("the newest record of a topic is that of all its partitions, and is forgotten with the topic", () => {
  const model = new Model();
  model.reset({ ...overviewAt(1, 0), topics: [TOPIC], topicCount: 1 });
  expect(model.newestMsOf("t")).toBeNull();
  const { totals } = overviewAt(1, 0);
  const newest = (partition: number, newestMs: number | null) =>
    model.update({ totals, partitions: [{ ...stateOf(partition, 30), newestMs }] });
  newest(0, null);
  expect(model.newestMsOf("t")).toBeNull();
  newest(0, 900);
  newest(1, 700);
  newest(1, null);
  expect(model.newestMsOf("t")).toBe(900);
  model.reset({ ...overviewAt(1, 0), topics: [{ ...TOPIC, id: "two" }], topicCount: 1 });
  expect(model.newestMsOf("t")).toBeNull();
});

test("rates are zero while the broker does not respond, and start over when it does", () => {
  const model = new Model();
  model.reset(overviewAt(1000, 0));
  model.update({ ...overviewAt(2000, 700), partitions: [] });
  model.lost();
  model.lost();
  model.reset(overviewAt(60_000, 1_000_000));
  model.update({ ...overviewAt(61_000, 1_000_900), partitions: [] });
  expect(model.rates.map(({ received }) => received)).toEqual([700, 0, 0, 900]);
});

test("topics are in the order in which people count, internal ones last", () => {
  const model = new Model();
  const names = ["__consumer_offsets", "t-10", "t-9", "t-9b"];
  const topics = names.map((name) => ({ ...TOPIC, name, internal: name.startsWith("__") }));
  model.reset({ ...overviewAt(1, 0), topics, topicCount: 4 });
  expect(model.topics.map(({ name }) => name)).toEqual(["t-9", "t-9b", "t-10", names[0]!]);
});

test("a topic has the records of its partitions, and what arrives in it per second", () => {
  const model = new Model();
  const tick = (atMs: number, ...states: (readonly [partition: number, logEnd: number])[]) =>
    model.update({
      totals: { atMs, receivedBytes: 0, sentBytes: 0, connections: 1 },
      partitions: states.map(([partition, logEnd]) => ({
        ...{ topic: "t", partition, firstBase: 0, logStart: 2, highWatermark: logEnd, logEnd },
        ...{ endSegment: 0, endPosition: 10 * logEnd, activeBase: 0, activeBytes: 10 * logEnd },
        ...{ sealedCount: 0, sealedBytes: 0, revision: 0, newestMs: null, compactedTo: null },
      })),
    });
  model.reset(overviewAt(0, 0));
  tick(0, [0, 50], [1, 20]);
  expect([model.recordsOf("t"), model.inRates.of("t")]).toEqual([66, undefined]);
  tick(2000, [1, 60]);
  expect(model.recordsOf("t")).toBe(106);
  expect(model.inRates.of("t")).toEqual({ records: 20, bytes: 200 });
  model.lost();
  expect(model.inRates.of("t")).toBeUndefined();
});

test("a recreated topic has none of its old partitions", () => {
  const model = new Model();
  const { totals } = overviewAt(1, 0);
  const at = { ...overviewAt(1, 0), topicCount: 1 };
  model.reset({ ...at, topics: [{ ...TOPIC, id: "one" }] });
  model.update({ totals, partitions: [stateOf(0, 9)] });
  model.reset({ ...at, topics: [{ ...TOPIC, id: "one" }] });
  expect(model.shape("t", 0)?.state.logEnd).toBe(5);
  model.reset({ ...at, topics: [{ ...TOPIC, id: "two" }] });
  expect(model.shape("t", 0)).toBeUndefined();
});
