// How far groups are behind, against a real registry and store.
// Leaves to others: how it is shown (broker/apis.test.ts, http/monitoring.test.ts, cli/groups.test.ts).
import { expect, test } from "bun:test";
import { groupPartitionCount, groupPartitions, lagOf } from "../../src/offsets/lag.ts";
import { batchOf, startBroker } from "../support/broker.ts";

test("all partitions of a group's topics are there, also those without a commit", async () => {
  await using running = await startBroker();
  const { services } = running.broker;
  const { registry, offsets } = services;
  await registry.create("read", 3, {});
  await registry.create("other", 1, {});
  for (const partition of [0, 1, 2]) {
    await registry.partition("read", partition).append(batchOf("a", "b", "c"));
  }
  await offsets.commit("g", [{ topic: "read", partition: 1, offset: 2 }]);
  await offsets.commit("h", [{ topic: "other", partition: 0, offset: 0 }]);
  const found = [...groupPartitions(services, "g")];
  expect(found.map(({ topic, partition }) => `${topic}-${partition}`)).toEqual([
    "read-0",
    "read-1",
    "read-2",
  ]);
  expect(found.map(({ committedOffset, lag }) => [committedOffset, lag])).toEqual([
    [-1, 3],
    [2, 1],
    [-1, 3],
  ]);
  expect(found[0]?.commitTimestamp).toBe(-1);
  expect(groupPartitionCount(services, "g")).toBe(3);
  expect([...groupPartitions(services, "unknown")]).toEqual([]);
});

test("a partition without a commit counts from its log start", async () => {
  await using running = await startBroker({ segmentBytes: 1024, retentionBytes: 1024 });
  const { services } = running.broker;
  const partition = (await services.registry.create("t", 2, {})).online[0]!;
  for (let i = 0; i < 4; i++) await partition.append(batchOf("x".repeat(600), "y"));
  await services.registry.applyRetention();
  expect(partition.logStartOffset).toBeGreaterThan(0);
  await services.offsets.commit("g", [{ topic: "t", partition: 1, offset: 0 }]);
  const [first] = groupPartitions(services, "g");
  expect(first?.lag).toBe(8 - partition.logStartOffset);
});

test("nothing is left of a group once its topics are deleted", async () => {
  await using running = await startBroker();
  const { services } = running.broker;
  await services.registry.create("t", 1, {});
  await services.offsets.commit("g", [{ topic: "t", partition: 0, offset: 0 }]);
  await services.registry.delete("t");
  expect([...groupPartitions(services, "g")]).toEqual([]);
  expect(groupPartitionCount(services, "g")).toBe(0);
});

test.each([
  [{ committedOffset: 3, logStartOffset: 0, highWatermark: 10 }, 7],
  [{ committedOffset: 3, logStartOffset: 5, highWatermark: 10 }, 5],
  [{ committedOffset: -1, logStartOffset: 4, highWatermark: 10 }, 6],
  // A topic that was created again, with fewer records than were committed.
  [{ committedOffset: 50, logStartOffset: 0, highWatermark: 10 }, 0],
])("%j is a lag of %i", (offsets, lag) => {
  expect(lagOf(offsets)).toBe(lag);
});
