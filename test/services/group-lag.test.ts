// The lag of groups, with a real registry and store.
// Leaves to others: showing it (broker/apis.test.ts, http/monitoring.test.ts, cli/groups.test.ts).
import { expect, test } from "bun:test";
import { groupPartitions, lagOf, readGroupLags } from "../../src/services/group-lag.js";
import { batchOf, startBroker } from "../support/broker.js";
import { joinGroup } from "../support/group-members.js";

const NO_OWNERS = new Map<string, Map<number, string>>();

test("a group has all partitions of its topics, also those without a commit", async () => {
  await using running = await startBroker();
  const { context } = running.broker;
  const { registry, offsets } = context;
  await registry.create("read", 3, {});
  await registry.create("other", 1, {});
  for (const partition of [0, 1, 2]) {
    await registry.partition("read", partition).append(batchOf("a", "b", "c"));
  }
  await offsets.commit("g", [{ topic: "read", partition: 1, offset: 2 }]);
  await offsets.commit("h", [{ topic: "other", partition: 0, offset: 0 }]);
  const found = [...groupPartitions(context, "g", NO_OWNERS)];
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
  expect([...groupPartitions(context, "unknown", NO_OWNERS)]).toEqual([]);
});

test("a partition without a commit counts from its log start", async () => {
  await using running = await startBroker({ segmentBytes: 1024, retentionBytes: 1024 });
  const { context } = running.broker;
  const partition = (await context.registry.create("t", 2, {})).online[0]!;
  for (let i = 0; i < 4; i++) await partition.append(batchOf("x".repeat(600), "y"));
  await context.registry.applyRetention();
  expect(partition.logStartOffset).toBeGreaterThan(0);
  await context.offsets.commit("g", [{ topic: "t", partition: 1, offset: 0 }]);
  const [first] = groupPartitions(context, "g", NO_OWNERS);
  expect(first?.lag).toBe(8 - partition.logStartOffset);
});

test("nothing is left of a group once its topics are deleted", async () => {
  await using running = await startBroker();
  const { context } = running.broker;
  await context.registry.create("t", 1, {});
  await context.offsets.commit("g", [{ topic: "t", partition: 0, offset: 0 }]);
  await context.registry.delete("t");
  expect([...groupPartitions(context, "g", NO_OWNERS)]).toEqual([]);
});

test("groups are listed by name, up to a number", async () => {
  await using running = await startBroker({ offsets: "memory" });
  const { context } = running.broker;
  await context.registry.create("t", 2, {});
  await context.registry.partition("t", 1).append(batchOf("a", "b"));
  for (let i = 0; i < 20; i++) {
    const group = `g-${String(i).padStart(4, "0")}`;
    await context.offsets.commit(group, [{ topic: "t", partition: 0, offset: 0 }]);
  }
  const some = await readGroupLags(context, { groupsMax: 3, partitionsMax: 100 });
  expect(some.groups.map(({ group }) => group)).toEqual(["g-0000", "g-0001", "g-0002"]);
  expect(some.hasMore).toBe(true);
  const all = await readGroupLags(context, { groupsMax: 20, partitionsMax: 100 });
  expect([all.groups.length, all.hasMore]).toEqual([20, false]);
  const bounds = { groupsMax: 10, partitionsMax: 5 };
  const { groups } = await readGroupLags(context, bounds);
  expect(groups.map(({ lag, partitionCount }) => [lag, partitionCount])).toEqual([
    [2, 2],
    [2, 2],
  ]);
  const large = await readGroupLags(context, { ...bounds, groupsMax: 1, partitionsMax: 1 });
  expect(large.groups).toEqual([{ group: "g-0000", lag: 2, partitionCount: 2, partitions: [] }]);
});

test.each([
  [{ committedOffset: 3, logStartOffset: 0, highWatermark: 10 }, 7],
  [{ committedOffset: 3, logStartOffset: 5, highWatermark: 10 }, 5],
  [{ committedOffset: -1, logStartOffset: 4, highWatermark: 10 }, 6],
  // A recreated topic with fewer records than were committed.
  [{ committedOffset: 50, logStartOffset: 0, highWatermark: 10 }, 0],
])("%j is a lag of %i", (offsets, lag) => {
  expect(lagOf(offsets)).toBe(lag);
});

test("groups with many members are read in several turns of the event loop", async () => {
  await using running = await startBroker();
  const { context } = running.broker;
  await context.registry.create("t", 1, {});
  const members = Array.from({ length: 100 }, () => ({ clientId: "c", assigned: { t: [0] } }));
  const names = Array.from({ length: 12 }, (_, i) => `g-${i}`);
  await Promise.all(names.map((name) => joinGroup(context.groups, name, members)));
  let turns = 0;
  const count = (): void => {
    turns++;
    next = setImmediate(count);
  };
  let next = setImmediate(count);
  const { groups } = await readGroupLags(context, { groupsMax: 100, partitionsMax: 100 });
  clearImmediate(next);
  expect(groups).toHaveLength(12);
  expect(turns).toBeGreaterThanOrEqual(2);
});
