// Topics, with plain values. Leaves to others: what is on disk (topics/topic-registry.test.ts).
import { expect, test } from "bun:test";
import { fetch, type FetchResult } from "../../src/services/fetch.js";
import { listOffset } from "../../src/services/list-offsets.js";
import { produce } from "../../src/services/produce.js";
import { createTopic, deleteTopic, describeTopic, listTopics } from "../../src/services/topics.js";
import { batchOf, codeOf } from "../support/log-fixture.js";
import { openServices } from "../support/services.js";

const INTERNAL = "__consumer_offsets";

test("topics are created, listed, described and deleted", async () => {
  let deletions = 0;
  const context = await openServices({}, { onFilesDeleted: () => deletions++ });
  const settings = { "segment.bytes": "4096" };
  const created = await createTopic(context, { name: "b", partitions: 0, settings });
  expect(created).toMatchObject({ name: "b", partitions: 2, internal: false, offline: 0 });
  await createTopic(context, { name: "a", partitions: 1, settings: {} });
  await context.registry.create(INTERNAL, 1, {});
  await context.registry.partition("b", 1).append(batchOf(["x", "y"]));
  const names = (after?: string) => [...listTopics(context, after)].map(({ name }) => name);
  expect(names()).toEqual([INTERNAL, "a", "b"]);
  expect(names("a")).toEqual(["b"]);
  const described = await describeTopic(context, "b");
  expect(described).toMatchObject({ name: "b", topicId: created.topicId, settings });
  expect(described.partitions.map(({ highWatermark }) => highWatermark)).toEqual([0, 2]);
  await deleteTopic(context, { topic: "b" });
  expect(names()).toEqual([INTERNAL, "a"]);
  expect(deletions).toBe(1);
});

test("a missing topic is created on request", async () => {
  const context = await openServices();
  expect(await codeOf(() => describeTopic(context, "t"))).toBe("UNKNOWN_TOPIC_OR_PARTITION");
  expect((await describeTopic(context, "t", true)).partitions).toHaveLength(2);
});

test("internal topics are read-only", async () => {
  const context = await openServices();
  await context.registry.create(INTERNAL, 1, {});
  const actions = [
    () => createTopic(context, { name: INTERNAL, partitions: 1, settings: {} }),
    () => describeTopic(context, "__transaction_state", true),
    () => deleteTopic(context, { topic: INTERNAL }),
  ];
  for (const action of actions) expect(await codeOf(action)).toBe("INVALID_TOPIC");
  const produced = produce(context, { topic: INTERNAL, partition: 0, batch: [batchOf(["v"])] });
  expect(produced).rejects.toThrow(
    "topic '__consumer_offsets' can't be produced to: it belongs to the broker",
  );
  expect((await describeTopic(context, INTERNAL)).internal).toBe(true);
});

test("any other name may begin with underscores", async () => {
  const context = await openServices();
  const topic = "__debezium-heartbeat.orders";
  expect(await createTopic(context, { name: topic, partitions: 1, settings: {} })).toMatchObject({
    internal: false,
  });
  expect(await produce(context, { topic, partition: 0, batch: [batchOf(["v"])] })).toBe(0);
  await deleteTopic(context, { topic });
  expect([...listTopics(context)]).toEqual([]);
});

test("a topic is found by its id alone, until it is deleted", async () => {
  const context = await openServices();
  const create = () => createTopic(context, { name: "a", partitions: 1, settings: {} });
  const named = { topic: "", topicId: (await create()).topicId };
  const batch = () => batchOf(["v"]);
  expect(await produce(context, { ...named, partition: 0, batch: [batch()] })).toBe(0);
  await context.registry.addPartitions("a", 2);
  const second = { ...named, partition: 1 };
  expect(await produce(context, { ...second, batch: [batch()] })).toBe(0);
  expect(await listOffset(context, { ...second, timestamp: -1 })).toEqual({
    offset: 1,
    timestamp: -1,
    topicId: named.topicId,
  });
  const query = { bytesMax: 1_000, bytesMin: 1, waitMs: 0 };
  const positions = [{ ...second, offset: 0, bytesMax: 1_000 }];
  const [fetched] = fetch(context, { ...query, positions }) as readonly FetchResult[];
  expect(fetched).toMatchObject({ nextOffset: 1, topicId: named.topicId });
  await deleteTopic(context, named);
  await create();
  const late = [
    () => produce(context, { ...named, partition: 0, batch: [batch()] }),
    () => listOffset(context, { ...named, partition: 0, timestamp: -1 }),
    () => deleteTopic(context, named),
  ];
  for (const action of late) expect(await codeOf(action)).toBe("UNKNOWN_TOPIC_ID");
  expect(deleteTopic(context, named)).rejects.toThrow(`no topic has the id ${named.topicId}`);
});

test("a deletion by id that waited for a change spares a topic recreated meanwhile", async () => {
  const context = await openServices();
  const { topicId } = await createTopic(context, { name: "a", partitions: 1, settings: {} });
  const change = context.registry.alterSettings("a", { "segment.ms": "5" });
  const deletions = [
    deleteTopic(context, { topic: "a" }),
    deleteTopic(context, { topic: "", topicId }),
  ];
  const recreated = deletions[0]!.then(() => context.registry.create("a", 1, {}));
  expect(await codeOf(() => deletions[1])).toBe("UNKNOWN_TOPIC_OR_PARTITION");
  expect((await recreated).id).not.toBe(topicId);
  await change;
});
