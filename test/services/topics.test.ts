// Topics, with plain values. Leaves to others: what is on disk (topics/topic-registry.test.ts).
import { expect, test } from "bun:test";
import { createTopic, deleteTopic, describeTopic, listTopics } from "../../src/services/topics.js";
import { batchOf, codeOf } from "../support/log-fixture.js";
import { openServices } from "../support/services.js";

test("topics are created, listed, described and deleted", async () => {
  let deletions = 0;
  const context = await openServices({}, { onFilesDeleted: () => deletions++ });
  const settings = { "segment.bytes": "4096" };
  const created = await createTopic(context, { name: "b", partitions: 0, settings });
  expect(created).toMatchObject({ name: "b", partitions: 2, internal: false, offline: 0 });
  await createTopic(context, { name: "a", partitions: 1, settings: {} });
  await context.registry.create("__internal", 1, {});
  await context.registry.partition("b", 1).append(batchOf(["x", "y"]));
  const names = (after?: string) => [...listTopics(context, after)].map(({ name }) => name);
  expect(names()).toEqual(["__internal", "a", "b"]);
  expect(names("a")).toEqual(["b"]);
  const described = await describeTopic(context, "b");
  expect(described).toMatchObject({ name: "b", topicId: created.topicId, settings });
  expect(described.partitions.map(({ highWatermark }) => highWatermark)).toEqual([0, 2]);
  await deleteTopic(context, "b");
  expect(names()).toEqual(["__internal", "a"]);
  expect(deletions).toBe(1);
});

test("a topic that is missing is created for those who ask for it", async () => {
  const context = await openServices();
  expect(await codeOf(() => describeTopic(context, "t"))).toBe("UNKNOWN_TOPIC_OR_PARTITION");
  expect((await describeTopic(context, "t", true)).partitions).toHaveLength(2);
});

test("internal topics are only read", async () => {
  const context = await openServices();
  await context.registry.create("__internal", 1, {});
  const actions = [
    () => createTopic(context, { name: "__mine", partitions: 1, settings: {} }),
    () => describeTopic(context, "__mine", true),
    () => deleteTopic(context, "__internal"),
  ];
  for (const action of actions) expect(await codeOf(action)).toBe("INVALID_TOPIC");
  expect((await describeTopic(context, "__internal")).internal).toBe(true);
});
