// Compaction on demand, with the library and on real files: what it saves, and what consumers and producers see.
import { expect, test } from "bun:test";
import { codeOf, setUp } from "../support/client-setup.js";

const COMPACT = { "cleanup.policy": "compact" };

test("each key keeps its last record, at its offset, in the partitions that are named", async () => {
  await using t = await setUp();
  await t.admin.createTopic("t", { partitions: 2, settings: COMPACT });
  const producer = t.client.producer({ lingerMs: 0 });
  for (const partition of [0, 1]) {
    for (let i = 0; i < 50; i++) {
      producer.enqueue("t", { key: `k${i % 5}`, value: `v${i}`, partition });
      if (i % 10 === 9) await producer.flush();
    }
  }
  await producer.close();
  const [{ bytes: before = 0 } = {}] = (await t.admin.describeTopic("t")).partitions;
  const [row, ...others] = await t.admin.compactTopic("t", { partitions: [1] });
  expect(others).toEqual([]);
  expect(row).toMatchObject({ partition: 1, state: "done", recordsBefore: 50, recordsAfter: 5 });
  expect(row?.bytesBefore).toBe(before);
  const { partitions } = await t.admin.describeTopic("t");
  expect(partitions.map(({ bytes }) => bytes)).toEqual([before, row?.bytesAfter ?? -1]);

  const read: string[] = [];
  for await (const { offset, key, value } of t.client.consumer({
    ...{ topic: "t", partitions: [1], follow: false },
  })) {
    read.push(`${offset} ${String(key)} ${String(value)}`);
  }
  expect(read).toEqual([45, 46, 47, 48, 49].map((i) => `${i} k${i % 5} v${i}`));
  const both = await t.admin.compactTopic("t");
  expect(both.map(({ recordsBefore }) => recordsBefore)).toEqual([50, 0]);
});

test("what can't be compacted is refused by name", async () => {
  await using t = await setUp();
  await t.admin.createTopic("plain", { partitions: 1 });
  await t.admin.createTopic("t", { partitions: 1, settings: COMPACT });
  const code = (topic: string, partitions: number[] = []) =>
    codeOf(t.admin.compactTopic(topic, { partitions }));
  expect(await code("plain")).toBe("POLICY_VIOLATION");
  expect(await code("missing")).toBe("UNKNOWN_TOPIC_OR_PARTITION");
  expect(await code("t", [1])).toBe("UNKNOWN_TOPIC_OR_PARTITION");
  expect(await code("t", [0, 0])).toBe("INVALID_REQUEST");
  expect(await code("__consumer_offsets")).toBe("INVALID_TOPIC");
});

test("a record without a key is an error that says so, and the next one is written", async () => {
  await using t = await setUp();
  await t.admin.createTopic("t", { partitions: 1, settings: COMPACT });
  const producer = t.client.producer({ lingerMs: 0 });
  const failure: unknown = await producer
    .send("t", { value: "v" })
    .catch((error: unknown) => error);
  expect(failure).toMatchObject({ code: "INVALID_RECORD" });
  expect(String(failure)).toContain("t-0 is compacted (cleanup.policy=compact)");
  expect(await producer.send("t", { key: "k", value: "v" })).toMatchObject({ offset: 0 });
  await producer.close();
});
