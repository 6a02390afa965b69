// What the page knows about the broker, across a restart. Leaves to others: the events (../page-feed.test.ts).
import { expect, test } from "bun:test";
import { Model } from "../../../src/http/page/model.js";
import type { Overview } from "../../../src/http/page/wire.js";

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

test("a recreated topic has none of its old partitions", () => {
  const model = new Model();
  const settings = { cleanup: "delete", retentionMs: -1, retentionBytes: -1 };
  const topic = { name: "t", internal: false, partitions: 1, offline: [], ...settings };
  const totals = { atMs: 1, receivedBytes: 0, sentBytes: 0, connections: 1 };
  const state = {
    ...{
      topic: "t",
      partition: 0,
      firstBase: 0,
      logStart: 0,
      highWatermark: 5,
      endSegment: 0,
      endPosition: 9,
    },
    ...{
      logEnd: 5,
      activeBase: 0,
      activeBytes: 9,
      sealedCount: 0,
      sealedBytes: 0,
      revision: 0,
      compactedTo: null,
    },
  };
  const at = { ...overviewAt(1, 0), topicCount: 1 };
  model.reset({ ...at, topics: [{ ...topic, id: "one" }] });
  model.update({ totals, partitions: [state] });
  model.reset({ ...at, topics: [{ ...topic, id: "one" }] });
  expect(model.shape("t", 0)?.state.logEnd).toBe(5);
  model.reset({ ...at, topics: [{ ...topic, id: "two" }] });
  expect(model.shape("t", 0)).toBeUndefined();
});
