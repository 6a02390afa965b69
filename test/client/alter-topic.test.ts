// Changing a topic with the library: settings, partitions and log starts, and what its clients notice.
import { expect, test } from "bun:test";
import { codeOf, produce, setUp } from "../support/client-setup.js";
import { FakeBroker } from "../support/fake-broker.js";
import { connect } from "../../src/index.js";

test("settings change at once, and describeTopic says who set each", async () => {
  await using t = await setUp({ retentionMs: 5_000 });
  await t.admin.createTopic("t", { partitions: 1, settings: { "retention.bytes": "9" } });
  const changes = { settings: { "max.message.bytes": "80" }, deleteSettings: ["retention.bytes"] };
  const { topicId, settings: before } = await t.admin.describeTopic("t");
  const altered = {
    ...{ topicId, previousPartitions: 1, partitions: 1 },
    settings: { "max.message.bytes": "80" },
  };
  expect(await t.admin.alterTopic("t", { ...changes, validateOnly: true })).toEqual(altered);
  expect((await t.admin.describeTopic("t")).settings).toEqual(before);
  expect(await t.admin.alterTopic("t", changes)).toEqual(altered);
  await expect(produce(t.client, "t", ["x".repeat(100)])).rejects.toThrow();
  const { settings, effectiveSettings } = await t.admin.describeTopic("t");
  expect(settings).toEqual({ "max.message.bytes": "80" });
  const sourceOf = (name: string) => effectiveSettings.find((it) => it.name === name)?.source;
  expect(["max.message.bytes", "retention.ms", "cleanup.policy"].map(sourceOf)).toEqual([
    ...["topic", "broker", "default"],
  ]);
  const wrong = { settings: { "segment.bytes": "few" }, partitions: 2 };
  expect(await codeOf(t.admin.alterTopic("t", wrong))).toBe("INVALID_CONFIG");
  expect(await codeOf(t.admin.alterTopic("t", { partitions: 1 }))).toBe("INVALID_PARTITIONS");
  expect(await codeOf(t.admin.alterTopic("t", {}))).toBe("INVALID_REQUEST");
  expect((await t.admin.describeTopic("t")).partitions).toHaveLength(1);
});

test("a producer writes to added partitions", async () => {
  await using t = await setUp();
  await t.admin.createTopic("t", { partitions: 1 });
  const producer = t.client.producer({ metadataMaxAgeMs: 1 });
  await producer.send("t", { key: "k", value: "v" });
  const altered = await t.admin.alterTopic("t", { partitions: 3 });
  expect(altered).toMatchObject({ previousPartitions: 1, partitions: 3, settings: {} });
  const used = new Set<number>();
  while (used.size < 3) {
    const sent = Array.from({ length: 20 }, (_, i) =>
      producer.send("t", { key: `${i}`, value: "" }),
    );
    for (const { partition } of await Promise.all(sent)) used.add(partition);
  }
  await producer.close();
});

test("deleteRecords moves log starts; of all partitions or, if one is wrong, of none", async () => {
  await using t = await setUp();
  await t.admin.createTopic("t", { partitions: 2 });
  await produce(t.client, "t", ["a", "b", "c"]);
  const { topicId, partitions } = await t.admin.describeTopic("t");
  expect(partitions.map(({ logStartOffset }) => logStartOffset)).toEqual([0, 0]);
  const [first, second] = [0, 1].map((partition) => ({ topic: "t", topicId, partition }));
  const records = [
    { ...first!, offset: 2 },
    { ...second!, offset: 1 },
  ];
  expect(await codeOf(t.admin.deleteRecords(records))).toBe("OFFSET_OUT_OF_RANGE");
  const other = { topic: "t", partition: 0, offset: 2, topicId: crypto.randomUUID() };
  expect(await codeOf(t.admin.deleteRecords([other]))).toBe("UNKNOWN_TOPIC_ID");
  expect(await t.admin.offsetFor("t", 0, "earliest")).toBe(0);
  const trimmed = await t.admin.deleteRecords([{ ...second!, offset: "latest" }, records[0]!]);
  expect(trimmed).toEqual([
    { topic: "t", partition: 1, logStartOffset: 0 },
    { topic: "t", partition: 0, logStartOffset: 2 },
  ]);
  const consumer = t.client.consumer({ topic: "t", follow: false });
  const offsets: number[] = [];
  for await (const { offset } of consumer) offsets.push(offset);
  expect(offsets).toEqual([2]);
});

test("an older broker lists only the settings of the topic itself", async () => {
  using broker = new FakeBroker({ maxVersion: 3 });
  await using client = await connect({ broker: broker.address, retries: 0 });
  expect((await client.admin().describeTopic("t")).effectiveSettings).toEqual([]);
});
