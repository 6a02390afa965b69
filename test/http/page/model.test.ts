// What the page knows of the broker, over a restart of it. Leaves to others: the events (../page-feed.test.ts).
import { expect, test } from "bun:test";
import { Model } from "../../../src/http/page/model.ts";
import type { Overview } from "../../../src/http/page/wire.ts";

function overviewAt(atMs: number, receivedBytes: number): Overview {
  return {
    ...{ version: "1", address: "localhost:9092", flush: "always" },
    ...{ topics: [], partitions: [], groups: [] },
    totals: { atMs, receivedBytes, sentBytes: 0, connections: 1 },
  };
}

test.each([0, 5000])("after a restart, rates are told on, %d bytes having come in", (received) => {
  const model = new Model();
  model.reset(overviewAt(3_600_000, 0));
  model.reset(overviewAt(200, received));
  const totals = { atMs: 1200, receivedBytes: received + 700, sentBytes: 0, connections: 2 };
  model.update({ totals, partitions: [], groups: undefined });
  expect(model.totals?.connections).toBe(2);
  expect(model.rates).toEqual([{ received: 700, sent: 0 }]);
});
